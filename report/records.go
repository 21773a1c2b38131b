package report

import (
	"slices"
	"strconv"

	"wiretax/analyze"
)

// answerColumns are what a reader of records looks for; they come first, since more than a hundred follow.
var answerColumns = [...]string{
	"transport", "frames_saved_median", "latency_p50_seconds_median", "added_latency_p50_seconds", "trials", "trials_verified", "drops",
}

// runRecords is one row for each workload and transport, with the link that it ran on, for programs.
func runRecords(r *analyze.Run) table {
	names := []string{
		"link", "rate_bits_per_second", "rtt_seconds", "loss", "mtu", "ip",
		"messages", "message_octets", "interval_seconds", "transport", "trials", "trials_verified", "drops",
	}
	for _, f := range recordFigures {
		names = append(names, f.column+"_median", f.column+"_min", f.column+"_max")
	}
	names = append(names, "message_sizes", "arrivals", "pattern", "depth", "connections")
	names = append(names, costNames()...)
	names = append(names, theoryColumns[:]...)
	names = append(names, "congestion_control")
	t := table{columns: named(names...)}
	for i := range r.Workloads {
		w := withVariants(&r.Workloads[i])
		l := r.LinkOf(w)
		for _, tr := range w.Transports {
			row := []string{
				l.Kind, strconv.FormatInt(l.RateBitsPerSecond, 10), decimal(l.RTTSeconds), decimal(l.Loss), strconv.Itoa(l.MTU), strconv.Itoa(l.IP),
				strconv.Itoa(w.Messages), strconv.Itoa(w.Size), decimal(w.IntervalSeconds), tr.Name, strconv.Itoa(len(tr.Trials)),
			}
			verified, drops := 0, int64(0)
			for n := range tr.Trials {
				if tr.Trials[n].Verified() {
					verified++
				}
				drops += tr.Trials[n].Dropped()
			}
			row = append(row, strconv.Itoa(verified), strconv.FormatInt(drops, 10))
			for _, f := range recordFigures {
				s, ok := tr.Summary[f.key]
				if !ok {
					row = append(row, "", "", "")
					continue
				}
				row = append(row, number(s.Median), number(s.Min), number(s.Max))
			}
			row = append(row, w.Sizes, w.Arrivals, w.Pattern, blankZero(int64(w.Depth)), blankZero(int64(w.Connections)))
			row = append(row, costCells(&tr)...)
			row = append(row, theoryCells(&tr)...)
			row = append(row, l.CongestionControl)
			t.rows = append(t.rows, row)
		}
	}
	return t.leading(answerColumns[:])
}

// recordFigures are all figures of a trial: the name of the column carries the unit, the key is that of the JSON.
var recordFigures = [...]struct{ column, key string }{
	{"frames", "frames"}, {"data_frames", "data_frames"}, {"ack_frames", "ack_frames"}, {"setup_frames", "setup_frames"},
	{"teardown_frames", "teardown_frames"}, {"retransmit_frames", "retransmit_frames"}, {"probe_frames", "probe_frames"},
	{"payload_bytes", "payload_bytes"}, {"unique_payload_bytes", "unique_payload_bytes"}, {"header_bytes", "header_bytes"},
	{"wire_bytes", "wire_bytes"}, {"header_bytes_per_payload_byte", "header_bytes_per_payload_byte"},
	{"wire_overhead_per_payload_byte", "wire_overhead_per_payload_byte"}, {"efficiency", "efficiency"},
	{"messages_per_data_frame", "messages_per_data_frame"}, {"send_calls", "send_calls"}, {"recv_calls", "recv_calls"},
	{"messages_delivered", "messages_delivered"}, {"latency_p50_seconds", "latency_p50"}, {"latency_p99_seconds", "latency_p99"},
	{"latency_max_seconds", "latency_max"}, {"duration_seconds", "duration_seconds"},
	{"data_frames_saved", "data_frames_saved"}, {"frames_saved", "frames_saved"}, {"security_bytes", "security_bytes"},
}

func groupRecords(r *analyze.Result) table {
	t := table{columns: named(slices.Concat([]string{r.By}, directionFigures[:],
		[]string{"header_bytes_per_payload_byte", "wire_overhead_per_payload_byte", "efficiency"})...)}
	for i := range r.Groups {
		g := &r.Groups[i]
		t.rows = append(t.rows, slices.Concat([]string{g.Key}, directionCells(&g.Direction),
			[]string{number(g.HeaderBytesPerPayloadByte), number(g.WireOverheadPerPayload), number(g.Efficiency)}))
	}
	return t
}

// directionFigures are the figures of one direction of traffic, by their names in JSON.
var directionFigures = [...]string{
	"records", "frames", "data_frames", "ack_frames", "setup_frames", "teardown_frames", "probe_frames", "retransmissions",
	"payload_bytes", "unique_payload_bytes", "header_bytes", "wire_bytes",
}

func directionCells(d *analyze.Direction) []string {
	return decimals(d.Records, d.Frames, d.DataFrames, d.AckFrames, d.SetupFrames, d.TeardownFrames, d.ProbeFrames, d.Retransmissions,
		d.PayloadBytes, d.UniquePayloadBytes, d.HeaderBytes, d.WireBytes)
}

var frameColumns = [...]string{"n", "time", "len", "caplen", "frames", "payload_bytes", "header_bytes", "padding_bytes", "wire_bytes",
	"role", "flow", "a_to_b", "expanded", "unique_payload_bytes", "icmp_body_bytes"}

func frameCells(f *analyze.FrameRow) []string {
	row := append([]string{strconv.FormatInt(f.N, 10), f.Time},
		decimals(f.Len, f.CapLen, f.Frames, f.PayloadBytes, f.HeaderBytes, f.PaddingBytes, f.WireBytes)...)
	row = append(row, string(f.Role), strconv.Itoa(f.Flow), strconv.FormatBool(f.AToB), strconv.FormatBool(f.Expanded))
	return append(row, decimals(f.UniqueBytes, f.ICMPBodyBytes)...)
}

func flowColumns() []string {
	names := []string{"number", "proto", "a", "a_port", "b", "b_port", "vlans", "vni", "interface", "first", "last"}
	for _, direction := range []string{"ab_", "ba_"} {
		for _, figure := range directionFigures {
			names = append(names, direction+figure)
		}
	}
	return names
}

func flowCells(f *analyze.Flow) []string {
	vni := ""
	if f.VNI != nil {
		vni = strconv.Itoa(*f.VNI)
	}
	row := []string{
		strconv.Itoa(f.Number), f.Proto, f.A, strconv.Itoa(int(f.APort)), f.B, strconv.Itoa(int(f.BPort)), vlans(*f, " "), vni,
		strconv.Itoa(f.Iface), f.First, f.Last,
	}
	return slices.Concat(row, directionCells(&f.AB), directionCells(&f.BA))
}

func named(names ...string) []column {
	columns := make([]column, len(names))
	for i, n := range names {
		columns[i].name = n
	}
	return columns
}

func decimal(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }

func decimals(values ...int64) []string {
	out := make([]string, len(values))
	for i, v := range values {
		out[i] = strconv.FormatInt(v, 10)
	}
	return out
}

// number leaves the cell empty where there is no figure.
func number(r analyze.Ratio) string {
	if !r.Valid() {
		return ""
	}
	return decimal(float64(r))
}

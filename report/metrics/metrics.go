// Package metrics writes a live analysis in the text format of Prometheus (version 0.0.4), which is the whole of what it takes:
// the client library would bring a dozen modules for it. The sets of labels are bounded - roles, owners, protocols - whatever
// the traffic: flows and addresses are in none.
package metrics

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"wiretax/analyze"
)

// ContentType is what HTTP has to say about the text.
const ContentType = "text/plain; version=0.0.4; charset=utf-8"

// family is all series of one name.
type family struct {
	name, kind, help string
	series           []series
}

type series struct {
	labels []string // name, value, name, value ...
	value  float64
}

// View is what an analysis has to group by, so that Write knows its protocols.
const View = "protocol"

// Write writes the result of a live capture.
func Write(w io.Writer, r *analyze.Result, version string) error {
	var b strings.Builder
	for _, f := range families(r, version) {
		fmt.Fprintf(&b, "# HELP wiretax_%s %s\n# TYPE wiretax_%s %s\n", f.name, f.help, f.name, f.kind)
		for _, s := range f.series {
			fmt.Fprintf(&b, "wiretax_%s%s %s\n", f.name, s.braces(), strconv.FormatFloat(s.value, 'f', -1, 64))
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// braces are the labels as they stand behind the name.
func (s *series) braces() string {
	var pairs []string
	for i := 0; i < len(s.labels); i += 2 {
		pairs = append(pairs, s.labels[i]+`="`+escape(s.labels[i+1])+`"`)
	}
	if pairs == nil {
		return ""
	}
	return "{" + strings.Join(pairs, ",") + "}"
}

// escape writes a label's value (https://prometheus.io/docs/instrumenting/exposition_formats).
func escape(value string) string {
	return strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(value)
}

func families(r *analyze.Result, version string) []family {
	c, t := r.Source.Capture, &r.Totals
	one := func(n int64) []series { return []series{{nil, float64(n)}} }
	list := []family{
		{"watch_info", "gauge", "What is watched, by which version.",
			[]series{{[]string{"interface", c.Interface, "filter", r.Source.Filter, "version", version}, 1}}},
		{"capture_received_frames_total", "counter", "Frames that matched the filter, those that the kernel dropped included.", one(c.Received)},
		{"capture_dropped_frames_total", "counter", "Frames that are missing in all other figures, by who dropped them.",
			[]series{{[]string{"by", "kernel"}, float64(c.KernelDropped)}, {[]string{"by", "interface"}, float64(c.InterfaceDropped)}}},
		{"capture_seconds_total", "counter", "How long frames have been captured.", []series{{nil, c.DurationSeconds}}},
		{"records_total", "counter", "Frames captured, a super-frame as one.", one(t.Records)},
		{"record_bytes_total", "counter", "Original lengths of the records.", one(t.RecordBytes)},
		{"payload_bytes_total", "counter", "Bytes above the innermost transport header.", one(t.PayloadBytes)},
		{"unique_payload_bytes_total", "counter", "Payload bytes without retransmitted ones.", one(t.UniquePayloadBytes)},
		{"header_bytes_total", "counter", "Recorded bytes that are not payload, padding, trailer or FCS.", one(t.HeaderBytes)},
		{"malformed_records_total", "counter", "Records whose headers contradict each other or their length.", one(t.MalformedRecords)},
		{"flows_total", "counter", "Conversations seen.", one(r.FlowCount())},
	}
	var frames, wire, owners, groups, groupPayload []series
	for _, role := range analyze.Roles {
		labels := []string{"role", string(role)}
		frames = append(frames, series{labels, float64(r.Roles[role].Frames)})
		wire = append(wire, series{labels, float64(r.Roles[role].WireBytes)})
	}
	for _, part := range []struct {
		how    string
		octets map[string]int64
	}{{"measured", r.Owners}, {"inferred", r.Inferred}} {
		for _, owner := range slices.Sorted(maps.Keys(part.octets)) {
			if n := part.octets[owner]; n >= 0 { // what replaces another link header may be less than it
				owners = append(owners, series{[]string{"owner", owner, "how", part.how}, float64(n)})
			}
		}
	}
	for _, g := range r.Groups {
		groups = append(groups, series{[]string{"protocol", g.Key}, float64(g.WireBytes)})
		groupPayload = append(groupPayload, series{[]string{"protocol", g.Key}, float64(g.UniquePayloadBytes)})
	}
	list = append(list,
		family{"frames_total", "counter", "Frames on the wire, by what they are for.", frames},
		family{"wire_bytes_total", "counter", "Bytes on the wire, preamble, FCS and gap included, by what their frames are for.", wire},
		family{"owner_bytes_total", "counter", "Bytes on the wire by their one owner.", owners},
		family{"protocol_wire_bytes_total", "counter", "Bytes on the wire by protocol.", groups},
		family{"protocol_unique_payload_bytes_total", "counter", "Payload bytes without retransmitted ones, by protocol.", groupPayload})
	return append(list, segments(&r.TCP))
}

func segments(t *analyze.TCP) family {
	f := family{name: "tcp_segments_total", kind: "counter", help: "TCP segments of a kind; one can be of several."}
	for _, k := range []struct {
		kind string
		n    int64
	}{
		{"syn", t.SYN}, {"syn_ack", t.SYNACK}, {"fin", t.FIN}, {"rst", t.RST}, {"with_payload", t.WithPayload}, {"pure_ack", t.PureACK},
		{"retransmission", t.Retransmissions}, {"dup_ack", t.DupACK}, {"keep_alive", t.KeepAlive}, {"zero_window_probe", t.ZeroWindowProbe},
	} {
		f.series = append(f.series, series{[]string{"kind", k.kind}, float64(k.n)})
	}
	return f
}

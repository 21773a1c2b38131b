package main

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"wiretax/analyze"
)

// The conformance set is some 940 captures that other projects published, with the numbers that an oracle built on tshark
// gives for them. It is no part of the project. TestConformance does what the set's judge.py does, and more: it also names
// the reason for every number that differs where a convention decides.
//
//	go test ./cmd/wiretax -run Conformance                          all captures
//	go test ./cmd/wiretax -run Conformance/captures/zeek -v         some
//	WIRETAX_CONFORMANCE=DIR go test ./cmd/wiretax -run Conformance  another place or set
func TestConformance(t *testing.T) {
	dir := cmp.Or(os.Getenv("WIRETAX_CONFORMANCE"), "../../../shared/conformance")
	names, err := expectations(filepath.Join(dir, "expected"))
	if err != nil || len(names) == 0 {
		t.Skipf("no conformance set at %s: set WIRETAX_CONFORMANCE to where its folders captures and expected are", dir)
	}
	var judged atomic.Int64
	explained := map[string]*atomic.Int64{}
	for _, r := range reasons {
		explained[r.name] = new(atomic.Int64)
	}
	t.Run("captures", func(t *testing.T) {
		for _, name := range names {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				judged.Add(1)
				c := readCapture(t, dir, name)
				if c == nil {
					return
				}
				for _, broken := range brokenLaws(c.result) {
					t.Error(broken)
				}
				for _, r := range c.differences() {
					if reason := c.reasonFor(r); reason != "" {
						explained[reason].Add(1)
					} else {
						t.Error(r)
					}
				}
			})
		}
	})
	for _, r := range reasons {
		n := explained[r.name].Load()
		t.Logf("%3d numbers differ: %s", n, r.name)
		if judged.Load() == setSize && n != r.numbers {
			t.Errorf("%s: explains %d numbers, want %d", r.name, n, r.numbers)
		}
	}
}

// expectation is what the oracle's file has behind the capture's name.
const expectation = ".json.gz"

// expectations lists the captures that the oracle has read.
func expectations(dir string) (names []string, err error) {
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if name, ok := strings.CutSuffix(path, expectation); ok && err == nil {
			names = append(names, name[len(dir)+1:])
		}
		return err
	})
	return names, err
}

// captured is one capture: what the oracle counts in it, and what wiretax prints about it.
type captured struct {
	oracle, ours object
	result       *analyze.Result // the same as ours
}

// readCapture runs wiretax over a capture. It returns nil for what is no capture to the oracle either.
func readCapture(t *testing.T, dir, name string) *captured {
	c := &captured{oracle: readOracle(t, filepath.Join(dir, "expected", name+expectation))}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	var stdout, stderr bytes.Buffer
	code := wiretax(ctx, nil, &stdout, &stderr, []string{"analyze", "--json", "--frames", filepath.Join(dir, "captures", name)})
	if code == exitFailure && strings.HasPrefix(stderr.String(), "wiretax: ") && (!c.readable() || c.oracle.sum("totals.frames") == 0) {
		return nil
	}
	if err := json.Unmarshal(stdout.Bytes(), &c.ours); err != nil {
		t.Fatalf("exit code %d: %v: %s", code, err, stderr.String())
	}
	if err := json.Unmarshal(stdout.Bytes(), &c.result); err != nil {
		t.Fatal(err)
	}
	if err := validate(bytes.NewReader(stdout.Bytes())); err != nil {
		t.Error(err)
	}
	checkWithoutRows(t, c.result, filepath.Join(dir, "captures", name))
	distrust := slices.ContainsFunc(c.result.Warnings, func(w analyze.Warning) bool { return w.Distrust })
	if want := map[bool]int{false: 0, true: exitDistrust}[distrust]; code != want {
		t.Errorf("exit code %d, want %d", code, want)
	}
	return c
}

// checkWithoutRows fails when the figures depend on whether rows are wanted: without them, plain frames take a short way.
func checkWithoutRows(t *testing.T, want *analyze.Result, name string) {
	var stdout, stderr bytes.Buffer
	wiretax(t.Context(), nil, &stdout, &stderr, []string{"analyze", "--json", name})
	without := *want
	without.Frames = nil
	figures, err := json.Marshal(&without)
	if err != nil {
		t.Fatal(err)
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, stdout.Bytes()); err != nil {
		t.Fatalf("without rows: %v: %s", err, stderr.String())
	}
	if got := compact.Bytes(); !bytes.Equal(got, figures) {
		t.Errorf("without rows: %s\nwant %s", got, figures)
	}
}

func readOracle(t *testing.T, name string) (o object) {
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err == nil {
		err = json.NewDecoder(z).Decode(&o)
	}
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return o
}

// object is a JSON object, as a program that reads it sees it.
type object map[string]any

// sum adds up the numbers at the paths, separated by spaces; what is absent counts 0, * is everything in an object.
func (o object) sum(paths string) (n int64) {
	for path := range strings.FieldsSeq(paths) {
		head, rest, deeper := strings.Cut(path, ".")
		switch v := o[head].(type) {
		case float64:
			n += int64(v)
		case map[string]any:
			if rest == "*" {
				for k := range v {
					n += object(v).sum(k)
				}
			} else if deeper {
				n += object(v).sum(rest)
			}
		}
	}
	return n
}

func (o object) text(key string) string {
	s, _ := o[key].(string)
	return s
}

func (o object) list(key string) (list []object) {
	values, _ := o[key].([]any)
	for _, v := range values {
		list = append(list, v.(map[string]any))
	}
	return list
}

// row is a number that differs.
type difference struct {
	weight       weight
	where, label string
	oracle, ours int64
}

func (r difference) String() string {
	return fmt.Sprintf("%s: %s: %s: oracle %d, wiretax %d", r.weight, r.where, r.label, r.oracle, r.ours)
}

// weight is what a difference means.
type weight string

const (
	fail       weight = "FAIL" // exact: a defect
	convention weight = "CONV" // a written convention decides
	opinion    weight = "HEUR" // tshark's opinion, 5 % off or more
)

// judgedTotals are the figures of a whole capture: ours and the oracle's, and whether they are exact even for what no tool can
// read (always), exact for plain frames (exactly), or an opinion (roughly).
var judgedTotals = []struct{ label, oracle, ours, how string }{
	{"records", "totals.frames", "totals.records", "always"},
	{"record bytes", "totals.l2_bytes", "totals.record_bytes", "always"},
	{"captured bytes", "totals.captured_bytes", "totals.captured_bytes", "always"},
	{"truncated records", "totals.truncated_frames", "totals.truncated_records", "always"},
	{"sum of owners", "totals.l2_bytes", "owners.*", "always"},
	{"ethernet", "owners.eth", "owners.ethernet", "exactly"},
	{"vlan", "owners.vlan", "owners.vlan", "exactly"},
	{"mpls", "owners.mpls", "owners.mpls", "exactly"},
	{"pppoe", "owners.pppoe owners.ppp", "owners.pppoe", "exactly"},
	{"llc", "owners.llc", "owners.llc", "exactly"},
	{"ipv4", "owners.ipv4", "owners.ipv4", "exactly"},
	{"ipv4_options", "owners.ipv4_opt", "owners.ipv4_options", "exactly"},
	{"ipv6", "owners.ipv6", "owners.ipv6", "exactly"},
	{"ipv6_ext", "owners.ipv6_ext", "owners.ipv6_ext", "exactly"},
	{"tcp", "owners.tcp", "owners.tcp", "exactly"},
	{"tcp_options", "owners.tcp_opt", "owners.tcp_options", "exactly"},
	{"udp", "owners.udp", "owners.udp", "exactly"},
	{"icmp", "owners.icmp owners.icmp_body", "owners.icmp", "exactly"},
	{"arp", "owners.arp", "owners.arp", "exactly"},
	{"tunnel", "owners.tunnel", "owners.tunnel", "exactly"},
	{"payload", "owners.payload", "owners.payload", "exactly"},
	{"padding", "owners.trailing owners.inner_slack", "owners.padding owners.fcs", "exactly"},
	{"tcp syn", "tcp.flags.syn", "tcp.syn", "exactly"},
	{"tcp syn+ack", "tcp.flags.syn_ack", "tcp.syn_ack", "exactly"},
	{"tcp fin", "tcp.flags.fin", "tcp.fin", "exactly"},
	{"tcp rst", "tcp.flags.rst", "tcp.rst", "exactly"},
	{"tcp with payload", "tcp.flags.with_payload", "tcp.with_payload", "exactly"},
	{"tcp pure ack", "tcp.flags.zero_len_ack", "tcp.pure_ack", "exactly"},
	{"tcp unique bytes", "tcp.seqspace.unique", "tcp.unique_bytes", "roughly"},
	{"tcp repeated bytes", "tcp.seqspace.repeated", "tcp.retransmitted_bytes", "roughly"},
	{"tcp retransmissions", "tcp.analysis.retransmission tcp.analysis.fast_retransmission tcp.analysis.spurious_retransmission",
		"tcp.retransmissions", "roughly"},
	{"tcp keep-alive", "tcp.analysis.keep_alive", "tcp.keep_alive", "roughly"},
	{"tcp duplicate ack", "tcp.analysis.duplicate_ack", "tcp.dup_ack", "roughly"},
}

// differences are the numbers that differ.
func (c *captured) differences() []difference {
	return slices.Concat(c.totals(), c.frames(), c.flows())
}

// readable reports whether the oracle could read the file to its end.
func (c *captured) readable() bool {
	return c.oracle.sum("tshark_rc") == 0 && c.oracle["timed_out"] == false
}

func (c *captured) totals() (list []difference) {
	strict := c.oracle["comparable"] == "strict"
	comparable := strict || c.oracle["comparable"] == "convention"
	for _, j := range judgedTotals {
		if j.how == "always" && !c.readable() || j.how != "always" && !comparable ||
			j.how == "roughly" && c.marked("conversation_in_several_vlans conversation_in_several_ifaces") {
			continue
		}
		r := difference{where: "total", label: j.label, oracle: c.oracle.sum(j.oracle), ours: c.ours.sum(j.ours)}
		switch off := max(r.oracle-r.ours, r.ours-r.oracle); {
		case off == 0, j.how == "roughly" && (off <= 1 || off*20 <= max(r.oracle, r.ours)):
			continue
		case j.how == "roughly":
			r.weight = opinion
		case j.how == "always" || strict:
			r.weight = fail
		default:
			r.weight = convention
		}
		list = append(list, r)
	}
	return list
}

// frames compares the plain frames (tier A) one by one.
func (c *captured) frames() (list []difference) {
	ours := map[int64]object{}
	for _, f := range c.ours.list("frames") {
		ours[f.sum("n")] = f
	}
	for _, f := range c.oracle.list("frames") {
		if f["tier"] != "A" {
			continue
		}
		for _, j := range [][3]string{{"length", "len", "len"}, {"payload", "payload", "payload_bytes"},
			{"headers", "headers", "header_bytes"}, {"padding", "trailing inner_slack", "padding_bytes"}} {
			r := difference{fail, fmt.Sprintf("frame %d [%s]", f.sum("n"), f.text("chain")), j[0], f.sum(j[1]), ours[f.sum("n")].sum(j[2])}
			if r.oracle != r.ours {
				list = append(list, r)
			}
		}
	}
	return list
}

// flows compares the conversations of plain frames. A 5-tuple may be several flows of ours (VLANs, ports used again): their
// sum counts.
func (c *captured) flows() (list []difference) {
	ours, theirs := map[string]int64{}, map[string]int64{}
	for _, f := range c.ours.list("flows") {
		for side, half := range halves(f, "a_port", "b_port") {
			ours[half+": records"] += f.sum(side + ".records")
			ours[half+": payload"] += f.sum(side + ".payload_bytes")
		}
	}
	for _, f := range c.oracle.list("conversations") {
		if f["tiers"] == "A" {
			for side, half := range halves(f, "aport", "bport") {
				theirs[half+": records"] += f.sum(side + "_frames")
				theirs[half+": payload"] += f.sum(side + "_payload")
			}
		}
	}
	for figure, n := range theirs {
		if n != ours[figure] {
			list = append(list, difference{fail, "flow", figure, n, ours[figure]})
		}
	}
	return list
}

// halves names the two directions of a conversation.
func halves(f object, aPort, bPort string) map[string]string {
	a := fmt.Sprintf("%s:%d", f.text("a"), f.sum(aPort))
	b := fmt.Sprintf("%s:%d", f.text("b"), f.sum(bPort))
	proto := strings.ToLower(f.text("proto"))
	return map[string]string{"ab": proto + " " + a + " > " + b, "ba": proto + " " + b + " > " + a}
}

// brokenLaws checks what holds for every capture, whatever is in it.
func brokenLaws(r *analyze.Result) (broken []string) {
	check := func(law string, got, want int64) {
		if got != want {
			broken = append(broken, fmt.Sprintf("law broken: %s: %d, not %d", law, got, want))
		}
	}
	t := &r.Totals
	check("owners add up to the record bytes", sumOf(r.Owners), t.RecordBytes)
	check("owners and inferred add up to the wire bytes", sumOf(r.Owners)+sumOf(r.Inferred), t.WireBytes)
	check("headers are what is not payload, padding, FCS",
		t.HeaderBytes, t.RecordBytes-t.PayloadBytes-r.Owners["padding"]-r.Owners["fcs"])
	check("TCP options by class add up to their owner", sumOf(r.TCP.OptionBytes), r.Owners["tcp_options"])

	var roles, flows, rows sums
	for _, s := range r.Roles {
		roles.frames, roles.wire = roles.frames+s.Frames, roles.wire+s.WireBytes
	}
	check("roles add up to the frames", roles.frames, t.Frames)
	check("roles add up to the wire bytes", roles.wire, t.WireBytes)

	totals := sums{t.Records, t.Frames, t.PayloadBytes, t.UniquePayloadBytes, t.HeaderBytes, t.WireBytes}
	for _, f := range r.Flows {
		flows.add(&f.AB)
		flows.add(&f.BA)
	}
	flows.add(&r.Others.Direction)
	if flows != totals {
		broken = append(broken, fmt.Sprintf("law broken: flows and the rest add up to the totals: %+v, not %+v", flows, totals))
	}
	for _, f := range r.Frames {
		headers := f.HeaderBytes + f.ICMPBodyBytes
		rows.add(&analyze.Direction{Records: 1, Frames: f.Frames, PayloadBytes: f.PayloadBytes,
			UniquePayloadBytes: f.UniqueBytes, HeaderBytes: headers, WireBytes: f.WireBytes})
		check(fmt.Sprintf("parts of frame %d add up to its length", f.N), headers+f.PayloadBytes+f.PaddingBytes, f.Len)
	}
	if rows != totals {
		broken = append(broken, fmt.Sprintf("law broken: frames add up to the totals: %+v, not %+v", rows, totals))
	}
	return broken
}

// sums are the figures that totals, flows and frames have in common.
type sums struct{ records, frames, payload, unique, headers, wire int64 }

func (s *sums) add(d *analyze.Direction) {
	s.records += d.Records
	s.frames += d.Frames
	s.payload += d.PayloadBytes
	s.unique += d.UniquePayloadBytes
	s.headers += d.HeaderBytes
	s.wire += d.WireBytes
}

func sumOf(owners map[string]int64) (n int64) {
	for v := range maps.Values(owners) {
		n += v
	}
	return n
}

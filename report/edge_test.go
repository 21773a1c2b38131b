package report

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"wiretax/analyze"
	"wiretax/analyze/frame"
)

func TestParseFormat(t *testing.T) {
	for _, name := range []string{"table", "markdown", "csv", "json", "html"} {
		if f, err := ParseFormat(name); err != nil || string(f) != name {
			t.Errorf("ParseFormat(%q) = %q, %v", name, f, err)
		}
	}
	want := `format "xml": unknown (use table, markdown, csv, json, ndjson, html or svg)`
	if _, err := ParseFormat("xml"); err == nil || err.Error() != want {
		t.Errorf("ParseFormat(xml): %v, want %s", err, want)
	}
}

// run makes an experiment of one workload.
func run(messages, size int, transports ...analyze.Transport) *analyze.Run {
	return complete(&analyze.Run{Link: wireLink(), Workloads: []analyze.Workload{{Messages: messages, Size: size, Transports: transports}}})
}

func lossyRun() *analyze.Run {
	udp := times(3, timed(udpTrial(100, 100*90), 0.002, 0.003, 0.003))
	for i := range udp { // the wire carried what the link then lost
		udp[i].MessagesDelivered = int64(97 + i)
		udp[i].Drops = map[string]int64{"lost_by_request": int64(3 - i)}
	}
	tcp := []analyze.Trial{
		timed(tcpTrial(8, 9, 1, 2, 100*90), 0.004, 0.210, 0.215), timed(tcpTrial(8, 8, 1, 0, 100*90), 0.003, 0.005, 0.006),
		timed(tcpTrial(9, 9, 1, 1, 100*90), 0.004, 0.120, 0.130),
	}
	r := run(100, 90, transport("udp", udp...), transport("tcp", tcp...))
	r.Link.Loss, r.Link.Seed = 0.02, 7
	return r
}

func disagreeingRun() *analyze.Run {
	r := sixteenMessages()
	tcp := r.Workloads[0].Transports[2].Trials
	tcp[2].Witnesses = analyze.Witnesses{Capture: 9, Wire: 10, Interface: 10, TCPInfoSegs: 10,
		Disagree: []string{"capture of host a 5 = wire 6: one frame missing"}}
	r.Workloads[0].Transports[0].Trials[4].Drops = map[string]int64{"capture_ring": 3, "interface_tx": 0, "receiver_socket": 1, "lost_by_request": 2}
	r.Warnings = []analyze.Warning{{Code: "capture_dropped", Message: "the capture dropped 3 frames", Count: 3, Distrust: true}}
	return r
}

func fiveDigitRun() *analyze.Run {
	const n, payload = 12345, 12345 * 90
	tcp := make([]analyze.Trial, 5)
	nodelay := make([]analyze.Trial, 5)
	for i := range tcp {
		tcp[i] = timed(tcpTrial(768+int64(i), 400+int64(i), 1, 0, payload), 0.123, 0.234, 0.345)
		nodelay[i] = timed(tcpTrial(12000+int64(10*i), 11000+int64(10*i), 1, 0, payload), 0.112, 0.201, 0.205)
		nodelay[i].RecvCalls += int64(i)
	}
	return run(n, 90, transport("udp", times(5, timed(udpTrial(n, payload), 1.6, 3.1, 3.2))...),
		transport("udp-packed", times(5, timed(udpTrial(772, payload), 0.6, 1.1, 1.2))...),
		transport("tcp", tcp...), transport("tcp-nodelay", nodelay...), transport("tcp-noautocork", nodelay...))
}

func billionRun() *analyze.Run {
	const n, payload = 1_000_000_000, 90_000_000_000
	return run(n, 90, transport("udp", times(2, timed(udpTrial(n, payload), 160, 310, 320))...),
		transport("tcp", timed(tcpTrial(62_154_697, 31_000_000, 1, 0, payload), 11, 20, 30),
			timed(tcpTrial(65_154_697, 33_000_000, 1, 0, payload), 11, 20, 30)))
}

func matrixRun() *analyze.Run {
	r := sixteenMessages()
	second := sixteenMessages().Workloads[0]
	second.Size, second.IntervalSeconds = 1440, 0.0003
	r.Workloads = append(r.Workloads, second)
	return r
}

// grid is a run of two links, two sizes and two intervals.
func grid() *analyze.Run {
	r := sixteenMessages()
	one := r.Workloads[0]
	r.Workloads = nil
	for _, rtt := range []float64{0.001, 0.02} {
		link := wireLink()
		link.RTTSeconds = rtt
		for _, size := range []int{90, 1440} {
			for _, interval := range []float64{0, 0.0003} {
				w := one
				w.Link, w.Size, w.IntervalSeconds = &link, size, interval
				r.Workloads = append(r.Workloads, w)
			}
		}
	}
	return r
}

func undecided() *analyze.Run {
	r := run(16, 90, transport("udp", udpTrial(16, 0)), transport("tcp", tcpTrial(16, 16, 1, 0, 0)))
	r.Link = analyze.Link{Kind: "interface", RTTSeconds: 11.964e-6, MTU: 1500, IP: 4,
		Interfaces: []analyze.Interface{{Name: "eth1", Driver: "igc"}, {Name: "eth2", Driver: "igc"}}, Offloads: map[string]bool{"tx-tcp-segmentation": true, "rx-gro": true}}
	return r
}

// edgeRuns are the experiments that are not like the usual one.
func edgeRuns() map[string]*analyze.Run {
	return map[string]*analyze.Run{
		"lossy": lossyRun(), "disagree": disagreeingRun(), "five-digits": fiveDigitRun(), "billion": billionRun(), "matrix": matrixRun(), "grid": grid(),
		"no-payload": undecided(),
		"no-udp": run(16, 90, transport("tcp-nodelay", times(2, timed(tcpTrial(16, 16, 1, 0, 1440), 0.001, 0.002, 0.003))...),
			transport("tcp", times(2, timed(tcpTrial(2, 4, 1, 0, 1440), 0.002, 0.002, 0.003))...)),
		"udp-not-first": run(16, 90, transport("tcp", timed(tcpTrial(2, 4, 1, 0, 1440), 0.002, 0.002, 0.003)),
			transport("udp", timed(udpTrial(16, 1440), 0.002, 0.002, 0.003))),
		"one-trial": run(16, 90, transport("udp", timed(udpTrial(16, 1440), 0.00164, 0.00262, 0.00262)),
			transport("tcp", timed(tcpTrial(16, 16, 1, 0, 1440), 0.00174, 0.00182, 0.00182))),
		"only-udp":      run(1, 1, transport("udp", timed(udpTrial(1, 1), 0.0005, 0.0005, 0.0005))),
		"not-counted":   {Link: wireLink(), Workloads: []analyze.Workload{{Messages: 16, Size: 90, Transports: []analyze.Transport{{Name: "udp"}, {Name: "tcp"}}}}},
		"empty":         {},
		"no-transports": {Link: wireLink(), Workloads: []analyze.Workload{{Messages: 16, Size: 90}, {Messages: 32, Size: 90}}},
	}
}

func TestEdgeRunsGolden(t *testing.T) {
	for name, r := range edgeRuns() {
		t.Run(name, func(t *testing.T) {
			var b bytes.Buffer
			if err := Run(&b, r, Table, Style{}); err != nil {
				t.Fatal(err)
			}
			if most, l := widest(b.String()); most > 80 {
				t.Errorf("%d columns wide: %q", most, l)
			}
			golden(t, "run-"+name+".txt", b.Bytes())
		})
	}
}

func edgeResults() map[string]*analyze.Result {
	hostile := onePlusOne()
	hostile.Source.Files = []string{"\x1b[31m日本語\n.pcap", "|a_b_ *c*.pcap", string([]byte{0xff, 'x'})}
	hostile.Findings = []analyze.Finding{{Code: "\x1b[2J", Message: "\u202egnp.exe\r\n"}}
	hostile.Flows[0].A, hostile.Flows[0].Proto = "not\tan address", "\x07"
	raw := &analyze.Result{
		Source: analyze.Source{Files: []string{"-"}, Format: "pcap", LinkTypes: []string{"RAW"}},
		Totals: analyze.Totals{Records: 1, Frames: 1, RecordBytes: 40, CapturedBytes: 40, HeaderBytes: 40, WireBytes: 40,
			HeaderBytesPerPayloadByte: analyze.Over(40, 0), WireOverheadPerPayload: analyze.Over(40, 0), Efficiency: analyze.Over(0, 40)},
		Owners:   map[string]int64{"ipv4": 20, "tcp": 20, "new_owner": 0},
		Roles:    map[analyze.Role]analyze.Share{analyze.Ack: {Frames: 1, WireBytes: 40}},
		Warnings: []analyze.Warning{{Code: "no_ethernet", Message: "1 record is no Ethernet: nothing was inferred", Count: 1}},
	}
	return map[string]*analyze.Result{"hostile": hostile, "hostile-groups": grouped(onePlusOne(), "\x1b[31m", groupOf("\x1b]0;x\a", 1, 2, 3, 4)), "raw": raw, "empty": {}, "busy-frames": withFrames(busyServer())}
}

func TestEdgeResultsGolden(t *testing.T) {
	for name, r := range edgeResults() {
		t.Run(name, func(t *testing.T) {
			var b bytes.Buffer
			if err := Analysis(&b, r, Table, Style{}); err != nil {
				t.Fatal(err)
			}
			if most, l := widest(b.String()); most > 80 {
				t.Errorf("%d columns wide: %q", most, l)
			}
			golden(t, "analysis-"+name+".txt", b.Bytes())
		})
	}
}

func TestSameResultSameReport(t *testing.T) {
	for _, f := range []Format{Table, Markdown, CSV, JSON, HTML} {
		var first bytes.Buffer
		if err := Analysis(&first, onePlusOne(), f, Style{Wide: true}); err != nil {
			t.Fatal(err)
		}
		if err := Run(&first, sixteenMessages(), f, Style{Wide: true}); err != nil {
			t.Fatal(err)
		}
		for range 20 {
			var again bytes.Buffer
			if err := Analysis(&again, onePlusOne(), f, Style{Wide: true}); err != nil {
				t.Fatal(err)
			}
			if err := Run(&again, sixteenMessages(), f, Style{Wide: true}); err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(first.Bytes(), again.Bytes()) {
				t.Fatalf("%s: two reports of one result differ", f)
			}
		}
	}
}

func TestEveryFormatTakesEveryRun(t *testing.T) {
	for name, r := range edgeRuns() {
		for _, f := range Formats {
			if err := Run(&bytes.Buffer{}, r, f, Style{Wide: true}); err != nil && !errors.Is(err, errNothingToDraw) {
				t.Errorf("%s as %s: %v", name, f, err)
			}
		}
	}
}

func TestReportLeavesResultAlone(t *testing.T) {
	r, before := busyServer(), busyServer()
	for _, f := range []Format{Table, Markdown, CSV, JSON, HTML} {
		if err := Analysis(&bytes.Buffer{}, r, f, Style{}); err != nil {
			t.Fatal(err)
		}
	}
	if fmt.Sprint(r) != fmt.Sprint(before) && r.Flows[0].A != before.Flows[0].A {
		t.Error("the result changed")
	}
}

func TestWaterfallKnowsEveryOwner(t *testing.T) {
	for o := range frame.Owner(frame.NumOwners) {
		order := measuredOwners[:]
		if int(o) >= frame.NumMeasured {
			order = inferredOwners[:]
		}
		if o != frame.Payload && !strings.Contains(" "+strings.Join(order, " ")+" ", " "+o.String()+" ") {
			t.Errorf("owner %s has no place", o)
		}
	}
}

func TestWaterfallEndsAtUniquePayload(t *testing.T) {
	for name, r := range map[string]*analyze.Result{"small": onePlusOne(), "busy": busyServer()} {
		rows := waterfall(r).rows
		last := rows[len(rows)-1]
		if want := integer(r.Totals.UniquePayloadBytes); last[3] != want {
			t.Errorf("%s: ends at %s, want %s", name, last[3], want)
		}
	}
}

func TestCSVIsRectangular(t *testing.T) {
	for name, write := range map[string]func(b *bytes.Buffer) error{
		"run":    func(b *bytes.Buffer) error { return Run(b, fiveDigitRun(), CSV, Style{}) },
		"flows":  func(b *bytes.Buffer) error { return Analysis(b, busyServer(), CSV, Style{}) },
		"frames": func(b *bytes.Buffer) error { return Analysis(b, withFrames(busyServer()), CSV, Style{}) },
		"groups": func(b *bytes.Buffer) error { return Analysis(b, byFlow(), CSV, Style{}) },
		"empty":  func(b *bytes.Buffer) error { return Analysis(b, &analyze.Result{}, CSV, Style{}) },
	} {
		var b bytes.Buffer
		if err := write(&b); err != nil {
			t.Fatal(err)
		}
		if _, err := csv.NewReader(&b).ReadAll(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestJSON(t *testing.T) {
	var b bytes.Buffer
	r := &analyze.Result{Source: analyze.Source{Files: []string{"a&b<c>.pcap"}}, Totals: analyze.Totals{Efficiency: analyze.Over(1, 0)}}
	if err := Analysis(&b, r, JSON, Style{}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"a&b<c>.pcap"`, `"efficiency": null`, `"flows": []`, `"findings": []`, `"warnings": []`} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("%s is missing in %s", want, b.String())
		}
	}
	if !strings.HasSuffix(b.String(), "}\n") {
		t.Error("no newline at the end")
	}
}

func TestFindingsWithMostAtStakeFirst(t *testing.T) {
	r := &analyze.Result{
		Source: analyze.Source{First: "2026-03-01T12:00:00Z", Last: "2026-03-01T12:00:10Z"},
		Totals: analyze.Totals{WireBytes: 1000},
		Findings: []analyze.Finding{
			{Code: "a", WireBytes: 100}, {Code: "b", WireBytes: 10, Seconds: 5}, {Code: "c"}, {Code: "d", WireBytes: 300, Seconds: 1},
		},
	}
	var got string
	for _, l := range findingLines(r) {
		got += l.text
	}
	if want := " [b] [d] [a] [c]"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// TestEveryWarningIsExplained finds the codes where they are written.
func TestEveryWarningIsExplained(t *testing.T) {
	source, err := os.ReadFile("../analyze/doubts.go")
	if err != nil {
		t.Fatal(err)
	}
	var explained strings.Builder
	if err := Explain(&explained); err != nil {
		t.Fatal(err)
	}
	codes := regexp.MustCompile(`\{"([a-z_]+)", "`).FindAllSubmatch(source, -1)
	if len(codes) == 0 {
		t.Fatal("no code found")
	}
	for _, code := range codes {
		if !strings.Contains(explained.String(), "\n"+string(code[1])+"\n") {
			t.Errorf("%s is not explained", code[1])
		}
	}
}

func TestHeadline(t *testing.T) {
	udp := transport("udp", udpTrial(16, 1440))
	for _, c := range []struct {
		name string
		run  *analyze.Run
		want string
	}{
		{"saves both", run(16, 90, udp, transport("tcp", tcpTrial(2, 4, 1, 0, 1440))),
			"Coalescing saved tcp 14 of udp's 16 data frames; with handshake, ACKs and teardown it saved 7 of 16 frames."},
		{"saves data frames only", run(16, 90, udp, transport("tcp", tcpTrial(11, 13, 1, 0, 1440))),
			"Coalescing saved tcp 5 of udp's 16 data frames; with handshake, ACKs and teardown it needed 27 frames instead of 16: 11 more."},
		{"coalesces nothing", run(16, 90, udp, transport("tcp", tcpTrial(16, 18, 2, 0, 1440))),
			"Coalescing saved tcp none of udp's 16 data frames; with handshake, ACKs and teardown it needed 38 frames instead of 16: 22 more."},
		{"more data frames", run(1, 1460, transport("udp", udpTrial(1, 1460)), transport("tcp", tcpTrial(2, 4, 1, 0, 1460))),
			"Coalescing saved tcp nothing: it needed 1 more data frame than udp's 1; with handshake, ACKs and teardown it needed 9 frames instead of 1: 8 more."},
		{"as many in all", run(16, 90, udp, transport("tcp", tcpTrial(6, 7, 1, 0, 1440))),
			"Coalescing saved tcp 10 of udp's 16 data frames; with handshake, ACKs and teardown it needed 16 frames, as many as udp."},
		{"trials differ", run(16, 90, transport("udp", times(3, udpTrial(16, 1440))...),
			transport("tcp", tcpTrial(2, 4, 1, 0, 1440), tcpTrial(2, 4, 1, 0, 1440), tcpTrial(3, 4, 1, 0, 1440))),
			"Coalescing saved tcp 14 [13..14] of udp's 16 data frames; with handshake, ACKs and teardown it saved 7 [6..7] of 16 frames."},
		{"tcp is not there", run(16, 90, udp, transport("tcp-cork", tcpTrial(1, 3, 2, 0, 1440))),
			"Coalescing saved tcp-cork 15 of udp's 16 data frames; with handshake, ACKs and teardown it saved 8 of 16 frames."},
		{"tcp is there", run(16, 90, udp, transport("tcp-cork", tcpTrial(1, 3, 2, 0, 1440)), transport("tcp", tcpTrial(2, 4, 1, 0, 1440))),
			"Coalescing saved tcp 14 of udp's 16 data frames; with handshake, ACKs and teardown it saved 7 of 16 frames. Of all measured, tcp-cork saved most frames: 8."},
		{"with latency", run(16, 90, transport("udp", times(5, timed(udpTrial(16, 1440), 0.001, 0.002, 0.002))...),
			transport("tcp", times(5, timed(tcpTrial(2, 4, 1, 0, 1440), 0.003, 0.004, 0.004))...)),
			"Coalescing saved tcp 14 of udp's 16 data frames; with handshake, ACKs and teardown it saved 7 of 16 frames. Median one-way latency after connecting: 3.12 ms against 1.04 ms; a new TCP connection costs a round trip more before its first message."},
		{"latency of few trials", run(16, 90, transport("udp", timed(udpTrial(16, 1440), 0.001, 0.002, 0.002)),
			transport("tcp", timed(tcpTrial(2, 4, 1, 0, 1440), 0.003, 0.004, 0.004))),
			"Coalescing saved tcp 14 of udp's 16 data frames; with handshake, ACKs and teardown it saved 7 of 16 frames. Median one-way latency after connecting: 3.00 ms against 1.00 ms, too few trials to tell; a new TCP connection costs a round trip more before its first message."},
		{"no tcp", run(16, 90, udp, transport("udp-packed", udpTrial(1, 1440))), ""},
		{"messages lost, trials not verified", lossy(), "Coalescing saved tcp 14 of udp's 16 data frames; with handshake, ACKs and teardown it saved 7 of 16 frames." +
			" But udp delivered only 15 of 16 messages. Not every trial of them is verified: see below."},
	} {
		if got := unglued(headline(referenceFirst(&c.run.Workloads[0]))); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.name, got, c.want)
		}
	}
}

// lossy is a run whose receiver dropped a datagram.
func lossy() *analyze.Run {
	udp := udpTrial(16, 1440)
	udp.MessagesDelivered, udp.Drops = 15, map[string]int64{"receiver_socket": 1}
	return run(16, 90, transport("udp", udp), transport("tcp", tcpTrial(2, 4, 1, 0, 1440)))
}

// TestJSONHidesNothing: what could steer a terminal is escaped, and reads back as it was.
func TestJSONHidesNothing(t *testing.T) {
	name := "a\u009b31m\x7f\u202egnp\U000e0041日本.pcap"
	var b bytes.Buffer
	if err := Analysis(&b, &analyze.Result{Source: analyze.Source{Files: []string{name}}}, JSON, Style{}); err != nil {
		t.Fatal(err)
	}
	for _, c := range b.String() {
		if !unicode.IsGraphic(c) && c != '\n' {
			t.Errorf("character %q", c)
		}
	}
	var back analyze.Result
	if err := json.Unmarshal(b.Bytes(), &back); err != nil || back.Source.Files[0] != name {
		t.Errorf("reads back as %q, %v", back.Source.Files, err)
	}
}

var errFull = errors.New("no space left on device")

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errFull }

func TestWriteErrorsAreReported(t *testing.T) {
	for _, f := range []Format{Table, Markdown, CSV, JSON, HTML} {
		if err := Run(fullDisk{}, sixteenMessages(), f, Style{}); !errors.Is(err, errFull) {
			t.Errorf("run as %s: %v", f, err)
		}
		if err := Analysis(fullDisk{}, onePlusOne(), f, Style{}); !errors.Is(err, errFull) {
			t.Errorf("analysis as %s: %v", f, err)
		}
	}
	if err := Explain(fullDisk{}); !errors.Is(err, errFull) {
		t.Errorf("explain: %v", err)
	}
}

func TestNumbers(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{count(0), "0"}, {count(4.5), "4.5"}, {count(1000), "1,000"}, {count(-1234567), "-1,234,567"}, {count(-999), "-999"},
		{ratio(0), "0"}, {ratio(0.045833), "0.0458"}, {ratio(0.7333), "0.733"}, {ratio(1.6986), "1.70"}, {ratio(9.996), "10.0"},
		{ratio(99.96), "100"}, {ratio(1234.5), "1,234"}, {ratio(83), "83.0"}, {ratio(-0.5406), "-0.541"},
		{percent(0.5769), "57.7"}, {percent(1), "100.0"}, {share(1, 0), "-"}, {share(-2, 100), "-2.0"},
		{unglued(seconds(0)), "0 s"}, {unglued(seconds(0.001)), "1 ms"}, {unglued(seconds(0.0003)), "300 us"}, {unglued(seconds(3600)), "3600 s"},
		{unglued(seconds(2e-10)), "0.2 ns"},
		{unglued(duration(0)), "0 s"}, {unglued(duration(90 * time.Second)), "90 s"}, {unglued(duration(553106 * time.Millisecond)), "9 min 13.106 s"},
		{unglued(duration(90 * time.Minute)), "1 h 30 min"}, {unglued(duration(50 * time.Hour)), "2 d 2 h"},
		{unglued(bitRate(10_000_000)), "10 Mb/s"}, {unglued(bitRate(1_500_000_000)), "1.5 Gb/s"}, {unglued(bitRate(1)), "1 b/s"},
		{withSeparators("1234 of 12345 in 1234.567 s, a1234", 1234, 1), "1,234 of 12345 in 1,234.567 s, a1,234"},
		{elide("192.0.2.1:80", 12), "192.0.2.1:80"}, {elide("[2001:db8::1]:443", 10), "[200..:443"}, {elide("日本語日本語", 7), "日..語"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}

// FuzzReport: whatever a run.json or an analysis holds, a report for people is valid UTF-8 without control or format characters.
func FuzzReport(f *testing.F) {
	for _, r := range edgeRuns() {
		b, err := json.Marshal(r)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b, uint8(80))
	}
	for _, r := range edgeResults() {
		b, err := json.Marshal(r)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b, uint8(60))
	}
	f.Fuzz(func(t *testing.T, b []byte, width uint8) {
		var out bytes.Buffer
		s := Style{Width: int(width)}
		if r := new(analyze.Run); json.Unmarshal(b, r) == nil {
			for _, format := range []Format{Table, Markdown, HTML} {
				if err := Run(&out, r, format, s); err != nil {
					t.Fatal(err)
				}
			}
		}
		if r := new(analyze.Result); json.Unmarshal(b, r) == nil {
			for _, format := range []Format{Table, Markdown, HTML} {
				if err := Analysis(&out, r, format, s); err != nil {
					t.Fatal(err)
				}
			}
		}
		if !utf8.Valid(out.Bytes()) {
			t.Fatal("not UTF-8")
		}
		for _, c := range out.String() {
			if !unicode.IsGraphic(c) && c != '\n' {
				t.Fatalf("character %q", c)
			}
		}
	})
}

func BenchmarkFrames(b *testing.B) {
	r := onePlusOne()
	for i := range 10_000 {
		r.Frames = append(r.Frames, withFrames(&analyze.Result{}).Frames[i%4])
	}
	for b.Loop() {
		if err := Analysis(&bytes.Buffer{}, r, Table, Style{}); err != nil {
			b.Fatal(err)
		}
	}
}

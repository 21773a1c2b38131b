package report

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"testing"
	"time"

	"wiretax/analyze"
)

// drawn gives a transport the frames of its first trial, a tenth of a millisecond apart.
func drawn(t *analyze.Transport, rows ...analyze.FrameRow) {
	line := &analyze.Timeline{Records: int64(len(rows)), Owners: map[string]int64{}, Inferred: map[string]int64{}}
	for i, row := range rows {
		row.N = int64(i + 1)
		row.Time = time.Date(2026, 3, 1, 12, 0, 0, 100_000*i, time.UTC).Format(time.RFC3339Nano)
		line.Rows = append(line.Rows, row)
		for _, sum := range []struct{ to, from map[string]int64 }{{line.Owners, row.Owners}, {line.Inferred, row.Inferred}} {
			for name, n := range sum.from {
				sum.to[name] += n
			}
		}
	}
	t.Timeline = line
}

// frameOf is a frame with so much payload towards the receiver; none is an ACK that comes back.
func frameOf(transport string, payload int64) analyze.FrameRow {
	row := analyze.FrameRow{Frames: 1, PayloadBytes: payload, Role: analyze.Data, Flow: 1, AToB: true,
		Owners:   map[string]int64{"ethernet": 14, "ipv4": 20, "payload": payload},
		Inferred: map[string]int64{"preamble": 8, "fcs": 4, "gap": 12}}
	if transport == "udp" {
		row.Owners["udp"], row.HeaderBytes = 8, udpHead
	} else {
		row.Owners["tcp"], row.Owners["tcp_options"], row.HeaderBytes = 20, 12, tcpHead
	}
	if payload == 0 {
		row.Role, row.AToB = analyze.Ack, false
	}
	row.Len = row.HeaderBytes + payload
	if row.Len < 60 {
		row.Inferred["fill"] = 60 - row.Len
	}
	row.WireBytes = max(row.Len, 60) + onWire
	return row
}

// smallRun is two messages over two transports, with every frame.
func smallRun() *analyze.Run {
	r := run(2, 10, transport("udp", times(3, timed(udpTrial(2, 20), 0.001, 0.002, 0.002))...),
		transport("tcp", times(3, timed(tcpTrial(1, 1, 2, 0, 20), 0.003, 0.004, 0.004))...))
	ts := r.Workloads[0].Transports
	drawn(&ts[0], frameOf("udp", 10), frameOf("udp", 10))
	drawn(&ts[1], frameOf("tcp", 20), frameOf("tcp", 0))
	return r
}

func rendered(t *testing.T, write func(*bytes.Buffer) error) string {
	t.Helper()
	var b bytes.Buffer
	if err := write(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func htmlRun(t *testing.T, r *analyze.Run) string {
	return rendered(t, func(b *bytes.Buffer) error { return Run(b, r, HTML, Style{}) })
}

func htmlAnalysis(t *testing.T, r *analyze.Result) string {
	return rendered(t, func(b *bytes.Buffer) error { return Analysis(b, r, HTML, Style{}) })
}

// fixed leaves out what is the same in every report: style, script, definitions.
var fixed = regexp.MustCompile(`(?s)<style>.*</style>|<script>.*</script>|sha256-[^']*|<details class="section" id="words">.*</details>`)

func TestHTMLGolden(t *testing.T) {
	charted := onePlusOne()
	charted.Charts = &analyze.Charts{Every: time.Second,
		Sizes: []analyze.Group{{Key: "64", Direction: analyze.Direction{Frames: 7, WireBytes: 588}}, {Key: "1024-1518", Direction: analyze.Direction{Frames: 5, WireBytes: 2002}}},
		Times: []analyze.Group{{Key: "2026-03-01T12:00:00.000000000Z", Direction: analyze.Direction{Frames: 12, WireBytes: 2590}, Efficiency: 0.5},
			{Key: "2026-03-01T12:00:03.000000000Z", Direction: analyze.Direction{Frames: 1, WireBytes: 84}}}}
	for name, page := range map[string]string{
		"run.html": htmlRun(t, smallRun()), "run-matrix.html": htmlRun(t, matrixRun()), "analysis.html": htmlAnalysis(t, charted),
	} {
		golden(t, name, fixed.ReplaceAll([]byte(page), nil))
	}
}

func TestHTMLDrawsEveryFrame(t *testing.T) {
	page := htmlRun(t, smallRun())
	if got := strings.Count(page, "<use "); got != 4 {
		t.Errorf("%d frames are drawn, want 4", got)
	}
	// 10 Mb/s: 76 octets and 8 of fill, preamble, FCS and gap take 67.2 us: the second datagram begins when captured.
	for _, want := range []string{`x="0" data-n="1"`, `x="1000" data-n="2"`, `data-wire="84"`, "fill" + glue + "8"} {
		if !strings.Contains(page, want) {
			t.Errorf("%s is missing", want)
		}
	}
}

func TestHTMLFramesWaitForTheLink(t *testing.T) {
	r := smallRun()
	r.Link.RateBitsPerSecond = 1_000_000 // a frame of 84 octets takes 672 us
	if page := htmlRun(t, r); !strings.Contains(page, `x="6720" data-n="2"`) {
		t.Error("the second frame does not begin when the first is over")
	}
}

func TestHTMLIsTheSameEachTime(t *testing.T) {
	run, analysis := htmlRun(t, smallRun()), htmlAnalysis(t, withFrames(onePlusOne()))
	for range 5 {
		if htmlRun(t, smallRun()) != run || htmlAnalysis(t, withFrames(onePlusOne())) != analysis {
			t.Fatal("two reports of one result differ")
		}
	}
}

func TestHTMLIsSelfContained(t *testing.T) {
	outside := regexp.MustCompile(`https?://|\bsrc\s*=|@import|url\(|<link|<iframe|<img`)
	for name, page := range map[string]string{"run": htmlRun(t, smallRun()), "analysis": htmlAnalysis(t, withFrames(onePlusOne()))} {
		if found := outside.FindString(page); found != "" {
			t.Errorf("%s: refers to the outside: %s", name, found)
		}
		if !strings.Contains(page, "default-src &#39;none&#39;") && !strings.Contains(page, "default-src 'none'") {
			t.Errorf("%s: no content security policy", name)
		}
	}
}

// File names, hosts and everything in a run.json come from strangers.
func TestHTMLEscapesWhatComesFromOutside(t *testing.T) {
	const attack = `"'></title></script><script>alert(1)</script><img src=x onerror=alert(1)><svg onload=alert(1)>` + "\x1b\u202e"
	r := smallRun()
	for i := range r.Workloads[0].Transports {
		r.Workloads[0].Transports[i].Name += attack
		r.Workloads[0].Transports[i].Options = map[string]any{attack: attack}
		row := &r.Workloads[0].Transports[i].Timeline.Rows[0]
		row.Role, row.Owners[attack] = attack, 1
	}
	r.Link.Kind, r.Link.CongestionControl, r.Host.Kernel = attack, attack, attack
	r.Warnings = []analyze.Warning{{Code: attack, Message: attack}}
	a := withFrames(onePlusOne())
	a.Source.Files, a.Source.Filter = []string{attack}, attack
	a.Flows[0].A, a.Flows[0].Proto = attack, attack
	a.Owners[attack], a.Inferred[attack] = 1, 1
	a.Findings = []analyze.Finding{{Code: attack, Message: attack}}
	a.By, a.Groups = "host", []analyze.Group{{Key: attack}}
	for name, page := range map[string]string{"run": htmlRun(t, r), "analysis": htmlAnalysis(t, a)} {
		for _, bad := range []string{"<img", "<svg onload", "<script>alert", "\x1b", "\u202e"} {
			if strings.Contains(page, bad) {
				t.Errorf("%s: %q came through", name, bad)
			}
		}
		if n := strings.Count(page, "<script"); n != 1 {
			t.Errorf("%s: %d scripts", name, n)
		}
	}
}

// The report of 10,000 frames stays under 1 MB, also where hardly two frames are alike.
func TestHTMLSize(t *testing.T) {
	const limit, frames = 1_000_000, 10_000
	alike, unlike := sixteenMessages(), sixteenMessages()
	big := busyServer()
	big.Frames = nil
	for i := range big.Flows {
		big.Flows[i].AB.Records = frames
	}
	for i := range 2000 {
		f := big.Flows[i%25]
		f.Number, f.AB.WireBytes, f.BA.WireBytes = 100+i, 1, 1
		big.Flows = append(big.Flows, f)
	}
	for i := range frames {
		row := frameOf("tcp", int64(1+i*7919%1448))
		row.N, row.Flow, row.AToB = int64(i+1), 20+i%6, i%3 > 0
		row.Time = time.Date(2026, 3, 1, 12, 0, 0, 1_234_567*i%1e9, time.UTC).Format(time.RFC3339Nano)
		big.Frames = append(big.Frames, row)
	}
	for _, r := range []*analyze.Run{alike, unlike} {
		for j := range r.Workloads[0].Transports {
			var rows []analyze.FrameRow
			for i := range frames / 5 {
				payload := int64(i % 2 * 1448)
				if r == unlike {
					payload = int64(i)
				}
				rows = append(rows, frameOf("tcp", payload))
			}
			drawn(&r.Workloads[0].Transports[j], rows...)
		}
	}
	for name, page := range map[string]string{"alike": htmlRun(t, alike), "unlike": htmlRun(t, unlike), "capture": htmlAnalysis(t, big)} {
		drawnFrames := strings.Count(page, "<use ")
		t.Logf("%s: %d bytes, %d frames drawn", name, len(page), drawnFrames)
		if len(page) > limit {
			t.Errorf("%s: %d bytes", name, len(page))
		}
		if drawnFrames < frames && !strings.Contains(page, "sampled: the first") {
			t.Errorf("%s: frames are left out and nothing says so", name)
		}
	}
}

func TestHTMLSaysWhatToDistrust(t *testing.T) {
	page := htmlRun(t, disagreeingRun())
	for _, want := range []string{`class="trust bad"`, "Do not trust", "must not be trusted", "witnesses disagree"} {
		if !strings.Contains(page, want) {
			t.Errorf("%q is missing", want)
		}
	}
	if page := htmlRun(t, smallRun()); !strings.Contains(page, `class="trust good"`) {
		t.Error("a verified run is not said to be")
	}
}

func TestTicks(t *testing.T) {
	for _, c := range []struct {
		lo, hi float64
		most   int
		want   string
	}{
		{0, 10, 5, "0 2 4 6 8 10"}, {-0.2, 0.8, 6, "-0.2 0 0.2 0.4 0.6 0.8"}, {0, 1000, 2, "0 500 1,000"}, {5, 5, 5, "5"},
	} {
		var got []string
		for _, tick := range (axis{lo: c.lo, hi: c.hi, to: 100}).ticks(c.most) {
			got = append(got, tick.Label)
		}
		if text := fmt.Sprint(strings.Join(got, " ")); text != c.want {
			t.Errorf("%g..%g in %d: %s, want %s", c.lo, c.hi, c.most, text, c.want)
		}
	}
}

func TestSVG(t *testing.T) {
	write := func(r *analyze.Run) string {
		return rendered(t, func(b *bytes.Buffer) error { return Run(b, r, SVG, Style{}) })
	}
	hostile := smallRun()
	const attack = `"'><script>alert(1)</script>&<svg onload=alert(1)>` + "\x1b"
	hostile.Workloads[0].Transports[1].Name += attack
	hostile.Workloads[0].Transports[1].Timeline.Rows[0].Role = attack
	captured := withFrames(onePlusOne())
	drawings := map[string]string{"run.svg": write(smallRun()), "hostile": write(hostile),
		"analysis.svg": rendered(t, func(b *bytes.Buffer) error { return Analysis(b, captured, SVG, Style{}) })}
	for name, text := range drawings {
		d := xml.NewDecoder(strings.NewReader(text))
		uses := 0
		for {
			token, err := d.Token()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if e, ok := token.(xml.StartElement); ok && e.Name.Local == "use" {
				uses++
			} else if ok && e.Name.Local == "script" {
				t.Errorf("%s: a script came through", name)
			}
		}
		if name != "analysis.svg" && uses != 4 {
			t.Errorf("%s: %d frames are drawn, want 4", name, uses)
		}
	}
	golden(t, "run.svg", []byte(drawings["run.svg"]))
	golden(t, "analysis.svg", []byte(drawings["analysis.svg"]))
	if err := Analysis(&bytes.Buffer{}, onePlusOne(), SVG, Style{}); !errors.Is(err, errNothingToDraw) {
		t.Errorf("without frames: %v", err)
	}
}

package metrics

import (
	"bufio"
	"bytes"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"wiretax/analyze"
)

func result() *analyze.Result {
	a := analyze.New(analyze.Options{View: analyze.View{By: View}})
	frame := make([]byte, 132) // 90 octets over UDP over IPv4
	copy(frame[12:], []byte{8, 0, 0x45, 0, 0, 118})
	copy(frame[22:], []byte{64, 17, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2, 4, 0, 0, 9, 0, 98})
	for range 3 {
		a.Add(&analyze.Record{Data: frame, WireLen: len(frame), Link: 1, FCS: -1})
	}
	r := a.Outline(0)
	r.Source.Filter = "host \"a\\b\"\nor udp"
	r.Captured(analyze.Capture{Interface: "eth0", DurationSeconds: 1.5, Received: 10, KernelDropped: 7})
	return r
}

// The text is read as Prometheus reads it: each line a comment or a sample, the samples of a family together and below its type.
func TestTextFormat(t *testing.T) {
	var b bytes.Buffer
	if err := Write(&b, result(), "0.1.0"); err != nil {
		t.Fatal(err)
	}
	sample := regexp.MustCompile(`^([a-z_:][a-z0-9_:]*)(\{([a-z_]+="(\\\\|\\"|\\n|[^"\\\n])*",?)+\})? (\S+)$`)
	values, types, family := map[string]float64{}, map[string]bool{}, ""
	for lines := bufio.NewScanner(&b); lines.Scan(); {
		line := lines.Text()
		if fields := strings.Fields(line); strings.HasPrefix(line, "# TYPE ") {
			family = fields[2]
			if types[family] || fields[3] == "counter" && !strings.HasSuffix(family, "_total") {
				t.Errorf("%s: type again, or a counter without _total", line)
			}
			types[family] = true
			continue
		}
		if strings.HasPrefix(line, "# HELP ") {
			continue
		}
		m := sample.FindStringSubmatch(line)
		if m == nil || m[1] != family {
			t.Errorf("no sample of %s: %q", family, line)
			continue
		}
		v, err := strconv.ParseFloat(m[5], 64)
		if _, again := values[m[1]+m[2]]; err != nil || again || v < 0 {
			t.Errorf("%q: %v, or again", line, err)
		}
		values[m[1]+m[2]] = v
	}
	for name, want := range map[string]float64{
		`wiretax_watch_info{interface="eth0",filter="host \"a\\b\"\nor udp",version="0.1.0"}`: 1,
		`wiretax_frames_total{role="data"}`:                                                   3,
		`wiretax_wire_bytes_total{role="data"}`:                                               468,
		`wiretax_unique_payload_bytes_total`:                                                  270,
		`wiretax_owner_bytes_total{owner="udp",how="measured"}`:                               24,
		`wiretax_owner_bytes_total{owner="preamble",how="inferred"}`:                          24,
		`wiretax_capture_dropped_frames_total{by="kernel"}`:                                   7,
		`wiretax_protocol_wire_bytes_total{protocol="udp"}`:                                   468,
		`wiretax_capture_seconds_total`:                                                       1.5,
		`wiretax_flows_total`:                                                                 1,
		`wiretax_tcp_segments_total{kind="retransmission"}`:                                   0,
	} {
		if got, ok := values[name]; !ok || got != want {
			t.Errorf("%s: got %v (there: %v), want %v", name, got, ok, want)
		}
	}
	if len(values) > 100 {
		t.Errorf("%d series of three frames", len(values))
	}
}

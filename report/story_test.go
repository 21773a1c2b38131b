package report

import (
	"bytes"
	"testing"

	"wiretax/analyze"
)

// thread is the run of the preset: sixteen messages, and two floods at the rate of the wire.
func thread() *analyze.Run {
	r := sixteenMessages()
	r.Preset = &analyze.Preset{Name: "thread", Source: "a mailing list", Assumed: "RTT 1 ms", Given: []string{"--runs 5", "--rtt 1ms"}}
	for _, size := range []int64{18, 90} {
		udp, tcp := udpTrial(1000, 1000*size), tcpTrial(1000*size/1448+1, 500, 1, 0, 1000*size)
		udp.DurationSeconds = float64(1000*(size+udpHead+onWire)*8)/10e6 + 0.0006
		tcp.DurationSeconds = udp.DurationSeconds / 1.6
		r.Workloads = append(r.Workloads, analyze.Workload{Messages: 1000, Size: int(size),
			Transports: []analyze.Transport{{Name: "udp", Trials: times(5, udp)}, {Name: "tcp", Trials: times(5, tcp)}}})
	}
	return complete(r)
}

func TestStoryGolden(t *testing.T) {
	for _, c := range []struct {
		file   string
		run    *analyze.Run
		format Format
	}{
		{"run-thread.txt", thread(), Table},
		{"run-thread.md", thread(), Markdown},
		{"run-thread.csv", thread(), CSV},
	} {
		t.Run(c.file, func(t *testing.T) {
			var b bytes.Buffer
			if err := Run(&b, c.run, c.format, Style{Width: 80}); err != nil {
				t.Fatal(err)
			}
			if most, l := widest(b.String()); most > 80 && c.format == Table {
				t.Errorf("%d columns wide: %q", most, l)
			}
			golden(t, c.file, b.Bytes())
		})
	}
}

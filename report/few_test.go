package report

import (
	"strings"
	"testing"

	"wiretax/analyze"
)

// sized are two workloads: of small messages tcp saves frames, of large ones it costs some.
func sized(trials int) *analyze.Run {
	small := analyze.Workload{Messages: 16, Size: 90, Transports: []analyze.Transport{
		transport("udp", times(trials, timed(udpTrial(16, 1440), 0.001, 0.001, 0.001))...),
		transport("tcp", times(trials, timed(tcpTrial(2, 4, 1, 0, 1440), 0.009, 0.009, 0.009))...),
	}}
	large := analyze.Workload{Messages: 16, Size: 1440, Transports: []analyze.Transport{
		transport("udp", times(trials, timed(udpTrial(16, 16*1440), 0.010, 0.010, 0.010))...),
		transport("tcp", times(trials, timed(tcpTrial(16, 17, 1, 0, 16*1440), 0.010, 0.010, 0.010))...),
	}}
	return complete(&analyze.Run{Workloads: []analyze.Workload{small, large}})
}

func TestFewTrialsAreNotCalledNoise(t *testing.T) {
	for _, c := range []struct {
		name         string
		trials       int
		want, wanted string
	}{
		{"three trials cannot tell", 3, "(+8.16", "Brackets: " + fewNote},
		{"six trials tell", 6, "+8.40", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			best := bestTable(sized(c.trials), false)
			if cell := best.rows[0][6]; !strings.HasPrefix(cell, c.want) {
				t.Errorf("added p50 is %q, want %s", cell, c.want)
			}
			if notes := strings.Join(best.notes, " "); !strings.Contains(notes, c.wanted) || c.wanted == "" && strings.Contains(notes, "Brackets") {
				t.Errorf("notes: %s", notes)
			}
		})
	}
}

func TestMatrixHeadline(t *testing.T) {
	const want = "With handshake, ACKs and teardown tcp needed fewer frames than udp in 1 of 2 workloads (at best 7 of 16 saved: 16 x 90 B), " +
		"and more in 1 (at worst 20 more than 16: 16 x 1440 B). Median one-way latency of tcp less that of udp: 0 to +8.32 ms."
	if got := unglued(matrixHeadline(sized(5))); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if text := matrixHeadline(&analyze.Run{Workloads: sized(5).Workloads[:1]}); text != "" {
		t.Errorf("one workload has a headline of its own, and this: %s", text)
	}
}

package capture

import (
	"fmt"
	"maps"
	"slices"

	"wiretax/capture/traffic"
	"wiretax/capture/wire"
)

// wireRate is the rate in bits per second at which the wire carried the sender's frames, from the beginning of the first to the end
// of the last; 0 where there is no wire, or no time between them.
func (b *bench) wireRate() float64 {
	if c := b.wireCounters()[0]; c.Span > 0 {
		return float64(8*c.WireBytes) / c.Span.Seconds()
	}
	return 0
}

// fills reports whether the messages of the workload, each in a datagram, keep the link busy all the time if their sender and the
// wire are fast enough.
func (l Link) fills(w traffic.Workload) bool {
	const few, headers = 16, 14 + 20 + 8 + wire.Overhead // an octet more or less is no matter
	if l.Rate == 0 || w.Messages < few || w.Pattern != "" && w.Pattern != traffic.OneWay {
		return false
	}
	return w.Interval.Seconds()*float64(l.Rate) <= 8*max(w.MeanSize()+headers, wire.MinFrame+wire.Overhead)
}

// nearly is the share of a link's rate from which on it counts as reached: a process that is not scheduled for a moment is no limit
// of the machine.
const nearly = 0.9

// sayRates warns of links whose rate no trial of a workload reached that would have filled them: their rate limited nothing. It
// goes by the transports with a datagram for each message: the others have fewer frames, or a window of their own.
func (r *recorder) sayRates() {
	type slowest struct {
		rate  float64
		bytes string // of the messages
		cells int64
	}
	missed := make(map[int64]slowest)
	for c, facts := range r.manifest.Workloads {
		l, w := r.link(c), r.workload(c)
		if !l.fills(w) {
			continue
		}
		best := facts.fastest("udp", "udp-gso", "udp-sendmmsg")
		if best == 0 || best >= nearly*float64(l.Rate) {
			continue
		}
		m := missed[l.Rate]
		if m.cells == 0 || best < m.rate {
			m.rate, m.bytes = best, w.Bytes()
		}
		m.cells++
		missed[l.Rate] = m
	}
	for _, rate := range slices.Sorted(maps.Keys(missed)) {
		m := missed[rate]
		r.manifest.Warnings = append(r.manifest.Warnings, recordingWarning{Code: "rate_not_reached", Count: m.cells, Message: fmt.Sprintf(
			"the link has %s, but datagrams of %s bytes, one after the other, reached %s at most: sender or wire of this machine are slower", bits(rate), m.bytes, bits(int64(m.rate)))})
	}
}

// fastest is the highest rate that the wire reached in a trial of the transports.
func (w *workloadFacts) fastest(transports ...string) (rate float64) {
	for _, name := range transports {
		if t := w.transport(name); t != nil {
			for _, trial := range t.Trials {
				rate = max(rate, trial.WireBitsPerSecond)
			}
		}
	}
	return rate
}

// bits writes a rate with three digits at least.
func bits(perSecond int64) string {
	switch {
	case perSecond >= 1e9:
		return fmt.Sprintf("%.3g Gb/s", float64(perSecond)/1e9)
	case perSecond >= 1e6:
		return fmt.Sprintf("%.3g Mb/s", float64(perSecond)/1e6)
	}
	return fmt.Sprintf("%d b/s", perSecond)
}

package main

import (
	"fmt"
	"iter"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"wiretax/capture/traffic"
)

// workloadFlags say what to send. Each is a list; their product is the workloads.
type workloadFlags struct {
	messages    counts
	sizes       sizes
	intervals   spans
	arrivals    arrivals
	patterns    []string
	depths      counts
	connections counts
	linger      span
	replay      replayFlags
}

func defaultWorkload() workloadFlags {
	return workloadFlags{
		messages: counts{16}, sizes: sizes{{fixed: 90}}, intervals: spans{0}, arrivals: arrivals{{}},
		patterns: []string{string(traffic.OneWay)}, depths: counts{1}, connections: counts{1},
	}
}

func (f *workloadFlags) register(fl *pflag.FlagSet) {
	fl.VarP(&f.messages, "messages", "n", "messages to send")
	fl.Var(&f.sizes, "size", "bytes of a message, or a distribution: uniform:MIN-MAX, bimodal:A:B:P (A with probability P, otherwise B)")
	fl.Var(&f.intervals, "interval", "mean time between two messages; 0: back to back")
	fl.Var(&f.arrivals, "arrivals", "constant, poisson, or bursty:N (N messages at once, as many intervals apart)")
	fl.StringSliceVar(&f.patterns, "pattern", f.patterns, "`PATTERN,...` of the messages. one-way; echo: each message is answered by one of its size; wwr: two writes, then one answer to both. With answers, latency is the round trip")
	fl.Var(&f.depths, "depth", "transactions under way at once on a connection (echo, wwr)")
	fl.Var(&f.connections, "connections", "connections that share the messages, each taking its turn")
	fl.Var(&f.linger, "linger", "keep a connection open so long behind its last write; 0: the close follows at once, and its FIN takes along what Nagle's algorithm still holds. With it Nagle and delayed ACKs play out")
	f.replay.register(fl)
}

func (f *workloadFlags) dimensions() [7]int {
	return [7]int{len(f.messages), len(f.sizes), len(f.intervals), len(f.arrivals), len(f.patterns), len(f.depths), len(f.connections)}
}

// count is the number of combinations, which may be beyond any integer.
func (f *workloadFlags) count() float64 {
	total := 1.0
	for _, n := range f.dimensions() {
		total *= float64(n)
	}
	return total
}

// all yields every combination, which are not more than an experiment may have.
func (f *workloadFlags) all(seed uint64) iter.Seq[traffic.Workload] {
	dimensions, total := f.dimensions(), int(f.count())
	return func(yield func(traffic.Workload) bool) {
		for i := range total {
			var at [7]int // the last dimension turns fastest
			rest := i
			for d := len(dimensions) - 1; d >= 0; d-- {
				at[d], rest = rest%dimensions[d], rest/dimensions[d]
			}
			size := f.sizes[at[1]]
			w := traffic.Workload{
				Messages: f.messages[at[0]], Size: size.fixed, Sizes: size.drawn, Interval: f.intervals[at[2]], Arrivals: f.arrivals[at[3]],
				Pattern: traffic.Pattern(f.patterns[at[4]]), Depth: f.depths[at[5]], Connections: f.connections[at[6]], Seed: seed,
				Linger: time.Duration(f.linger),
			}
			if w.Depth == 0 {
				w.Depth = -1 // given as 0: no default, a mistake
			}
			if w.Connections == 0 {
				w.Connections = -1
			}
			if !yield(w) {
				return
			}
		}
	}
}

// sizes is a flag of a list of message sizes, fixed or drawn.
type sizes []struct {
	fixed int
	drawn traffic.Sizes
}

var _ pflag.Value = (*sizes)(nil)

func (s *sizes) Type() string { return "BYTES,..." }

func (s *sizes) String() string {
	var parts []string
	for _, size := range *s {
		if size.drawn != (traffic.Sizes{}) {
			parts = append(parts, size.drawn.String())
		} else {
			parts = append(parts, strconv.Itoa(size.fixed))
		}
	}
	return strings.Join(parts, ",")
}

func (s *sizes) Set(text string) error {
	*s = make(sizes, strings.Count(text, ",")+1)
	for i, part := range strings.Split(text, ",") {
		var err error
		if (*s)[i].fixed, err = strconv.Atoi(part); err == nil {
			continue
		}
		if (*s)[i].drawn, err = traffic.ParseSizes(part); err != nil {
			if !strings.Contains(part, ":") {
				return fmt.Errorf("want a number of bytes, such as 90, or a distribution, such as uniform:64-1400")
			}
			return err
		}
	}
	return nil
}

// arrivals is a flag of a list of arrival processes.
type arrivals []traffic.Arrivals

var _ pflag.Value = (*arrivals)(nil)

func (a *arrivals) Type() string { return "A,..." }

func (a *arrivals) String() string {
	var parts []string
	for _, one := range *a {
		parts = append(parts, one.String())
	}
	return strings.Join(parts, ",")
}

func (a *arrivals) Set(text string) error {
	*a = nil
	for part := range strings.SplitSeq(text, ",") {
		one, err := traffic.ParseArrivals(part)
		if err != nil {
			return err
		}
		*a = append(*a, one)
	}
	return nil
}

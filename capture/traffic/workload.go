package traffic

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Workload is a series of messages. A sender that is late, because an earlier write blocked, catches up without waiting. Equal
// workloads have the same messages at the same times.
type Workload struct {
	Messages int
	Size     int           // octets a message, where Sizes does not say otherwise
	Interval time.Duration // mean time between two messages; 0: back to back

	Sizes       Sizes     // zero: all of Size
	Schedule    *Schedule // not nil: sizes and times of the messages one by one, in the place of Size, Sizes, Interval and Arrivals
	Arrivals    Arrivals  // zero: message i is due at i times Interval after the first
	Pattern     Pattern   // empty: one way
	Depth       int       // transactions under way at most, of each connection; 0 stands for 1
	Connections int       // that share the messages, each taking its turn; 0 stands for 1
	Seed        uint64    // of what is drawn: sizes and times

	Linger time.Duration // from the last write, or the last answer, to the close of a connection
}

// Schedule is the size of each message in octets, and when it is due, in nanoseconds after the first.
type Schedule struct {
	Sizes []int32
	Due   []int64 // does not decrease
	// Origin says in words where both come from.
	Origin string
}

// Bytes is the size of the messages in words: a number, a range, or what ParseSizes reads.
func (w Workload) Bytes() string {
	if w.Schedule != nil {
		return fmt.Sprintf("%d-%d", w.smallest(), w.largest())
	}
	if w.Sizes != (Sizes{}) {
		return w.Sizes.String()
	}
	return strconv.Itoa(w.Size)
}

// MeanSize is the mean size of the messages in octets, of a distribution the expected one.
func (w Workload) MeanSize() float64 {
	if w.Schedule != nil {
		sum := 0.0
		for _, size := range w.Schedule.Sizes {
			sum += float64(size)
		}
		return sum / float64(max(1, len(w.Schedule.Sizes)))
	}
	switch w.Sizes.form {
	case "uniform":
		return float64(w.Sizes.a+w.Sizes.b) / 2
	case "bimodal":
		return w.Sizes.p*float64(w.Sizes.a) + (1-w.Sizes.p)*float64(w.Sizes.b)
	}
	return float64(w.Size)
}

// String describes the workload; what is as usual goes without saying.
func (w Workload) String() string {
	s := fmt.Sprintf("%d messages of %s bytes, interval %v", w.Messages, w.Bytes(), w.Interval)
	if w.Schedule != nil {
		s += " (" + w.Schedule.Origin + ")"
	}
	if w.Arrivals != (Arrivals{}) {
		s += " (" + w.Arrivals.String() + ")"
	}
	if w.answered() {
		s += fmt.Sprintf(", %s, depth %d", w.Pattern, w.depth())
	}
	if w.Connections > 1 {
		s += fmt.Sprintf(", %d connections", w.Connections)
	}
	if w.Linger > 0 {
		s += fmt.Sprintf(", closed after %v", w.Linger)
	}
	return s
}

// Transactions is how many answers there will be, and how many of them are under way at once at most. Both are 0 one way.
func (w Workload) Transactions() (n, underWay int) {
	if !w.answered() {
		return 0, 0
	}
	return w.Messages / w.group(), w.depth() * w.connections()
}

// Pattern says who answers what.
type Pattern string

// The patterns. In those with answers a transaction is what one answer answers, and latency is its round trip.
const (
	OneWay         Pattern = "one-way" // no answers
	Echo           Pattern = "echo"    // each message is answered by one of its size
	WriteWriteRead Pattern = "wwr"     // messages are written in pairs, two writes; one of the second's size answers both
)

// Patterns lists the patterns.
func Patterns() []string { return []string{string(OneWay), string(Echo), string(WriteWriteRead)} }

func (w Workload) answered() bool { return w.Pattern == Echo || w.Pattern == WriteWriteRead }

// group is the number of messages of a transaction.
func (w Workload) group() int {
	if w.Pattern == WriteWriteRead {
		return 2
	}
	return 1
}

func (w Workload) depth() int       { return max(1, w.Depth) }
func (w Workload) connections() int { return max(1, w.Connections) }

// Sizes is a distribution of message sizes. Its zero value stands for messages that are all of the same size.
type Sizes struct {
	form string // "uniform" or "bimodal"
	a, b int    // octets: the limits of uniform, the two sizes of bimodal
	p    float64
}

// ParseSizes reads uniform:MIN-MAX, all sizes from MIN to MAX equally likely, or bimodal:A:B:P, size A with probability P and
// otherwise B.
func ParseSizes(s string) (Sizes, error) {
	d := Sizes{}
	parts := strings.Split(s, ":")
	number := func(text string) int {
		n, err := strconv.Atoi(text)
		if err != nil {
			return -1
		}
		return n
	}
	switch {
	case parts[0] == "uniform" && len(parts) == 2:
		lo, hi, _ := strings.Cut(parts[1], "-")
		d = Sizes{form: "uniform", a: number(lo), b: number(hi)}
	case parts[0] == "bimodal" && len(parts) == 4:
		p, err := strconv.ParseFloat(parts[3], 64)
		if err != nil {
			p = -1
		}
		d = Sizes{form: "bimodal", a: number(parts[1]), b: number(parts[2]), p: p}
	}
	if min(d.a, d.b) < seqLen || max(d.a, d.b) > MaxSize || d.form == "uniform" && d.a > d.b || !(d.p >= 0 && d.p <= 1) {
		return Sizes{}, fmt.Errorf("want uniform:MIN-MAX or bimodal:A:B:P, sizes from %d to %d bytes and a probability, is %q", seqLen, MaxSize, s)
	}
	return d, nil
}

// String is what ParseSizes reads; empty for the zero value.
func (d Sizes) String() string {
	switch d.form {
	case "uniform":
		return fmt.Sprintf("uniform:%d-%d", d.a, d.b)
	case "bimodal":
		return fmt.Sprintf("bimodal:%d:%d:%s", d.a, d.b, strconv.FormatFloat(d.p, 'g', -1, 64))
	}
	return ""
}

func (d Sizes) draw(source *rand.Rand) int {
	if d.form == "uniform" {
		return d.a + source.IntN(d.b-d.a+1)
	}
	if source.Float64() < d.p {
		return d.a
	}
	return d.b
}

// Arrivals says when messages are due. Its zero value stands for equal intervals.
type Arrivals struct {
	poisson bool
	burst   int // messages that are due at once
}

// ParseArrivals reads constant, poisson (a Poisson process: exponentially distributed intervals) or bursty:N (N messages at
// once, as many intervals apart, so that the mean rate is the same).
func ParseArrivals(s string) (Arrivals, error) {
	switch s {
	case "constant":
		return Arrivals{}, nil
	case "poisson":
		return Arrivals{poisson: true}, nil
	}
	if number, ok := strings.CutPrefix(s, "bursty:"); ok {
		if n, err := strconv.Atoi(number); err == nil && n >= 1 && n <= MaxMessages {
			return Arrivals{burst: n}, nil
		}
	}
	return Arrivals{}, fmt.Errorf("want constant, poisson or bursty:N, is %q", s)
}

// String is what ParseArrivals reads.
func (a Arrivals) String() string {
	switch {
	case a.poisson:
		return "poisson"
	case a.burst > 0:
		return "bursty:" + strconv.Itoa(a.burst)
	}
	return "constant"
}

// Plan is the size and the time of every message of a workload.
type Plan struct {
	workload Workload
	sizes    []int32 // nil: all of the workload's size
	due      []int64 // nil: as the intervals say

	draw    sync.Once
	pattern []byte // of all connections: it is as large as the largest message, and there may be many of both
}

// Plan draws the workload's messages. The draws of sizes and of times are independent of each other.
func (w Workload) Plan() *Plan {
	p := &Plan{workload: w}
	if w.Schedule != nil {
		p.sizes, p.due = w.Schedule.Sizes, w.Schedule.Due
		return p
	}
	if w.Sizes != (Sizes{}) {
		source := rand.New(rand.NewPCG(w.Seed, 1))
		p.sizes = make([]int32, w.Messages)
		for i := range p.sizes {
			p.sizes[i] = int32(w.Sizes.draw(source))
		}
	}
	if w.Arrivals.poisson {
		source := rand.New(rand.NewPCG(w.Seed, 2))
		p.due = make([]int64, w.Messages)
		at := 0.0
		for i := range p.due {
			p.due[i] = int64(math.Min(at, math.MaxInt64/2))
			at += source.ExpFloat64() * float64(w.Interval)
		}
	}
	return p
}

// Size is that of message i in octets.
func (p *Plan) Size(i int) int {
	if p.sizes == nil {
		return p.workload.Size
	}
	return int(p.sizes[i])
}

// Due is the time of message i in nanoseconds after the first.
func (p *Plan) Due(i int) int64 {
	if p.due != nil {
		return p.due[i]
	}
	if burst := p.workload.Arrivals.burst; burst > 1 {
		i -= i % burst
	}
	return int64(i) * int64(p.workload.Interval)
}

// timed reports whether messages are due at times; back to back they are due when the one before has been written.
func (p *Plan) timed() bool { return p.due != nil || p.workload.Interval > 0 }

// Octets is the size of all messages together, of the answers too.
func (p *Plan) Octets() (n int64) {
	w := p.workload
	each := int64(1) // how often a size counts
	if w.Pattern == Echo {
		each = 2
	}
	if p.sizes == nil {
		n = int64(w.Messages) * int64(w.Size) * each
		if w.Pattern == WriteWriteRead {
			n += n / 2
		}
		return n
	}
	parts := w.connections()
	for i, size := range p.sizes {
		n += int64(size) * each
		if w.Pattern == WriteWriteRead && i/parts%2 == 1 {
			n += int64(size)
		}
	}
	return n
}

// largest is the size of the largest message there can be.
func (w Workload) largest() int {
	if w.Schedule != nil && len(w.Schedule.Sizes) > 0 {
		return int(slices.Max(w.Schedule.Sizes))
	}
	if w.Sizes != (Sizes{}) {
		return max(w.Sizes.a, w.Sizes.b)
	}
	return w.Size
}

// Buffers is how many octets its connections set aside for messages: each for the largest there can be, drawn or not.
func (w Workload) Buffers() int64 { return int64(w.connections()) * int64(w.largest()) }

// smallest is the size of the smallest message there can be.
func (w Workload) smallest() int {
	if w.Schedule != nil && len(w.Schedule.Sizes) > 0 {
		return int(slices.Min(w.Schedule.Sizes))
	}
	if w.Sizes != (Sizes{}) {
		return min(w.Sizes.a, w.Sizes.b)
	}
	return w.Size
}

// What a Workload may ask for.
const (
	MaxMessages    = 10_000_000 // the time of every message is kept, 8 octets each
	MaxSize        = 16 << 20   // octets a message
	MaxConnections = 256        // each has two threads
	MaxDepth       = 1 << 16
	maxSpan        = 365 * 24 * time.Hour
)

// Check reports why the workload cannot travel over the transport, IP version 4 or 6.
func (w Workload) Check(transport string, ip int) error {
	t, err := lookup(transport)
	if err != nil {
		return err
	}
	if ip != 4 && ip != 6 {
		return fmt.Errorf("ip version must be 4 or 6, is %d", ip)
	}
	if err := w.check(); err != nil {
		return err
	}
	if w.tiny() && t.outlet == packed {
		return fmt.Errorf("%s: messages of different sizes need %d bytes each to be told apart in a datagram, the smallest has %d", transport, seqLen, w.smallest())
	}
	limit := t.limit(ip)
	for _, size := range []int{w.smallest(), w.largest()} {
		switch {
		case size >= 1 && size <= limit:
		case size > limit && t.carrier == overUDP:
			return fmt.Errorf("a UDP datagram over IPv%d carries at most %d bytes (RFC 768), size is %d: use a tcp transport or a smaller --size", ip, limit, size)
		case size > limit && t.datagrams:
			return fmt.Errorf("a QUIC datagram has room for %d bytes before path MTU discovery (RFC 9221), size is %d: use quic-stream or a smaller --size", limit, size)
		default:
			return fmt.Errorf("message size must be 1 to %d bytes, is %d", limit, size)
		}
	}
	return nil
}

// tiny reports whether there are messages that do not tell their number, and so their size, themselves.
func (w Workload) tiny() bool { return w.Schedule != nil && w.smallest() < seqLen }

// check reports what is wrong with the workload over any transport.
func (w Workload) check() error {
	per := w.group() * w.connections()
	switch {
	case w.Messages < 1 || w.Messages > MaxMessages:
		return fmt.Errorf("messages must be 1 to %d, is %d", MaxMessages, w.Messages)
	case w.Schedule != nil && (len(w.Schedule.Sizes) != w.Messages || len(w.Schedule.Due) != w.Messages):
		return fmt.Errorf("schedule has %d sizes and %d times for %d messages", len(w.Schedule.Sizes), len(w.Schedule.Due), w.Messages)
	case w.Schedule != nil && time.Duration(w.Schedule.Due[w.Messages-1]) > maxSpan:
		return fmt.Errorf("the schedule takes longer than a year")
	case w.Interval < 0:
		return fmt.Errorf("interval must not be negative, is %v", w.Interval)
	case w.Linger < 0 || w.Linger > maxSpan:
		return fmt.Errorf("linger must be 0 to a year, is %v", w.Linger)
	case w.Interval > maxSpan/time.Duration(w.Messages):
		return fmt.Errorf("%d messages at an interval of %v take longer than a year", w.Messages, w.Interval)
	case w.Interval == 0 && w.Arrivals != (Arrivals{}):
		return fmt.Errorf("arrivals %v need an interval", w.Arrivals)
	case w.Pattern != "" && w.Pattern != OneWay && !w.answered():
		return fmt.Errorf("unknown pattern %q (known: %s)", w.Pattern, strings.Join(Patterns(), ", "))
	case w.Depth < 0 || w.Depth > MaxDepth:
		return fmt.Errorf("depth must be 1 to %d, is %d", MaxDepth, w.Depth)
	case w.Depth > 1 && !w.answered():
		return fmt.Errorf("a depth of %d needs answers: pattern %s or %s", w.Depth, Echo, WriteWriteRead)
	case w.Connections < 0 || w.Connections > MaxConnections:
		return fmt.Errorf("connections must be 1 to %d, is %d", MaxConnections, w.Connections)
	case w.Messages < per:
		return fmt.Errorf("%d connections need %d messages at least, there are %d", w.connections(), per, w.Messages)
	case w.group() > 1 && w.Messages%per != 0:
		return fmt.Errorf("pairs of messages over %d connections: messages must be a multiple of %d, is %d", w.connections(), per, w.Messages)
	}
	return nil
}

package analyze

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"wiretax/analyze/predict"
)

// Preset is a named set of flags with what its numbers rest on.
type Preset struct {
	Name    string   `json:"name"`
	Source  string   `json:"source"`
	Assumed string   `json:"assumed"` // what no source determines
	Given   []string `json:"given"`   // flags that were given beside the preset: they override it
}

// Verdict says what the measurement makes of a claim.
type Verdict string

// The verdicts.
const (
	Holds       Verdict = "holds"
	HoldsIf     Verdict = "holds_only_if" // Words say the condition
	Fails       Verdict = "does_not_hold"
	Undecided   Verdict = "undecided" // the trials differ too much, or are too few
	NotMeasured Verdict = "not_measured"
)

// Claim is something that somebody said, how it can be measured, and what the trials of this run say about it.
type Claim struct {
	Code       string `json:"code"`
	Claim      string `json:"claim"`
	Definition string `json:"definition"` // of the measured value
	Claimed    Ratio  `json:"claimed"`
	Measured   Ratio  `json:"measured"` // median of the trials; null where it was not
	// Range is the smallest and the largest of the trials; null where it was not measured.
	Range     *[2]Ratio `json:"measured_range"`
	Unit      string    `json:"unit"` // of both; "share" for parts of 1
	Transport string    `json:"transport"`
	Verdict   Verdict   `json:"verdict"`
	Words     string    `json:"words"` // verdict, numbers and condition
}

// threadPreset is the one whose claims are put to the test.
const threadPreset = "thread"

// addClaims tests the claims of the preset by the trials. Nothing but the figures of the run decides a verdict.
func (r *Run) addClaims() {
	if r.Preset == nil || r.Preset.Name != threadPreset || len(r.Workloads) == 0 {
		return
	}
	w := &r.Workloads[0]
	s := story{run: r, w: w, link: r.LinkOf(w), udp: w.named("udp")}
	r.Claims = []Claim{s.waste(), s.oneDataFrame(), s.oneFrame(), s.oneReceiveCall()}
	r.Claims = append(r.Claims, s.shortestFrames(), s.frameLimit(), s.moreOverTCP())
}

// story is the thread's experiment: its messages once, and two floods of them.
type story struct {
	run  *Run
	w    *Workload
	link *Link
	udp  *Transport
}

func (w *Workload) named(name string) *Transport {
	for i := range w.Transports {
		if t := &w.Transports[i]; t.Name == name && len(t.Trials) > 0 {
			return t
		}
	}
	return nil
}

// median of a figure; NaN where nothing was measured.
func (t *Transport) median(figure string) Ratio { return t.figure(figure).Median }

// figure is a figure over the trials, NaN where nothing was measured.
func (t *Transport) figure(figure string) Summary {
	if t == nil || len(t.Trials) == 0 {
		return summary(nil)
	}
	return t.Summary[figure]
}

// take makes a figure the measured value.
func (c *Claim) take(s Summary) {
	c.Measured, c.Range = s.Median, nil
	if s.Median.Valid() {
		c.Range = &[2]Ratio{s.Min, s.Max}
	}
}

// inWords is a median, with the range where the trials differ.
func (s Summary) inWords() string {
	if s.Exact {
		return fmt.Sprintf("%g", float64(s.Median))
	}
	return fmt.Sprintf("%g (%g..%g)", float64(s.Median), float64(s.Min), float64(s.Max))
}

// settle gives a claim that was not measured its verdict.
func (c Claim) settle(judge func(*Claim)) Claim {
	if !c.Measured.Valid() {
		c.Verdict, c.Words = NotMeasured, "Not measured: the trials that it needs are missing."
		return c
	}
	judge(&c)
	switch c.Verdict {
	case Holds:
		c.Words = "Holds: " + c.Words
	case HoldsIf:
		c.Words = "Holds only if " + c.Words
	case Fails:
		c.Words = "Does not hold: " + c.Words
	case Undecided:
		c.Words = "Not decided: " + c.Words
	}
	return c
}

// claimedWaste is "over 48 %".
const claimedWaste = 0.48

func (s *story) waste() Claim {
	c := Claim{Code: "waste", Unit: "share", Transport: "udp", Claimed: claimedWaste,
		Claim:      fmt.Sprintf("datagrams of %d B waste over 48 %% of the Ethernet", s.w.Size),
		Definition: "what of the wire bytes is no payload: headers, padding, preamble 8, FCS 4, gap 12 (1 - efficiency)"}
	efficiency := s.udp.figure("efficiency")
	c.take(Summary{Median: 1 - efficiency.Median, Min: 1 - efficiency.Max, Max: 1 - efficiency.Min})
	return c.settle(func(c *Claim) {
		c.Verdict = Fails
		if c.Measured > c.Claimed {
			c.Verdict = Holds
		}
		each := s.udp.median("wire_bytes") / Ratio(s.w.Messages)
		over := float64(each) - float64(s.w.Size)
		c.Words = fmt.Sprintf("%.1f %%, %g of %g octets, are no payload.", 100*c.Measured, tenths(over), tenths(float64(each)))
		if c.Verdict == Fails {
			c.Words += s.nearby(over)
		}
	})
}

func tenths(v float64) float64 { return math.Round(10*v) / 10 }

// nearby names what comes to more than the claimed share by computation: shorter messages with as many octets beside them,
// another reckoning, another network protocol.
func (s *story) nearby(over float64) string {
	size, shortest := int64(s.w.Size), predict.Slot(0)
	var near []string
	if fits := int(over * (1 - claimedWaste) / claimedWaste); fits > 0 {
		near = append(near, fmt.Sprintf("messages up to %d B with as many octets beside them", fits))
	}
	if share := float64(shortest) / float64(shortest+size); share > claimedWaste {
		near = append(near, fmt.Sprintf("%d/(%d+%d) = %.2f %%, the slot of the shortest frame taken for the overhead", shortest, shortest, size, 100*share))
	}
	if slot := predict.DatagramSlot(size, int64(s.link.MTU), 6); s.link.IP == 4 && slot > 0 {
		if share := 1 - float64(size)/float64(slot); share > claimedWaste {
			near = append(near, fmt.Sprintf("UDP over IPv6, %.2f %%", 100*share))
		}
	}
	if near == nil {
		return ""
	}
	return " Over 48 % by computation, not measured: " + strings.Join(near, "; ") + "."
}

// streams are the TCP transports of the run.
func (s *story) streams() (streams []*Transport) {
	for i := range s.w.Transports {
		if t := &s.w.Transports[i]; strings.HasPrefix(t.Name, "tcp") && t.Variant == nil && len(t.Trials) > 0 {
			streams = append(streams, t)
		}
	}
	return streams
}

// usual is TCP as the kernel has it.
const usual = "tcp"

// sixteenToOne tests whether a figure that is the number of messages over UDP is one over TCP. The measured value is the
// kernel's default; where it is not one, that of the transports for which it is.
func (s *story) sixteenToOne(c Claim, figure string) Claim {
	c.Claimed, c.Transport = 1, usual
	c.take(s.w.named(usual).figure(figure))
	if s.udp == nil {
		c.take(summary(nil))
	}
	return c.settle(func(c *Claim) {
		var one, others []string
		for _, t := range s.streams() {
			said := t.Name + " " + t.figure(figure).inWords()
			if t.median(figure) == 1 {
				one = append(one, said)
			} else {
				others = append(others, said)
			}
		}
		base := s.udp.figure(figure).inWords()
		rest := strings.Join(others, ", ")
		switch {
		case c.Measured == 1:
			c.Verdict, c.Words = Holds, fmt.Sprintf("%s over udp, %s over tcp.", base, s.w.named(usual).figure(figure).inWords())
		case len(one) > 0:
			c.Verdict = HoldsIf
			c.Words = fmt.Sprintf("the application holds TCP back: %s; %s; udp %s.", strings.Join(one, ", "), rest, base)
		default:
			c.Verdict = Fails
			c.Words = fmt.Sprintf("%s; udp %s.", rest, base)
		}
	})
}

func (s *story) oneDataFrame() Claim {
	return s.sixteenToOne(Claim{Code: "one_data_frame", Unit: "frames",
		Claim:      fmt.Sprintf("%d writes of %d B leave as one TCP frame of %d B", s.w.Messages, s.w.Size, s.w.Messages*s.w.Size),
		Definition: "frames that carry payload"}, "data_frames")
}

func (s *story) oneFrame() Claim {
	return s.sixteenToOne(Claim{Code: "one_frame", Unit: "frames",
		Claim:      fmt.Sprintf("so TCP needs one frame where UDP needs %d", s.w.Messages),
		Definition: "all frames of both directions: handshake, data, ACKs, teardown"}, "frames")
}

func (s *story) oneReceiveCall() Claim {
	return s.sixteenToOne(Claim{Code: "one_receive_call", Unit: "calls",
		Claim:      fmt.Sprintf("%d recvfrom calls become one recv", s.w.Messages),
		Definition: "receive calls that returned data"}, "recv_calls")
}

// manyMessages are enough for a rate.
const manyMessages = 1000

// flood is the longest workload back to back whose datagrams take a slot of the given size.
func (s *story) flood(slot int64) (found *Workload) {
	for i := range s.run.Workloads {
		w := &s.run.Workloads[i]
		same := (w != s.w || w.Messages >= manyMessages) && w.IntervalSeconds == 0 && !w.Answered() && s.run.LinkOf(w).is(s.link)
		if same && predict.DatagramSlot(int64(w.Size), int64(s.link.MTU), s.link.IP) == slot && (found == nil || w.Messages > found.Messages) {
			found = w
		}
	}
	return found
}

// is reports whether frames meet the same on both links.
func (l *Link) is(o *Link) bool {
	return l.RateBitsPerSecond == o.RateBitsPerSecond && l.RTTSeconds == o.RTTSeconds && l.Loss == o.Loss && l.MTU == o.MTU && l.IP == o.IP &&
		l.CongestionControl == o.CongestionControl
}

// perSecond is how many messages arrive in a second while the wire is busy, of each trial: in the time from the first write to the
// last receipt, less the way that the last one had still to go. A busy machine makes it less, never more.
func (s *story) perSecond(t *Transport) (rates []float64) {
	if t == nil {
		return nil
	}
	for i := range t.Trials {
		busy := t.Trials[i].DurationSeconds - s.link.RTTSeconds/2
		if n := t.Trials[i].MessagesDelivered; busy > 0 && n > 0 {
			rates = append(rates, float64(n)/busy)
		}
	}
	return rates
}

// ratesInWords are the median and, of more than one trial, the range, in whole messages.
func ratesInWords(rates []float64, what string) string {
	r := summary(rates)
	text := fmt.Sprintf("%d %s a second", int64(r.Median), what)
	if len(rates) > 1 {
		text += fmt.Sprintf(" (%d..%d in %d trials)", int64(r.Min), int64(r.Max), len(rates))
	}
	return text
}

// How near to a limit counts as reaching it, and what above it the clock may add.
const (
	reached  = 0.98
	exceeded = 1.005
)

// limit tests how many frames of a slot the link carries in a second.
func (s *story) limit(code, frames string, slot int64) Claim {
	rate := float64(s.link.RateBitsPerSecond)
	c := Claim{Code: code, Claim: fmt.Sprintf("an Ethernet carries so many %s a second, and no more; of this link no rate is known", frames), Unit: "per second", Transport: "udp", Claimed: Over(0, 0), Measured: Over(0, 0),
		Definition: fmt.Sprintf("datagrams that arrive in a second, back to back, median of the trials; the limit is the rate over %d octets of 8 bits", slot)}
	if rate <= 0 || slot == 0 {
		return c.settle(nil)
	}
	c.Claimed = Ratio(rate / float64(8*slot))
	c.Claim = fmt.Sprintf("a %g Mb/s Ethernet carries %d %s a second, and no more", rate/1e6, int64(c.Claimed), frames)
	var rates []float64
	if w := s.flood(slot); w != nil {
		rates = s.perSecond(w.named("udp"))
	}
	c.take(summary(rates))
	return c.settle(func(c *Claim) {
		share := float64(c.Measured / c.Claimed)
		c.Words = fmt.Sprintf("%s, %.1f %% of %d.", ratesInWords(rates, "datagrams"), 100*share, int64(c.Claimed))
		if share < reached {
			busy := slices.DeleteFunc(slices.Clone(rates), func(r float64) bool { return r < reached*float64(c.Claimed) })
			c.Words = fmt.Sprintf("the wire is kept busy, which this machine did in %d of %d trials: %s", len(busy), len(rates), c.Words)
		}
		switch {
		case share > exceeded:
			c.Verdict = Fails
		case share >= reached:
			c.Verdict = Holds
		default:
			c.Verdict = HoldsIf
		}
	})
}

func (s *story) shortestFrames() Claim {
	slot := max(predict.Slot(0), predict.DatagramSlot(1, int64(s.link.MTU), s.link.IP))
	return s.limit("shortest_frames", "of the shortest frames", slot)
}

func (s *story) frameLimit() Claim {
	slot := predict.DatagramSlot(int64(s.w.Size), int64(s.link.MTU), s.link.IP)
	return s.limit("frame_limit", fmt.Sprintf("datagrams of %d B", s.w.Size), slot)
}

// moreOverTCP tests the advice of the thread: over TCP the same Ethernet carries more messages.
func (s *story) moreOverTCP() Claim {
	c := Claim{Code: "more_over_tcp", Unit: "per second", Transport: usual, Claimed: Over(0, 0), Measured: Over(0, 0),
		Claim:      "converted to TCP, the same Ethernet carries more messages",
		Definition: fmt.Sprintf("messages of %d B that arrive in a second, back to back, median of the trials; claimed: more than over udp", s.w.Size)}
	w := s.flood(predict.DatagramSlot(int64(s.w.Size), int64(s.link.MTU), s.link.IP))
	if w == nil || w.named("udp") == nil || w.named(usual) == nil {
		return c.settle(nil)
	}
	udp, tcp := s.perSecond(w.named("udp")), s.perSecond(w.named(usual))
	if len(udp) == 0 {
		return c.settle(nil)
	}
	c.Claimed = summary(udp).Median
	c.take(summary(tcp))
	return c.settle(func(c *Claim) {
		c.Verdict = s.more(tcp, udp, w)
		c.Words = fmt.Sprintf("%s over tcp, %s over udp: %.2f times as many.", ratesInWords(tcp, "messages"), ratesInWords(udp, "messages"),
			float64(c.Measured/c.Claimed))
		if c.Verdict == Undecided {
			c.Words = fmt.Sprintf("the difference is no larger than the noise, or there are fewer than %d trials: ", clearTrials) + c.Words
		}
		if packed := s.perSecond(w.named("udp-packed")); len(packed) > 0 {
			c.Words += fmt.Sprintf(" In datagrams that the application packs: %s.", ratesInWords(packed, "messages"))
		}
	})
}

// more judges whether more messages a second arrive over TCP. That is certain where every trial was above what the wire can carry
// in datagrams of their own, however few trials there are and whatever slowed them down; else the difference must be clear.
func (s *story) more(tcp, udp []float64, w *Workload) Verdict {
	limit := float64(s.link.RateBitsPerSecond) / float64(8*predict.DatagramSlot(int64(w.Size), int64(s.link.MTU), s.link.IP))
	difference := differenceOf(tcp, udp)
	switch {
	case limit > 0 && slices.Min(tcp) > exceeded*limit, difference.Clear && difference.Median > 0:
		return Holds
	case difference.Clear:
		return Fails
	}
	return Undecided
}

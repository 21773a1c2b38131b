package peer

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// Reading is what a host's clocks said at one moment.
type Reading struct {
	Monotonic int64 `json:"monotonic"` // CLOCK_MONOTONIC, ns
	Real      int64 `json:"real"`      // CLOCK_REALTIME, ns
}

// ReadClocks reads this host's clocks.
func ReadClocks() (r Reading, err error) {
	var monotonic, real unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &monotonic); err != nil {
		return r, fmt.Errorf("read CLOCK_MONOTONIC: %w", err)
	}
	if err := unix.ClockGettime(unix.CLOCK_REALTIME, &real); err != nil {
		return r, fmt.Errorf("read CLOCK_REALTIME: %w", err)
	}
	return Reading{monotonic.Nano(), real.Nano()}, nil
}

// Offset is by how much another host's clocks are ahead of this one's.
type Offset struct {
	Monotonic, Real time.Duration
	// Uncertainty bounds the error of both, however asymmetric the ways there and back are: half the round trip of the exchange
	// (RFC 5905 section 8, which calls the round trip delay).
	Uncertainty time.Duration
}

// The messages of a comparison.
const (
	AskClock  = "clock?"
	tellClock = "clock"
)

// exchanges is how many are tried for one with a short round trip: what waits for a busy CPU is longer.
const (
	exchanges      = 16
	leastExchanges = 4
	exchangesLimit = 100 * time.Millisecond
)

// Compare asks the other end for its clocks, and takes the exchange with the shortest round trip.
func (c *Conn) Compare(ctx context.Context) (best Offset, err error) {
	start := time.Now()
	for i := range exchanges {
		if i >= leastExchanges && time.Since(start) > exchangesLimit {
			break // a long way takes no more of the time
		}
		before, err := ReadClocks()
		if err != nil {
			return best, err
		}
		if err := c.Send(AskClock, struct{}{}); err != nil {
			return best, err
		}
		var there Reading
		if err := c.Receive(ctx, tellClock, &there); err != nil {
			return best, err
		}
		after, err := ReadClocks()
		if err != nil {
			return best, err
		}
		if o := offset(before, there, after); i == 0 || o.Uncertainty < best.Uncertainty {
			best = o
		}
	}
	return best, nil
}

// TellClocks answers an AskClock.
func (c *Conn) TellClocks() error {
	r, err := ReadClocks()
	if err != nil {
		return err
	}
	return c.Send(tellClock, r)
}

// offset is what an exchange says: the other host's clocks were read somewhere between.
func offset(before, there, after Reading) Offset {
	half := (after.Monotonic - before.Monotonic) / 2
	return Offset{
		Monotonic:   time.Duration(there.Monotonic - before.Monotonic - half),
		Real:        time.Duration(there.Real - before.Real - half),
		Uncertainty: time.Duration(half + 1), // the half nanosecond that division lost, and one for both readings
	}
}

// Set reports whether somebody set a host's CLOCK_REALTIME between two comparisons: by how much it is ahead of CLOCK_MONOTONIC,
// which nobody sets, is the same for good otherwise, and known far better than any offset. Slewing moves both alike.
func Set(a, b Offset) bool {
	return ((b.Real - b.Monotonic) - (a.Real - a.Monotonic)).Abs() > setTolerance
}

// setTolerance is more than lies between two readings where nobody is interrupted: of many exchanges the shortest counts.
const setTolerance = 200 * time.Microsecond

// Between is the offset in the middle of two comparisons. What the clocks moved apart meanwhile adds to the uncertainty.
func Between(a, b Offset) Offset {
	drift := (b.Monotonic - a.Monotonic).Abs() / 2
	return Offset{
		Monotonic: a.Monotonic + (b.Monotonic-a.Monotonic)/2, Real: a.Real + (b.Real-a.Real)/2,
		Uncertainty: max(a.Uncertainty, b.Uncertainty) + drift,
	}
}

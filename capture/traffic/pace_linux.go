package traffic

import (
	"math"
	"time"

	"golang.org/x/sys/unix"
)

// clock reads CLOCK_MONOTONIC without a system call: Go's monotonic clock is the same clock, read through the vDSO.
type clock struct {
	base   time.Time
	offset int64
}

func newClock() (c clock, err error) {
	closest := time.Duration(math.MaxInt64)
	for range clockReadings { // a thread that is preempted between the two reads is off by as much
		before := time.Now()
		var now unix.Timespec
		if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err != nil {
			return clock{}, err
		}
		if took := time.Since(before); took < closest {
			closest, c = took, clock{base: before.Add(took / 2), offset: now.Nano()}
		}
	}
	return c, nil
}

// clockReadings is how often the two clocks are compared.
const clockReadings = 8

func (c clock) now() int64 { return c.offset + int64(time.Since(c.base)) }

// spin is how long before a deadline a sender stops sleeping and watches the clock: the time an idle CPU takes to wake up.
const spin = 60 * time.Microsecond

// slackShift: ppoll(2) may sleep 1/1000 longer than asked for, 1/200 in a process with a nice value, whatever the thread's
// timer slack (select_estimate_accuracy in fs/select.c). Sleeping 1/128 less, as often as needed, stays ahead of it.
const slackShift = 7

// waiter sleeps until a deadline or until its socket is dead.
type waiter struct {
	clock clock
	fds   [1]unix.PollFd
}

func newWaiter(c clock, fd int) *waiter {
	return &waiter{clock: c, fds: [1]unix.PollFd{{Fd: int32(fd)}}}
}

// until returns at the deadline. A socket that was shut down in both directions or has an error ends the wait at once: the
// next call on it tells why.
func (w *waiter) until(deadline int64) {
	for {
		left := deadline - w.clock.now()
		sleep := left - left>>slackShift - int64(spin)
		if sleep <= 0 {
			break
		}
		timeout := unix.NsecToTimespec(sleep)
		if n, _ := unix.Ppoll(w.fds[:], &timeout, nil); n > 0 {
			return
		}
	}
	for w.clock.now() < deadline {
	}
}

// nap sleeps for a moment, less when a signal arrives.
func nap(d time.Duration) {
	t := unix.NsecToTimespec(int64(d))
	_ = unix.Nanosleep(&t, nil)
}

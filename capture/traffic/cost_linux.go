package traffic

import (
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// CPU is the CPU time that the threads of both ends used between the start of the messages and their end, all connections
// together, by CLOCK_THREAD_CPUTIME_ID (clock_gettime(2)): system calls, and the application that makes the messages and
// checks them, which is the same over every transport. What a sender spends waiting for the time of a message is left out,
// for it watches the clock. Not in it is what the kernel does for frames in interrupts (softirq), and setting up a connection.
type CPU struct {
	Sender, Receiver time.Duration
	// Floor is the smallest difference of two readings in a row: shorter times cannot be told from none.
	Floor time.Duration
	Known bool // false over QUIC: the library does its work in goroutines that run on any thread of the process
}

// stopwatch adds up the CPU time of the thread that it is used on.
type stopwatch struct{ used, since time.Duration }

func (s *stopwatch) start() { s.since = threadTime() }
func (s *stopwatch) stop()  { s.used += threadTime() - s.since }

// pause leaves out what fn uses.
func (s *stopwatch) pause(fn func()) {
	s.stop()
	fn()
	s.start()
}

// threadTime is the CPU time of the calling thread. The clock is there since Linux 2.6.12.
func threadTime() time.Duration {
	var t unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t)
	return time.Duration(t.Nano())
}

// threadTimeFloor is the smallest difference of two readings in a row.
func threadTimeFloor() time.Duration {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	least := time.Hour
	for range 50 {
		before := threadTime()
		least = min(least, threadTime()-before)
	}
	return least
}

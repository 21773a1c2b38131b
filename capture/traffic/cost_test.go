package traffic

import (
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestCPUTime(t *testing.T) {
	for _, transport := range everywhere() {
		o, err := Run(t.Context(), loopback(transport, "127.0.0.1", Workload{Messages: 200, Size: 90}))
		if err != nil {
			t.Fatal(err)
		}
		c := o.CPU
		if c.Floor <= 0 {
			t.Errorf("%s: the clock's floor is %v", transport, c.Floor)
		}
		if strings.HasPrefix(transport, "quic") {
			if c.Known {
				t.Errorf("%s: a CPU time, though the library works on threads of its own", transport)
			}
			continue
		}
		if !c.Known || c.Sender < c.Floor || c.Receiver < c.Floor {
			t.Errorf("%s: %+v", transport, c)
		}
	}
}

// A sender that watches the clock for its next message does not work.
func TestStopwatchLeavesPausesOut(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	const work = 2 * time.Millisecond
	burn := func() {
		for start := threadTime(); threadTime() < start+work; {
		}
	}
	var worked, paused stopwatch
	worked.start()
	burn()
	worked.stop()
	paused.start()
	paused.pause(burn)
	paused.stop()
	if worked.used < work || paused.used >= work {
		t.Errorf("%v of work, %v beside a pause", worked.used, paused.used)
	}
}

// A message that is due while the sender waits for an answer has waited since then, whatever its own round trip is.
func TestLatencyFromDue(t *testing.T) {
	const stall = 20 * time.Millisecond
	slow := Workload{Messages: 10, Size: 90, Pattern: Echo, Interval: time.Microsecond}
	c := loopback("udp", "127.0.0.1", slow)
	r := &run{Config: c}
	for name, tt := range map[string]struct {
		w     Workload
		known bool
	}{
		"back to back":     {Workload{Messages: 10, Size: 90}, false},
		"at intervals":     {Workload{Messages: 10, Size: 90, Interval: time.Millisecond}, true},
		"in bursts":        {Workload{Messages: 10, Size: 90, Interval: time.Millisecond, Arrivals: arrivalsOf(t, "bursty:5")}, true},
		"drawn times":      {Workload{Messages: 10, Size: 90, Interval: time.Millisecond, Arrivals: arrivalsOf(t, "poisson")}, true},
		"answers, a queue": {slow, true},
	} {
		o, err := Run(t.Context(), loopback("tcp-nodelay", "127.0.0.1", tt.w))
		if err != nil {
			t.Fatal(err)
		}
		due, call := o.LatencyFromDue, o.Latency
		if due.Known != tt.known || due.Known && (due.P50 < call.P50 || due.P99 < call.P99 || due.Max < call.Max) {
			t.Errorf("%s: from due %+v, from the call %+v", name, due, call)
		}
	}
	// The last of ten messages, all due at once, has waited for the round trips of the nine before.
	x := r.newConnection(slow.Plan(), 0)
	for i := range x.answers.times {
		x.answers.times[i], x.late[i] = ^int64(time.Millisecond), int64(i)*int64(stall)
	}
	if l := percentiles(x.delaysFromDue()); l.Max != time.Millisecond+9*stall || l.P50 != time.Millisecond+4*stall {
		t.Errorf("from due: %+v", l)
	}
}

func TestLinger(t *testing.T) {
	for _, transport := range []string{"tcp", "tls", "quic-stream"} {
		w := Workload{Messages: 2, Size: 90, Linger: 30 * time.Millisecond}
		start := time.Now()
		o, err := Run(t.Context(), loopback(transport, "127.0.0.1", w))
		if err != nil {
			t.Fatal(err)
		}
		verify(t, o, w)
		if d := time.Since(start); d < w.Linger {
			t.Errorf("%s: closed after %v", transport, d)
		}
	}
	if err := (Workload{Messages: 1, Size: 1, Linger: -1}).Check("tcp", 4); err == nil {
		t.Error("a negative linger is taken")
	}
}

// When descriptors run out in the middle of many connections, those that began end, and nothing is left.
func TestOutOfDescriptors(t *testing.T) {
	var before unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &before); err != nil {
		t.Fatal(err)
	}
	for _, transport := range []string{"udp", "tcp", "quic-stream"} {
		if _, err := Run(t.Context(), loopback(transport, "127.0.0.1", Workload{Messages: 2, Size: 90})); err != nil {
			t.Fatal(err) // the runtime's own descriptors are there now
		}
		func() {
			defer leaveNothing(t)()
			few := before
			few.Cur = 40
			if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &few); err != nil {
				t.Fatal(err)
			}
			_, err := Run(t.Context(), loopback(transport, "127.0.0.1", Workload{Messages: 256, Size: 90, Connections: 64}))
			if e := unix.Setrlimit(unix.RLIMIT_NOFILE, &before); e != nil {
				t.Fatal(e)
			}
			if err == nil {
				t.Errorf("%s: 64 connections with 40 descriptors", transport)
			}
		}()
	}
}

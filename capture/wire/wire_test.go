package wire

import (
	"encoding/binary"
	"errors"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// ports makes two hosts out of socket pairs, which carry datagrams as devices carry frames: host[i] talks to port[i].
func ports(t *testing.T) (host, port [2]int) {
	t.Helper()
	for i := range host {
		pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { unix.Close(pair[0]); unix.Close(pair[1]) })
		host[i], port[i] = pair[0], pair[1]
	}
	return host, port
}

func start(t *testing.T, c Config, seed uint64) (w *Wire, host [2]int) {
	t.Helper()
	host, port := ports(t)
	w, err := Start(c, port, seed)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
	return w, host
}

// frame makes an Ethernet frame of the given size whose EtherType is that of experiments, and whose first octets number it.
func frame(size, number int) []byte {
	b := make([]byte, size)
	binary.BigEndian.PutUint32(b, uint32(number))
	b[12], b[13] = 0x08, 0x00
	return b
}

func sentinel() []byte {
	b := make([]byte, MinFrame)
	b[12], b[13] = SentinelType>>8, SentinelType&0xff
	return b
}

func send(t *testing.T, fd int, b []byte) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; {
		_, err := unix.Write(fd, b)
		if err == nil {
			return
		}
		if !errors.Is(err, unix.EAGAIN) || time.Now().After(deadline) {
			t.Fatalf("send: %v", err)
		}
		time.Sleep(50 * time.Microsecond)
	}
}

// receive returns the next frame and nil when a sentinel came.
func receive(t *testing.T, fd int) []byte {
	t.Helper()
	b := make([]byte, 10000)
	for deadline := time.Now().Add(10 * time.Second); ; {
		n, err := unix.Read(fd, b)
		if err == nil {
			if isSentinel(b[:n]) {
				return nil
			}
			return b[:n]
		}
		if !errors.Is(err, unix.EAGAIN) || time.Now().After(deadline) {
			t.Fatalf("receive: %v", err)
		}
		time.Sleep(50 * time.Microsecond)
	}
}

func TestFramesArriveWholeAndInOrder(t *testing.T) {
	w, host := start(t, Config{MTU: 9000, RTT: time.Millisecond}, 1)
	for direction := range 2 {
		for i := range 100 {
			send(t, host[direction], frame(60+80*i, i))
		}
		for i := range 100 {
			got := receive(t, host[1-direction])
			if len(got) != 60+80*i || binary.BigEndian.Uint32(got) != uint32(i) {
				t.Fatalf("direction %d frame %d: got %d octets, number %d", direction, i, len(got), binary.BigEndian.Uint32(got))
			}
		}
		c := w.Counters()[direction]
		if c.In != 100 || c.Out != 100 || c.Lost+c.Full+c.Failed != 0 {
			t.Errorf("direction %d: %+v", direction, c)
		}
	}
}

// The schedule of departures is what makes the rate exact; the clock on which it runs is the machine's business.
func TestWireTime(t *testing.T) {
	for _, tt := range []struct {
		name string
		rate int64
		size int
		want time.Duration
	}{
		{"least frame at 10 Mb/s: 84 octets, 14,880.95 a second (RFC 5180 appendix A)", 10e6, 60, 67200},
		{"frame under the minimum costs the minimum", 10e6, 42, 67200},
		{"90 B over UDP/IPv4 at 10 Mb/s: 156 octets", 10e6, 132, 124800},
		{"full frame at 10 Mb/s: 1538 octets", 10e6, 1514, 1230400},
		{"full frame at 1 Gb/s", 1e9, 1514, 12304},
		{"jumbo frame at 100 Mb/s", 100e6, 9014, 723040},
		{"no limit", 0, 1514, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := relay{config: Config{Rate: tt.rate}}
			if got := time.Duration(r.wireTime(tt.size) / 1000); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

func TestFramesQueueBehindEachOther(t *testing.T) {
	r := relay{config: Config{Rate: 10e6, RTT: 20 * time.Millisecond}, start: time.Now()}
	d := &direction{dice: newDice(1, 0)}
	const frames = 1000
	for i := range frames {
		r.accept(d, frame(60, i))
	}
	first, _ := d.queue.front()
	last := first
	for d.queue.len() > 0 {
		due, _ := d.queue.front()
		if due < last {
			t.Fatalf("due %d after %d", due, last)
		}
		last = due
		d.queue.pop()
	}
	if got, want := time.Duration((last-first)/1000), (frames-1)*67200*time.Nanosecond; got != want {
		t.Errorf("%d frames back to back took %v on the wire, want %v", frames, got, want)
	}
}

func TestLossFollowsTheSeed(t *testing.T) {
	lost := func(seed uint64) (numbers []uint32) {
		w, host := start(t, Config{MTU: 1500, Loss: 0.1}, seed)
		const frames = 500
		for i := range frames {
			send(t, host[0], frame(60, i))
		}
		send(t, host[0], sentinel())
		next := uint32(0)
		for {
			b := receive(t, host[1])
			if b == nil {
				break
			}
			n := binary.BigEndian.Uint32(b)
			for ; next < n; next++ {
				numbers = append(numbers, next)
			}
			next = n + 1
		}
		for ; next < frames; next++ {
			numbers = append(numbers, next)
		}
		c := w.Counters()[0]
		if c.In != frames || c.Lost != int64(len(numbers)) || c.Out != frames-c.Lost || c.Sentinels != 1 {
			t.Errorf("counters %+v, %d frames missing", c, len(numbers))
		}
		return numbers
	}
	a, again, other := lost(7), lost(7), lost(8)
	if len(a) == 0 {
		t.Fatal("nothing lost of 500 frames at 10 %")
	}
	if !equal(a, again) {
		t.Errorf("the same seed lost %v, then %v", a, again)
	}
	if equal(a, other) {
		t.Errorf("another seed lost the same frames: %v", a)
	}
}

func TestResetStartsTheSequenceAgain(t *testing.T) {
	w, host := start(t, Config{MTU: 1500, Loss: 0.5}, 3)
	pass := func() Counters {
		for i := range 64 {
			send(t, host[0], frame(60, i))
		}
		send(t, host[0], sentinel())
		for receive(t, host[1]) != nil {
		}
		return w.Counters()[0]
	}
	first := pass()
	first.Span = 0 // times differ
	w.Reset(3)
	if c := w.Counters()[0]; c != (Counters{}) {
		t.Errorf("counters after reset: %+v", c)
	}
	second := pass()
	second.Span = 0
	if second != first {
		t.Errorf("after reset to the same seed %+v, before %+v", second, first)
	}
}

func TestQueueIsBounded(t *testing.T) {
	var q queue
	jumbo := make([]byte, 1<<20)
	n := 0
	for ; q.push(int64(n), jumbo); n++ {
		if n > queueBytes>>20 {
			t.Fatal("no bound")
		}
	}
	q.pop()
	if !q.push(0, jumbo) {
		t.Error("no room after a frame has left")
	}
}

func equal(a, b []uint32) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

func BenchmarkAcceptAndDeliver(b *testing.B) {
	r := relay{config: Config{Rate: 1e9}, start: time.Now()}
	d := &direction{dice: newDice(1, 0)}
	f := frame(132, 0)
	b.ReportAllocs()
	for b.Loop() {
		r.accept(d, f)
		d.queue.pop()
	}
}

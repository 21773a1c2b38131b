package lab

import (
	"encoding/binary"
	"errors"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// The queue empties at the rate of Ethernet: every frame costs 24 octets beside itself, and no frame less than 84.
func TestQueueEmptiesAtTheRate(t *testing.T) {
	const rate, head, frames = 10_000_000, 100, 700 // the head empties the full bucket
	for _, tt := range []struct {
		name string
		size int
		cost int // octets of the wire
	}{
		{"least frames", 42, 84},
		{"90 octets over UDP", 132, 156},
		{"full frames", 1514, 1538},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := build(t, Config{MTU: 1500, IP: 4, Queue: 10_000, Link: TAP})
			if err := l.A.Queue(TokenBucket{Rate: rate, Burst: 1538, MTU: 1500, Overhead: 24, Minimum: 84}); err != nil {
				t.Fatal(err)
			}
			want := time.Duration((frames - head) * tt.cost * 8 * int(time.Second) / rate)
			var took []time.Duration
			for range 5 { // the reader may be late, at either end of the measurement
				sent := make(chan error, 1)
				go func() { sent <- l.A.flood(tt.size, frames) }()
				from, to := arrivals(t, l.Ports[0], head, frames)
				if err := <-sent; err != nil {
					t.Fatal(err)
				}
				took = append(took, to.Sub(from))
				if off := to.Sub(from) - want; off.Abs() < want/20+1500*time.Microsecond {
					return
				}
			}
			t.Errorf("%d frames of %d octets took %v, want %v", frames-head, tt.size, took, want)
		})
	}
}

// flood sends frames of an experimental EtherType through the host's interface, as fast as its queue takes them.
func (h *Host) flood(size, frames int) error {
	var fd int
	err := h.Within(func() (err error) {
		if fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0); err != nil {
			return err
		}
		req, err := unix.NewIfreq(Interface)
		if err == nil {
			err = unix.IoctlIfreq(fd, unix.SIOCGIFINDEX, req)
		}
		if err != nil {
			return err
		}
		return unix.Bind(fd, &unix.SockaddrLinklayer{Ifindex: int(req.Uint32())})
	})
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	b := make([]byte, size)
	copy(b[6:], h.MAC)
	binary.BigEndian.PutUint16(b[12:], 0x88b6)
	for range frames {
		if _, err := unix.Write(fd, b); err != nil {
			return err
		}
	}
	return nil
}

// arrivals reads so many frames from a port and returns when frame head and the last one came.
func arrivals(t *testing.T, port, head, frames int) (from, to time.Time) {
	t.Helper()
	b := make([]byte, 2000)
	for n, deadline := 0, time.Now().Add(10*time.Second); n < frames; {
		_, err := unix.Read(port, b)
		switch {
		case errors.Is(err, unix.EAGAIN) && time.Now().Before(deadline):
			time.Sleep(50 * time.Microsecond)
			continue
		case err != nil:
			t.Fatalf("after %d frames: %v", n, err)
		}
		n++
		to = time.Now()
		if n == head {
			from = to
		}
	}
	return from, to
}

func TestCounter(t *testing.T) {
	const netstat = "TcpExt: SyncookiesSent TCPAutoCorking TCPWantZeroWindowAdv\nTcpExt: 1 27 3\nIpExt: InNoRoutes TCPAutoCorking\nIpExt: 5 6\n"
	for _, tt := range []struct {
		name, text string
		want       int64
	}{
		{"there", netstat, 27},
		{"a kernel without it", "TcpExt: SyncookiesSent\nTcpExt: 1\n", 0},
		{"values cut off", "TcpExt: SyncookiesSent TCPAutoCorking\nTcpExt: 1\n", 0},
		{"names only", "TcpExt: TCPAutoCorking\n", 0},
		{"empty", "", 0},
	} {
		if got := counter([]byte(tt.text), "TcpExt:", "TCPAutoCorking"); got != tt.want {
			t.Errorf("%s: %d, want %d", tt.name, got, tt.want)
		}
	}
}

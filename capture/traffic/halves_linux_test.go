package traffic

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// meet connects two halves by channels.
func meet() (sender, receiver Meeting) {
	there, back := make(chan Terms, 1), make(chan Terms, 1)
	end := func(tell chan<- Terms, hear <-chan Terms) Meeting {
		return Meeting{
			Tell: func(_ context.Context, t Terms) error { tell <- t; return nil },
			Hear: func(ctx context.Context) (Terms, error) {
				select {
				case t := <-hear:
					return t, nil
				case <-ctx.Done():
					return Terms{}, context.Cause(ctx)
				}
			},
		}
	}
	return end(there, back), end(back, there)
}

// apart runs the two halves as two processes would, and joins what they saw.
func apart(t *testing.T, c Config) *Outcome {
	t.Helper()
	at, from := meet()
	both := make(chan bool)
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	c.Arrived = func(ctx context.Context) error {
		select {
		case both <- true:
			return settle(ctx)
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	far := c
	far.Arrived = func(ctx context.Context) error {
		select {
		case <-both:
			return settle(ctx)
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	type result struct {
		*Half
		error
	}
	received := make(chan result, 1)
	go func() {
		h, err := Receive(ctx, far, from)
		if err != nil {
			cancel(err)
		}
		received <- result{h, err}
	}()
	sent, err := Send(ctx, c, at)
	if err != nil {
		cancel(err)
	}
	there := <-received
	if err := errors.Join(err, there.error); err != nil {
		t.Fatal(err)
	}
	return Join(sent, there.Half, 0) // one clock
}

func TestHalvesMakeARun(t *testing.T) {
	addrs := []string{"127.0.0.1"}
	if hasIPv6(t) {
		addrs = append(addrs, "::1")
	}
	for _, transport := range everywhere() {
		for name, w := range map[string]Workload{
			"one way":                  {Messages: 16, Size: 90},
			"too short for their time": {Messages: 16, Size: 12},
			"too short for a number":   {Messages: 16, Size: 1},
			"echo":                     {Messages: 16, Size: 90, Pattern: Echo, Depth: 4},
			"echo of short ones":       {Messages: 16, Size: 12, Pattern: Echo},
			"two writes, one answer":   {Messages: 8, Size: 90, Pattern: WriteWriteRead},
			"drawn sizes in pairs":     {Messages: 8, Sizes: Sizes{form: "uniform", a: 8, b: 24}, Size: 16, Pattern: WriteWriteRead},
			"three connections":        {Messages: 48, Size: 90, Connections: 3},
		} {
			if transport == "mptcp" && name != "one way" {
				continue
			}
			for _, addr := range addrs {
				t.Run(fmt.Sprintf("%s %s %s", transport, addr, name), func(t *testing.T) {
					t.Parallel() // Nagle's algorithm and delayed ACKs are waited for
					o := apart(t, loopback(transport, addr, w))
					want := int64(0)
					if n, _ := w.Transactions(); n > 0 {
						want = int64(n)
					}
					if o.MessagesDelivered != int64(w.Messages) || o.AnswersDelivered != want || o.Corrupt+o.Duplicated+o.Reordered != 0 {
						t.Errorf("delivered %d messages of %d, %d answers of %d; %d corrupt, %d duplicated, %d reordered",
							o.MessagesDelivered, w.Messages, o.AnswersDelivered, want, o.Corrupt, o.Duplicated, o.Reordered)
					}
					if o.ApplicationBytesDelivered != o.ApplicationBytesOffered {
						t.Errorf("%d octets delivered of %d", o.ApplicationBytesDelivered, o.ApplicationBytesOffered)
					}
					if !o.Latency.Known || o.Latency.P50 <= 0 || o.Duration < o.Latency.P50 || o.SendCalls == 0 || o.RecvCalls == 0 {
						t.Errorf("latency %+v, duration %v, %d send calls, %d receive calls", o.Latency, o.Duration, o.SendCalls, o.RecvCalls)
					}
					if o.Options["SO_RCVBUF"] == nil {
						t.Error("receiver's options are missing")
					}
				})
			}
		}
	}
}

func TestFixedPortIsUsedAgainAtOnce(t *testing.T) {
	for _, transport := range []string{"tcp", "udp", "quic-stream", "tls"} {
		c := loopback(transport, "127.0.0.1", Workload{Messages: 2, Size: 90})
		c.Port = apart(t, c).Port
		for range 2 {
			if o := apart(t, c); o.Port != c.Port {
				t.Errorf("%s: port %d, want %d", transport, o.Port, c.Port)
			}
		}
	}
}

func TestReceiverAnswersNoStranger(t *testing.T) {
	peers := map[string]string{"127.0.0.1": "127.0.0.2"}
	if hasIPv6(t) {
		peers["::1"] = "2001:db8::1"
	}
	for own, peer := range peers {
		for _, transport := range []string{"udp", "tcp", "quic-stream"} {
			t.Run(transport+" "+own, func(t *testing.T) {
				c := loopback(transport, own, Workload{Messages: 1, Size: 90})
				c.From.Addr = netip.MustParseAddr(peer)
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				sender, receiver := meet()
				ended := make(chan error, 1)
				go func() {
					_, err := Receive(ctx, c, receiver)
					ended <- err
				}()
				if err := sender.Tell(ctx, Terms{SenderPorts: []uint16{9}}); err != nil {
					t.Fatal(err)
				}
				terms, err := sender.Hear(ctx)
				if err != nil {
					t.Fatal(err)
				}
				if got := approach(t, transport, netip.AddrPortFrom(netip.MustParseAddr(own), terms.ReceiverPort)); got != "" {
					t.Errorf("a stranger got %s", got)
				}
				cancel()
				if err := <-ended; !errors.Is(err, context.Canceled) {
					t.Error(err)
				}
			})
		}
	}
}

// approach sends what should make a server answer, and returns what came back.
func approach(t *testing.T, transport string, to netip.AddrPort) string {
	kind := unix.SOCK_DGRAM
	if strings.HasPrefix(transport, "tcp") {
		kind = unix.SOCK_STREAM
	}
	fd, err := unix.Socket(family(to.Addr()), kind|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	_ = unix.Connect(fd, sockaddr(to))                                                            // of a stream under way
	_, _ = unix.Write(fd, append([]byte{0xc0, 0x1a, 0x2a, 0x3a, 0x4a, 8}, make([]byte, 1300)...)) // a QUIC version nobody has
	ready := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN | unix.POLLOUT}}
	if kind == unix.SOCK_DGRAM {
		ready[0].Events = unix.POLLIN
	}
	n, err := unix.Poll(ready, int((50 * time.Millisecond).Milliseconds()))
	if err != nil || n == 0 || ready[0].Revents == unix.POLLERR { // what a closed port makes the kernel say (RFC 1122 section 4.1.3.1)
		return ""
	}
	return fmt.Sprintf("events %#x", ready[0].Revents)
}

// TestRoomIsOfAllConnections: a rate is what an end sends, not what each of its connections does.
func TestRoomIsOfAllConnections(t *testing.T) {
	var mu sync.Mutex
	first, octets := 0, int64(0)
	c := Config{
		Workload: Workload{Messages: 64, Size: 500, Pattern: Echo, Depth: 8, Connections: 4}, Transport: "udp-packed", MTU: 1500,
		From: Host{Addr: netip.MustParseAddr("127.0.0.1")}, To: Host{Addr: netip.MustParseAddr("127.0.0.1")},
		Room: func(datagrams, before int64) {
			mu.Lock()
			defer mu.Unlock()
			if datagrams == 0 {
				first++
			}
			octets = max(octets, before)
		},
	}
	if o := apart(t, c); o.AnswersDelivered != 64 {
		t.Fatalf("%d answers", o.AnswersDelivered)
	}
	if first != 2 || octets < 64*500-1472 {
		t.Errorf("%d first datagrams at two ends, %d octets before the last", first, octets)
	}
}

func TestZoneOfALinkLocalAddress(t *testing.T) {
	for zone, want := range map[string]uint32{"": 0, "lo": 1, "7": 7, "none0": 0} {
		a := netip.AddrPortFrom(netip.MustParseAddr("fe80::1").WithZone(zone), 1)
		if got := sockaddr(a).(*unix.SockaddrInet6).ZoneId; got != want {
			t.Errorf("zone %q is interface %d, want %d", zone, got, want)
		}
	}
}

package traffic

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// loopback sends between two sockets of this machine.
func loopback(transport string, addr string, w Workload) Config {
	h := Host{Addr: netip.MustParseAddr(addr)}
	return Config{Workload: w, Transport: transport, From: h, To: h, MTU: 1500, Arrived: settle}
}

// settle stands for the caller's proof of arrival: loopback hands a datagram over while it is sent, except on a CPU so busy
// that the kernel leaves it to ksoftirqd.
func settle(context.Context) error {
	time.Sleep(2 * time.Millisecond)
	return nil
}

// everywhere lists the transports that need no network namespace of their own.
func everywhere() []string {
	return slices.DeleteFunc(Names(), func(n string) bool { return n == "tcp-noautocork" })
}

func hasIPv6(t *testing.T) bool {
	l, err := net.Listen("tcp6", "[::1]:0")
	if err != nil {
		t.Logf("IPv6 not tested: %v", err)
		return false
	}
	l.Close()
	return true
}

func TestRun(t *testing.T) {
	addrs := map[int]string{4: "127.0.0.1"}
	if hasIPv6(t) {
		addrs[6] = "::1"
	}
	for _, transport := range everywhere() {
		for ip, addr := range addrs {
			for _, size := range []int{1, 7, 8, 15, 16, 90, 1472, 4096, 65507, 65527, 1 << 20} {
				for _, n := range []int{1, 16, 300} {
					w := Workload{Messages: n, Size: size}
					if !slices.Contains(Default(), transport) && size != 1 && size != 90 && size != 4096 && size != 65507 {
						continue // what gathers messages and what encrypts is tried with fewer sizes
					}
					if transport == "quic-datagram" && n > quicQueue || strings.HasPrefix(transport, "quic") && n*size > 1<<20 {
						continue
					}
					if w.Check(transport, ip) != nil || n*size > 20<<20 || strings.HasPrefix(transport, "udp") && n*(768+2*size) > plainRcvBuf {
						continue
					}
					t.Run(fmt.Sprintf("%s IPv%d %d x %d B", transport, ip, n, size), func(t *testing.T) {
						o, err := Run(t.Context(), loopback(transport, addr, w))
						if err != nil {
							t.Fatal(err)
						}
						verify(t, o, w)
						if _, encrypted := o.Options["tls_certificate_bytes"]; encrypted {
							return // their calls are the library's
						}
						if want := writes(transport, ip, w); o.SendCalls < want || strings.HasPrefix(transport, "udp") && o.SendCalls != want {
							t.Errorf("%d send calls, want %d", o.SendCalls, want)
						}
					})
				}
			}
		}
	}
}

// plainRcvBuf is the receive buffer that a user without privileges gets where net.core.rmem_max has its default.
const plainRcvBuf = 2 * 212992

// verify checks what must hold for every run without loss.
func verify(t *testing.T, o *Outcome, w Workload) {
	t.Helper()
	if o.MessagesDelivered != int64(w.Messages) || o.PayloadBytesDelivered != int64(w.Messages*w.Size) {
		t.Errorf("delivered %d messages, %d octets, want %d and %d", o.MessagesDelivered, o.PayloadBytesDelivered, w.Messages, w.Messages*w.Size)
	}
	if o.Corrupt+o.Duplicated+o.Reordered+o.ReceiverOverflow != 0 {
		t.Errorf("corrupt %d, duplicated %d, reordered %d, overflow %d, want none", o.Corrupt, o.Duplicated, o.Reordered, o.ReceiverOverflow)
	}
	if l := o.Latency; !l.Known || l.P50 > l.P99 || l.P99 > l.Max || l.Max > o.Duration || o.Port == 0 || o.RecvCalls < 1 {
		t.Errorf("latency %+v, duration %v, port %d, receive calls %d", l, o.Duration, o.Port, o.RecvCalls)
	}
	connections := w.connections()
	if o.Options["SO_PROTOCOL"] != unix.IPPROTO_TCP {
		connections = 0
	}
	if len(o.Senders) != connections || len(o.Receivers) != connections {
		t.Errorf("TCP_INFO %v and %v with protocol %v", o.Senders, o.Receivers, o.Options["SO_PROTOCOL"])
	}
	if application := w.Plan().Octets(); o.ApplicationBytesOffered != application || o.ApplicationBytesDelivered != application {
		t.Errorf("application bytes: offered %d, delivered %d, want %d", o.ApplicationBytesOffered, o.ApplicationBytesDelivered, application)
	}
	encrypted := o.Options["tls_certificate_bytes"] != nil
	if o.Options["SO_PROTOCOL"] == unix.IPPROTO_UDP && !encrypted {
		if o.RecvCalls < o.SendCalls || o.RecvCalls > int64(w.Messages) {
			t.Errorf("%d receive calls for %d messages in %d send calls", o.RecvCalls, w.Messages, o.SendCalls)
		}
		return
	}
	if connections == 0 || encrypted {
		return
	}
	bytes := uint64(w.Messages * w.Size)
	if s, r := o.Senders[0], o.Receivers[0]; s.State != stateClosed || r.State != stateClosed ||
		s.BytesSent-s.BytesRetrans != bytes || r.BytesReceived != bytes+1 || s.SegsOut != r.SegsIn || s.SegsIn != r.SegsOut+1 {
		t.Errorf("TCP_INFO sender %+v\nreceiver %+v", *s, *r)
	}
}

// perCall is how many messages of a workload without intervals the application hands over with one call.
func perCall(transport string, ip int, w Workload) int {
	room := map[int]int{4: 1472, 6: 1452}[ip]
	switch transport {
	case "udp-packed":
		return max(1, room/w.Size)
	case "udp-gso":
		if w.Size > room {
			return 1
		}
		return max(1, min(64, map[int]int{4: 65507, 6: 65527}[ip]/w.Size))
	case "udp-sendmmsg", "tcp-writev":
		return max(1, min(1024, 256<<10/w.Size))
	case "tcp-buffered":
		if w.Size < 4096 {
			return 0 // bufio cuts messages
		}
	}
	return 1
}

// writes is how many write calls the workload takes when no call is cut short.
func writes(transport string, ip int, w Workload) int64 {
	per := perCall(transport, ip, w)
	if per == 0 {
		return int64((w.Messages*w.Size + 4095) / 4096)
	}
	return int64((w.Messages + per - 1) / per)
}

func TestRunPaced(t *testing.T) {
	for _, tt := range []struct {
		name, transport string
		w               Workload
		writes          int64
	}{
		{"udp every millisecond", "udp", Workload{Messages: 20, Size: 90, Interval: time.Millisecond}, 20},
		{"tcp every millisecond", "tcp", Workload{Messages: 20, Size: 90, Interval: time.Millisecond}, 20},
		{"packed until the end", "udp-packed", Workload{Messages: 10, Size: 90, Interval: time.Millisecond}, 1},
		{"packed until full", "udp-packed", Workload{Messages: 32, Size: 90, Interval: 100 * time.Microsecond}, 2},
		{"packed until the time is over", "udp-packed", Workload{Messages: 5, Size: 90, Interval: 90 * time.Millisecond}, 2},
		{"packed, but the messages are further apart", "udp-packed", Workload{Messages: 2, Size: 90, Interval: 500 * time.Millisecond}, 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			o, err := Run(t.Context(), loopback(tt.transport, "127.0.0.1", tt.w))
			if err != nil {
				t.Fatal(err)
			}
			verify(t, o, tt.w)
			if o.SendCalls != tt.writes {
				t.Errorf("%d send calls, want %d", o.SendCalls, tt.writes)
			}
			if least := time.Duration(tt.w.Messages-1) * tt.w.Interval; o.Duration < least {
				t.Errorf("took %v, less than the workload's %v", o.Duration, least)
			}
		})
	}
}

func TestPatterns(t *testing.T) {
	for _, transport := range everywhere() {
		for _, pattern := range []Pattern{OneWay, Echo, WriteWriteRead} {
			for _, shape := range []struct {
				depth, connections int
				sizes              string
			}{{1, 3, "uniform:8-1100"}, {4, 1, "bimodal:8:1100:0.5"}, {5, 2, ""}} {
				w := Workload{Messages: 24, Size: 90, Pattern: pattern, Depth: shape.depth, Connections: shape.connections, Seed: 5}
				if shape.sizes != "" {
					w.Sizes = sizesOf(t, shape.sizes)
				}
				if pattern == OneWay {
					w.Depth = 0
				}
				t.Run(fmt.Sprintf("%s %s depth %d connections %d %s", transport, pattern, w.Depth, w.Connections, shape.sizes), func(t *testing.T) {
					o, err := Run(t.Context(), loopback(transport, "127.0.0.1", w))
					if err != nil {
						t.Fatal(err)
					}
					transactions, _ := w.Transactions()
					if o.MessagesDelivered != 24 || o.AnswersDelivered != int64(transactions) {
						t.Errorf("%d messages and %d answers delivered, want 24 and %d", o.MessagesDelivered, o.AnswersDelivered, transactions)
					}
					if n := w.Plan().Octets(); o.ApplicationBytesOffered != n || o.ApplicationBytesDelivered != n {
						t.Errorf("application bytes offered %d, delivered %d, want %d", o.ApplicationBytesOffered, o.ApplicationBytesDelivered, n)
					}
					if o.Corrupt+o.Duplicated+o.ReceiverOverflow != 0 || !o.Latency.Known || o.Latency.Max > o.Duration {
						t.Errorf("%+v", *o)
					}
					if o.Senders != nil && len(o.Senders) != w.Connections {
						t.Errorf("TCP_INFO of %d connections, want %d", len(o.Senders), w.Connections)
					}
				})
			}
		}
	}
}

// Nagle's algorithm holds the second of two writes until the first is acknowledged, and the receiver, which has nothing to
// answer yet, delays that (RFC 9293 section 3.8.6.3; 40 ms in Linux). Without Nagle nobody waits.
func TestWriteWriteReadMeetsDelayedACK(t *testing.T) {
	for transport, slow := range map[string]bool{"tcp": true, "tcp-nodelay": false, "tcp-cork": false, "tcp-more": false, "tcp-writev": false, "tls": false} {
		t.Run(transport, func(t *testing.T) {
			t.Parallel()
			o, err := Run(t.Context(), loopback(transport, "127.0.0.1", Workload{Messages: 20, Size: 90, Pattern: WriteWriteRead}))
			if err != nil {
				t.Fatal(err)
			}
			if held := o.Latency.P50 > 30*time.Millisecond; held != slow {
				t.Errorf("round trip p50 %v: held %v, want %v", o.Latency.P50, held, slow)
			}
		})
	}
}

func TestOptionsReadBack(t *testing.T) {
	for _, tt := range []struct {
		transport string
		want      map[string]any
	}{
		{"udp", map[string]any{"SO_PROTOCOL": 17, "IP_MTU_DISCOVER": unix.IP_PMTUDISC_WANT}},
		{"udp-packed", map[string]any{"SO_PROTOCOL": 17, "datagram_payload_limit": 1472, "flush_after_seconds": 0.2}},
		{"udp-gso", map[string]any{"UDP_SEGMENT": 90, "segments_limit": 64}},
		{"udp-sendmmsg", map[string]any{"sendmmsg_messages_limit": 1024}},
		{"tcp-more", map[string]any{"TCP_NODELAY": 0, "TCP_CORK": 0, "msg_more": true}},
		{"tcp-writev", map[string]any{"TCP_NODELAY": 0, "writev_messages_limit": 1024}},
		{"tcp-buffered", map[string]any{"TCP_NODELAY": 0, "buffer_bytes": 4096, "flush_after_seconds": 0.2}},
		{"tcp-quickack", map[string]any{"TCP_NODELAY": 0, "TCP_QUICKACK": 1}},
		{"tls", map[string]any{"TCP_NODELAY": 1, "tls_version": "TLS 1.3", "tls_certificate_bytes": 324}},
		{"tls-buffered", map[string]any{"TCP_NODELAY": 1, "buffer_bytes": 4096}},
		{"quic-stream", map[string]any{"SO_PROTOCOL": 17, "quic_version": "v1", "quic_datagrams": false}},
		{"quic-datagram", map[string]any{"SO_PROTOCOL": 17, "quic_datagrams": true, "IP_MTU_DISCOVER": unix.IP_PMTUDISC_PROBE}},
		{"tcp", map[string]any{"SO_PROTOCOL": 6, "TCP_NODELAY": 0, "TCP_CORK": 0, "SO_KEEPALIVE": 0, "TCP_CONGESTION": "reno"}},
		{"tcp-nodelay", map[string]any{"SO_PROTOCOL": 6, "TCP_NODELAY": 1, "TCP_CORK": 0, "SO_KEEPALIVE": 0, "TCP_CONGESTION": "reno"}},
		{"tcp-cork", map[string]any{"SO_PROTOCOL": 6, "TCP_NODELAY": 0, "TCP_CORK": 1, "SO_KEEPALIVE": 0, "TCP_CONGESTION": "reno"}},
	} {
		t.Run(tt.transport, func(t *testing.T) {
			c := loopback(tt.transport, "127.0.0.1", Workload{Messages: 16, Size: 90})
			c.CongestionControl = "reno" // the one that every kernel has
			o, err := Run(t.Context(), c)
			if err != nil {
				t.Fatal(err)
			}
			for name, want := range tt.want {
				if got := o.Options[name]; got != want {
					t.Errorf("%s is %v, want %v", name, got, want)
				}
			}
			for _, name := range []string{"SO_SNDBUF", "SO_RCVBUF"} {
				if v, _ := o.Options[name].(int); v < 2048 {
					t.Errorf("%s is %v", name, o.Options[name])
				}
			}
		})
	}
}

func TestReceiveBufferHoldsTheWorkload(t *testing.T) {
	w := Workload{Messages: 400, Size: 90}
	c := loopback("udp", "127.0.0.1", w)
	o, err := Run(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	// SO_RCVBUF without privileges is cut to rmem_max, which is larger than this workload's need on most systems.
	if got := o.Options["SO_RCVBUF"].(int); got < 400*(90+768) {
		t.Errorf("SO_RCVBUF is %d", got)
	}
}

func TestUnknownCongestionControl(t *testing.T) {
	c := loopback("tcp", "127.0.0.1", Workload{Messages: 1, Size: 1})
	c.CongestionControl = "carrier"
	_, err := Run(t.Context(), c)
	if !errors.Is(err, unix.ENOENT) || !strings.Contains(err.Error(), `set TCP_CONGESTION to "carrier"`) || !strings.Contains(err.Error(), "reno") {
		t.Errorf("got %v", err)
	}
}

func TestRunRefuses(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*Config)
		want   string
	}{
		{"no sender", func(c *Config) { c.From.Addr = netip.Addr{} }, "must have addresses of one IP version"},
		{"two IP versions", func(c *Config) { c.From.Addr = netip.IPv6Loopback() }, "must have addresses of one IP version"},
		{"MTU without room", func(c *Config) { c.MTU = 28 }, "an MTU of 28 leaves no room"},
		{"no such address here", func(c *Config) { c.To.Addr = netip.MustParseAddr("192.0.2.77") }, "receiver: bind 192.0.2.77"},
		{"no messages", func(c *Config) { c.Workload.Messages = 0 }, "messages must be 1 to"},
		{"unknown transport", func(c *Config) { c.Transport = "x" }, `unknown transport "x"`},
		{"arrival not proved", func(c *Config) {
			c.Arrived = func(context.Context) error { return errors.New("no sentinel") }
		}, "no sentinel"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := loopback("udp-packed", "127.0.0.1", Workload{Messages: 1, Size: 90})
			tt.change(&c)
			if _, err := Run(t.Context(), c); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q in it", err, tt.want)
			}
		})
	}
}

func TestInterrupted(t *testing.T) {
	cause := errors.New("interrupted by the test")
	for _, tt := range []struct {
		name string
		c    Config
	}{
		{"udp, sender sleeps", loopback("udp", "127.0.0.1", Workload{Messages: 3, Size: 90, Interval: time.Hour})},
		{"udp-packed, sender sleeps", loopback("udp-packed", "127.0.0.1", Workload{Messages: 3, Size: 90, Interval: time.Hour})},
		{"tcp, sender sleeps", loopback("tcp", "127.0.0.1", Workload{Messages: 3, Size: 90, Interval: time.Hour})},
		{"udp, sender floods", loopback("udp", "127.0.0.1", Workload{Messages: 1e7, Size: 1, Interval: 0})},
		{"tcp, sender floods", loopback("tcp-nodelay", "127.0.0.1", Workload{Messages: 1e7, Size: 90, Interval: 0})},
		{"tls, sender floods", loopback("tls", "127.0.0.1", Workload{Messages: 1e7, Size: 90})},
		{"quic-stream, sender sleeps", loopback("quic-stream", "127.0.0.1", Workload{Messages: 3, Size: 90, Interval: time.Hour})},
		{"quic-stream, sender floods", loopback("quic-stream", "127.0.0.1", Workload{Messages: 1e7, Size: 90})},
		{"quic-datagram, sender floods", loopback("quic-datagram", "127.0.0.1", Workload{Messages: 1e7, Size: 90})},
		{"tcp-cork, sender floods", loopback("tcp-cork", "127.0.0.1", Workload{Messages: 1e7, Size: 1 << 16, Interval: 0})},
	} {
		t.Run(tt.name, func(t *testing.T) {
			defer leaveNothing(t)()
			ctx, cancel := context.WithCancelCause(t.Context())
			time.AfterFunc(30*time.Millisecond, func() { cancel(cause) })
			if _, err := Run(ctx, tt.c); !errors.Is(err, cause) {
				t.Errorf("got %v, want %v", err, cause)
			}
		})
	}
}

func TestInterruptedBeforeTheStart(t *testing.T) {
	defer leaveNothing(t)()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, transport := range everywhere() {
		if _, err := Run(ctx, loopback(transport, "127.0.0.1", Workload{Messages: 16, Size: 90, Interval: 0})); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: got %v, want %v", transport, err, context.Canceled)
		}
	}
}

// A connection that is never accepted fills the listener's queue, so that the handshake of the next ones does not end.
func TestInterruptedInConnect(t *testing.T) {
	defer leaveNothing(t)()
	var s sockets
	ctx, cancel := context.WithCancel(t.Context())
	defer s.watch(ctx)()
	local := Host{Addr: netip.MustParseAddr("127.0.0.1")}
	tcp := func() int {
		fd, err := s.open(local, unix.SOCK_STREAM, 0, func(int) error { return nil })
		if err != nil {
			t.Fatal(err)
		}
		return fd
	}
	listener := tcp()
	if err := unix.Listen(listener, 0); err != nil {
		t.Fatal(err)
	}
	p, err := port(listener)
	if err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(50*time.Millisecond, cancel)
	for range 10 {
		if err := connect(tcp(), netip.AddrPortFrom(local.Addr, p)); err != nil {
			return
		}
	}
	t.Error("ten connections in a queue for one")
}

func TestRunLeavesNothing(t *testing.T) {
	defer leaveNothing(t)()
	for range 20 {
		for _, transport := range everywhere() {
			if _, err := Run(t.Context(), loopback(transport, "127.0.0.1", Workload{Messages: 4, Size: 90, Interval: 0})); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// leaveNothing compares the file descriptors and goroutines before and after.
func leaveNothing(t *testing.T) func() {
	count := func() (int, int) {
		fds, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		return len(fds), runtime.NumGoroutine()
	}
	fds, goroutines := count()
	return func() {
		var f, g int
		for range 200 { // a goroutine that has reported is still ending
			if f, g = count(); f <= fds && g <= goroutines {
				return
			}
			time.Sleep(time.Millisecond)
		}
		t.Errorf("%d file descriptors and %d goroutines, before %d and %d", f, g, fds, goroutines)
	}
}

func BenchmarkRun(b *testing.B) {
	for _, transport := range everywhere() {
		b.Run(transport+" 18 B", func(b *testing.B) {
			b.ReportAllocs()
			o, err := Run(b.Context(), loopback(transport, "127.0.0.1", Workload{Messages: b.N, Size: 18}))
			if err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(o.MessagesDelivered)/b.Elapsed().Seconds(), "messages/s")
			b.ReportMetric(float64(o.ReceiverOverflow), "overflow")
		})
	}
}

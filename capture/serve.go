package capture

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"net/netip"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"wiretax/capture/nic"
	"wiretax/capture/peer"
	"wiretax/capture/recording"
	"wiretax/capture/traffic"
)

// Server is the far end of experiments between two hosts. It sends test traffic to the address of the control connection alone,
// which has proved that it has the key, and takes none from elsewhere.
type Server struct {
	Place
	Key     *peer.Key
	Port    uint16 // of test traffic; the control connection's listener is Serve's
	Limits  Limits
	Version string // of the program
	Log     func(line string)
	Once    bool // end after the first session

	vantage *vantage
}

// Listen opens the captures and the control connection's listener on the server's interface: nobody reaches it by another one.
// Without a host the address is all of IPv6 and IPv4. No privileges are needed afterwards.
func (s *Server) Listen(ctx context.Context, address string) (l net.Listener, err error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", address, err)
	}
	err = s.within(func() error {
		if host != "" {
			l, err = s.listener().Listen(ctx, "tcp", address)
			return err
		}
		if l, err = s.listener().Listen(ctx, "tcp6", address); err != nil { // a kernel without IPv6
			l, err = s.listener().Listen(ctx, "tcp4", address)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("listen on %s of %s: %w", address, s.Interface, plainError(err))
	}
	if s.vantage, err = s.open(); err != nil {
		l.Close()
		return nil, err
	}
	if s.Port, err = testPort(s.Port, l.Addr().(*net.TCPAddr).Port); err != nil {
		s.vantage.close()
		l.Close()
		return nil, fmt.Errorf("listen on %s: %w", address, err)
	}
	return l, nil
}

// testPort is the port of test traffic: the one asked for, or that after the control connection's.
func testPort(asked uint16, control int) (uint16, error) {
	switch {
	case asked == 0 && control == math.MaxUint16:
		return 0, fmt.Errorf("no port follows %d: want --test-port", control)
	case asked == 0:
		return uint16(control + 1), nil
	case int(asked) == control: // whose frames would be counted with the messages'
		return 0, fmt.Errorf("port %d is the control connection's: want another --test-port", asked)
	}
	return asked, nil
}

func (s *Server) listener() *net.ListenConfig {
	c := &net.ListenConfig{Control: func(network, address string, raw syscall.RawConn) error {
		var failed error
		err := raw.Control(func(fd uintptr) {
			failed = unix.BindToDevice(int(fd), s.Interface)
			if host, _, _ := net.SplitHostPort(address); network == "tcp6" && host == "" { // IPv4 too (ipv6(7))
				failed = cmp.Or(failed, unix.SetsockoptInt(int(fd), unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, 0))
			}
		})
		return cmp.Or(err, failed)
	}}
	c.SetMultipathTCP(false)
	return c
}

// plainError is what the system says, without the call and the address that the caller names anyway.
func plainError(err error) error {
	var errno syscall.Errno
	if errors.As(err, &errno) {
		return errno
	}
	return err
}

// Serve takes sessions from Listen's listener, one at a time, until ctx ends. A session under way is ended and cleaned up first.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	defer s.vantage.close()
	p := peer.Server{Key: s.Key, Program: s.Version, Once: s.Once, Log: s.Log, Session: s.session}
	return p.Serve(ctx, l)
}

// idleLimit is how long a client may be silent between two trials.
const idleLimit = 2 * time.Minute

func (s *Server) session(ctx context.Context, conn *peer.Conn) error {
	ctx, cancel := context.WithTimeoutCause(ctx, s.Limits.Duration, fmt.Errorf("the session is longer than the %v that this server allows", s.Limits.Duration))
	defer cancel()
	var begin struct{}
	if err := conn.Receive(ctx, kindBegin, &begin); err != nil {
		return err
	}
	own, far := addresses(conn)
	v := s.vantage
	if err := v.aim(own, far, s.Port); err != nil {
		return err
	}
	defer v.rest()
	e := farEnd{Server: s, vantage: v, conn: conn, far: far}
	i := interfaceFacts{Name: s.Interface}
	_ = s.within(func() error { i.Driver = nic.Driver(s.Interface); return nil })
	err := conn.Send(kindReady, ready{
		Host: thisHost(), Interface: i, MTU: v.mtu, Port: s.Port, Offloads: v.offloads, Hides: v.hides(), Limits: s.Limits,
	})
	if err != nil {
		return err
	}
	for err == nil {
		err = e.next(ctx)
	}
	if err == errDone {
		return nil
	}
	return err
}

func ipOf(a netip.Addr) int {
	if a.Is4() {
		return 4
	}
	return 6
}

// addresses are those of the control connection's ends: the test traffic's too.
func addresses(conn *peer.Conn) (own, far netip.Addr) {
	return conn.LocalAddr().AddrPort().Addr().Unmap(), conn.RemoteAddr().AddrPort().Addr().Unmap()
}

// farEnd is the server's side of a session.
type farEnd struct {
	*Server
	*vantage
	conn     *peer.Conn
	far      netip.Addr
	schedule *traffic.Schedule // that the client told last
}

// errDone says that the client has closed the connection between two trials: it has what it wants.
var errDone = errors.New("done")

// next does what the client asks for next.
func (e *farEnd) next(ctx context.Context) error {
	waiting, cancel := context.WithTimeoutCause(ctx, idleLimit, fmt.Errorf("silent for %v", idleLimit))
	kind, read, err := e.conn.Next(waiting)
	cancel()
	switch {
	case errors.Is(err, peer.ErrGone):
		return errDone
	case err != nil:
		return err
	case kind == peer.AskClock:
		return e.conn.TellClocks()
	case kind == kindSchedule:
		e.schedule, err = e.hearSchedule(ctx, read)
		return err
	case kind != kindTrial:
		return fmt.Errorf("unexpected message %q", kind)
	}
	var r request
	if err := read(&r); err != nil {
		return err
	}
	return e.trial(ctx, r)
}

// trial is the receiver's part of a trial.
func (e *farEnd) trial(ctx context.Context, r request) error {
	w, err := r.Workload.workload(e.schedule)
	if err != nil {
		return err
	}
	if err := e.Limits.allow(w, r, ipOf(e.own)); err != nil {
		return err
	}
	base, err := e.begin()
	if err != nil {
		return err
	}
	ctx, cancel := e.untilFull(ctx)
	defer cancel(nil)
	half, err := traffic.Receive(ctx, traffic.Config{
		Workload: w, Transport: r.Transport, MTU: r.MTU, CongestionControl: r.CongestionControl, Port: e.Port,
		From: traffic.Host{Addr: e.far}, To: traffic.Host{Addr: e.own, Within: e.vantage.Within},
		Arrived:     func(ctx context.Context) error { return e.settled(ctx, e.conn, r.Rounds) },
		Room:        pace(ctx, e.Limits.Rate, e.mtu),
		AnswerLimit: r.AnswerLimit,
	}, meeting(e.conn))
	if err != nil {
		return e.blame(err)
	}
	times, handovers := half.Times, half.Outcome.Handovers
	half.Times = nil
	if err := e.conn.Send(kindHalf, half); err != nil {
		return err
	}
	if err := sendTimes(e.conn, times); err != nil {
		return err
	}
	if err := e.settled(ctx, e.conn, r.Rounds); err != nil {
		return err
	}
	return e.report(base, handovers, r.Trial)
}

// blame prefers the end of the connection to what followed from it: the sockets of a client that ends may close first.
func (e *farEnd) blame(err error) error {
	select {
	case <-e.conn.Context().Done():
		return context.Cause(e.conn.Context())
	case <-time.After(lastWords):
		return err
	}
}

// lastWords is how long those of a client may take behind the end of its sockets.
const lastWords = 100 * time.Millisecond

// report tells what this end saw, and where frames are asked for, sends them.
func (e *farEnd) report(base stand, handovers []traffic.Handovers, frames bool) error {
	s, err := e.since(base, counterPatience)
	if err != nil {
		return err
	}
	var sent, arrived []recording.Record
	if frames {
		if sent, arrived, err = e.frames(); err != nil {
			return err
		}
		s.Residence = e.residence(handovers, nil, arrived).Receiver
	}
	if err := e.conn.Send(kindSighting, s); err != nil {
		return err
	}
	if err := sendRecords(e.conn, kindSent, sent); err != nil {
		return err
	}
	if err := sendRecords(e.conn, kindArrived, arrived); err != nil {
		return err
	}
	return e.conn.Send(kindEnd, []byte{})
}

// counterPatience is how long an interface's counters may take to agree with the capture.
const counterPatience = 100 * time.Millisecond

// maxRounds is more than settled needs on any link.
const maxRounds = 10_000

// allow reports what of a trial is beyond the limits.
func (l Limits) allow(w traffic.Workload, r request, ip int) error {
	if err := w.Check(r.Transport, ip); err != nil { // before anything is made for its messages
		return err
	}
	span := time.Duration(w.Messages) * w.Interval
	if w.Schedule != nil {
		span = time.Duration(w.Schedule.Due[w.Messages-1])
	}
	switch n := max(w.Plan().Octets(), w.Buffers()); {
	case n > l.Bytes:
		return fmt.Errorf("a trial of %d bytes is larger than the %d that this server allows (serve --max-bytes)", n, l.Bytes)
	case span > 0 && w.MeanSize()*8*float64(w.Messages)/span.Seconds() > float64(l.Rate) && l.Rate > 0:
		return fmt.Errorf("%v: more than the %d bit/s that this server allows (serve --max-rate)", w, l.Rate)
	case span > l.Duration:
		return fmt.Errorf("%v: longer than the %v that this server allows (serve --max-duration)", w, l.Duration)
	case r.Rounds < 1 || r.Rounds > maxRounds || r.AnswerLimit < 0 || r.AnswerLimit > time.Hour:
		return fmt.Errorf("%d rounds, answers within %v", r.Rounds, r.AnswerLimit)
	}
	return nil
}

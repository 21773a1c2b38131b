package peer

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"time"
)

// Server accepts sessions, one at a time.
type Server struct {
	Key     *Key
	Program string // version, for messages
	// Session serves a client until it is done; conn's context ends with the connection. Its error is told to the client.
	Session func(ctx context.Context, conn *Conn) error
	Once    bool // end after the first session
	// Log is told in words what happened, a line at a time.
	Log func(line string)

	end     context.CancelFunc
	session chan struct{} // holds one while there is a session
	mu      sync.Mutex
	pending []net.Conn // not yet known to have the key, oldest first
	client  string     // of the session
	refused refusals
}

// maxPending is how many connections may be without proof of the key at once: about 100 kB each. The oldest makes room for
// another, so that strangers who say nothing keep nobody out.
const maxPending = 64

// Serve serves the listener until the context ends, and returns when the session under way has ended.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	config, err := s.Key.tls(s.Key.server, s.Key.client)
	if err != nil {
		return err
	}
	ctx, s.end = context.WithCancel(ctx)
	defer s.end()
	s.session = make(chan struct{}, 1)
	var connections sync.WaitGroup
	defer connections.Wait()
	defer context.AfterFunc(ctx, func() { l.Close() })()
	for {
		conn, err := l.Accept()
		switch {
		case ctx.Err() != nil:
			if err == nil {
				conn.Close()
			}
			s.closePending()
			return nil
		case errors.Is(err, net.ErrClosed):
			return fmt.Errorf("accept connection: %w", err)
		case err != nil: // no descriptors left, for instance: it passes
			s.Log(fmt.Sprintf("accept connection: %v", err))
			time.Sleep(100 * time.Millisecond)
			continue
		}
		s.admit(conn)
		connections.Go(func() { s.handle(ctx, conn, config) })
	}
}

func (s *Server) admit(conn net.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.pending) == maxPending {
		s.pending[0].Close()
		s.pending = s.pending[1:]
	}
	s.pending = append(s.pending, conn)
}

// settle takes a connection from those that have proved nothing.
func (s *Server) settle(conn net.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if i := slices.Index(s.pending, conn); i >= 0 {
		s.pending = slices.Delete(s.pending, i, i+1)
	}
}

func (s *Server) closePending() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, conn := range s.pending {
		conn.Close()
	}
}

// handle makes a session of a connection, if it may be one.
func (s *Server) handle(ctx context.Context, raw net.Conn, config *tls.Config) {
	defer raw.Close()
	conn := tls.Server(raw, config)
	r, err := s.greet(ctx, conn)
	s.settle(raw)
	if err != nil {
		if line := s.refused.note(raw.RemoteAddr(), err); line != "" {
			s.Log(line)
		}
		return
	}
	if tcp, ok := raw.(*net.TCPConn); ok {
		_ = noticeVanishing(tcp)
	}
	select {
	case s.session <- struct{}{}:
		defer func() { <-s.session }()
	default:
		s.mu.Lock()
		err := fmt.Errorf("busy: a session of %s is under way", s.client)
		s.mu.Unlock()
		_ = writeMessage(conn, busy, []byte(err.Error()))
		_ = conn.CloseWrite()
		s.Log(fmt.Sprintf("refused %v: busy", raw.RemoteAddr()))
		return
	}
	s.mu.Lock()
	s.client = raw.RemoteAddr().String()
	s.mu.Unlock()
	if sendHello(conn, s.Program) != nil || conn.SetDeadline(time.Time{}) != nil {
		return
	}
	s.serve(ctx, newConn(ctx, conn, r, stopped))
	if s.Once {
		s.end()
	}
}

// stopped is what a client is told when the server ends.
const stopped = "the server was stopped"

func (s *Server) serve(ctx context.Context, c *Conn) {
	name := c.RemoteAddr().String()
	s.Log("session of " + name)
	err := s.Session(c.Context(), c)
	switch {
	case err == nil:
		c.Close()
		s.Log("session of " + name + " ended")
		return
	case ctx.Err() != nil:
		err = errors.New(stopped)
	default:
		c.Fail(err)
	}
	s.Log(fmt.Sprintf("session of %s ended: %v", name, err))
}

// greet finds out whether the other end has the key and speaks our protocol.
func (s *Server) greet(ctx context.Context, conn *tls.Conn) (*bufio.Reader, error) {
	ctx, cancel := context.WithTimeout(ctx, greetingLimit)
	defer cancel()
	if err := conn.SetDeadline(time.Now().Add(greetingLimit)); err != nil {
		return nil, err
	}
	if err := conn.HandshakeContext(ctx); err != nil {
		return nil, err
	}
	r := bufio.NewReader(conn)
	m, err := readMessage(r, maxGreeting)
	if err != nil {
		return nil, err
	}
	if err := m.compatible(); err != nil {
		_ = writeMessage(conn, failure, []byte(err.Error()))
		_ = conn.CloseWrite()
		return nil, err
	}
	return r, nil
}

// refusals keep the log readable when strangers knock.
type refusals struct {
	mu   sync.Mutex
	n    int
	next time.Time
}

const refusalsEvery = 10 * time.Second

// note returns what to log: nothing where the last line was a moment ago.
func (r *refusals) note(from net.Addr, err error) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.n++
	now := time.Now()
	if now.Before(r.next) {
		return ""
	}
	line := fmt.Sprintf("refused %v: %s", from, oneLine([]byte(err.Error())))
	if r.n > 1 {
		line += fmt.Sprintf(" (and %d others before)", r.n-1)
	}
	r.n, r.next = 0, now.Add(refusalsEvery)
	return line
}

package traffic

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"sync/atomic"
	"time"

	"github.com/quic-go/quic-go"
	"golang.org/x/net/ipv4"
	"golang.org/x/sys/unix"
)

// quic sends the messages over QUIC connections of its own: on one stream, or in datagrams (RFC 9221). The library's defaults
// hold, path MTU discovery among them (RFC 8899); keep-alives are off.
func (r *run) quic(ctx context.Context) (err error) {
	// The library sets socket buffers and writes to standard error where it gets less than it asked for.
	_ = os.Setenv("QUIC_GO_DISABLE_RECEIVE_BUFFER_WARNING", "true")
	config := &quic.Config{EnableDatagrams: r.via.datagrams}
	if room := unfragmented(r.MTU, r.ip); room < quicPacket {
		config.InitialPacketSize = uint16(max(room, 1200)) // RFC 9000 section 14: no path carries less
	}
	var clients []*quic.Transport
	from, err := r.openSenders(unix.SOCK_DGRAM, unix.IPPROTO_UDP, func(int) error { return nil })
	if err != nil {
		return fmt.Errorf("sender: %w", err)
	}
	for i, fd := range from {
		client, err := quicTransport(fd, r.answerReads(i), &r.connections[i].calls.send)
		if err != nil {
			return fmt.Errorf("sender: %w", err)
		}
		defer closeTransport(client)
		clients = append(clients, client)
	}
	if err := r.offer(ctx); err != nil {
		return err
	}
	var listener *quic.Listener
	if r.here.receives() {
		var server *quic.Transport
		if server, listener, err = r.listenQUIC(config); err != nil {
			return fmt.Errorf("receiver: %w", err)
		}
		defer closeTransport(server)
	}
	if err := r.answer(ctx); err != nil {
		return err
	}
	if r.here.sends() {
		if err := r.trust(quicProtocol); err != nil {
			return fmt.Errorf("sender: %w", err)
		}
	}
	var sending, receiving []<-chan error
	for i, client := range clients {
		sending = append(sending, r.end("sender", func() error {
			return r.connections[i].sendQUIC(ctx, client, config, from[i])
		}))
	}
	// A receiver that learns nothing of the close, its frame being lost, is told by ending.
	ending, end := context.WithCancel(ctx)
	defer end()
	if r.here.receives() {
		receiving = append(receiving, r.end("receiver", func() error { return r.acceptQUIC(ending, listener) }))
	}
	err = cmp.Or(wait(sending), r.tellReceived(ctx))
	if err == nil {
		err = r.arrived(ctx)
	}
	defer time.AfterFunc(quicCloseGrace, end).Stop()
	if e := wait(receiving); err == nil {
		err = e
	}
	if err == nil {
		err = r.arrived(ctx)
	}
	return err
}

// quicProtocol is the protocol that the ends of a connection agree on (RFC 7301).
const quicProtocol = "wiretax"

// listenQUIC opens the receiver's socket, and the transport of all connections on it.
func (r *run) listenQUIC(config *quic.Config) (*quic.Transport, *quic.Listener, error) {
	if err := r.identify(quicProtocol); err != nil {
		return nil, nil, err
	}
	to, err := r.openReceiver(unix.SOCK_DGRAM, unix.IPPROTO_UDP, func(int) error { return nil })
	if err != nil {
		return nil, nil, err
	}
	server, err := quicTransport(to, &r.connections[0].calls.recv, r.answerCalls(0))
	if err != nil {
		return nil, nil, err
	}
	listener, err := server.Listen(r.tls.server, config)
	if err == nil {
		err = r.readReceiverOptions(r.connections[0], to) // the library has set them
	}
	if err != nil {
		closeTransport(server)
		return nil, nil, fmt.Errorf("listen: %w", err)
	}
	return server, listener, nil
}

// quicPacket is the UDP payload of quic-go's first packets in octets.
const quicPacket = 1280

// quicQueue is how many datagrams quic-go keeps for an application that is yet to read them. It drops what is more.
const quicQueue = 128

// quicCloseGrace is how long a receiver takes at most to act on the close that has arrived in its socket.
const quicCloseGrace = 250 * time.Millisecond

// answerCalls and answerReads count the calls of the opposite direction, which carry answers or nothing of interest.
func (r *run) answerCalls(i int) *atomic.Int64 {
	if r.connections[i].answers == nil {
		return new(atomic.Int64)
	}
	return &r.connections[i].calls.send
}

func (r *run) answerReads(i int) *atomic.Int64 {
	if r.connections[i].answers == nil {
		return new(atomic.Int64)
	}
	return &r.connections[i].calls.recv
}

// meteredConn is a UDP socket whose system calls are counted. Its methods are those that quic-go prefers.
type meteredConn struct {
	*net.UDPConn
	batch       *ipv4.PacketConn
	reads, sent *atomic.Int64
}

// ReadBatch reads with recvmmsg(2).
func (m *meteredConn) ReadBatch(messages []ipv4.Message, flags int) (int, error) {
	n, err := m.batch.ReadBatch(messages, flags)
	if err == nil {
		m.reads.Add(1)
	}
	return n, err
}

// WriteMsgUDP writes with sendmsg(2), several packets at once where the kernel divides them (UDP_SEGMENT).
func (m *meteredConn) WriteMsgUDP(b, oob []byte, addr *net.UDPAddr) (n, oobn int, err error) {
	m.sent.Add(1)
	return m.UDPConn.WriteMsgUDP(b, oob, addr)
}

// quicTransport is the library's transport on a socket.
func quicTransport(fd int, reads, sent *atomic.Int64) (*quic.Transport, error) {
	copied, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("duplicate socket: %w", err)
	}
	file := os.NewFile(uintptr(copied), "udp")
	defer file.Close()
	conn, err := net.FilePacketConn(file)
	if err != nil {
		return nil, fmt.Errorf("use socket: %w", err)
	}
	udp := conn.(*net.UDPConn)
	return &quic.Transport{Conn: &meteredConn{udp, ipv4.NewPacketConn(udp), reads, sent}}, nil
}

func closeTransport(t *quic.Transport) {
	_ = t.Close()
	_ = t.Conn.Close()
}

// sendQUIC is the sending end of a connection.
func (c *connection) sendQUIC(ctx context.Context, t *quic.Transport, config *quic.Config, from int) error {
	hangup, err := c.sockets.hangup()
	if err != nil {
		return err
	}
	conn, err := t.Dial(ctx, net.UDPAddrFromAddrPort(netip.AddrPortFrom(c.To.Addr, c.out.Port)), c.tls.client, config)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer conn.CloseWithError(0, "")
	if err := c.readQUICOptions(conn, from); err != nil {
		return err
	}
	ends, err := c.openQUIC(ctx, conn)
	if err != nil {
		return err
	}
	var collected []<-chan error
	if c.answers != nil {
		collected = append(collected, c.end("sender", func() error { return c.collect(ends.in) }))
	}
	if err := c.send(ctx, ends.out, hangup); err != nil {
		return err
	}
	c.linger(hangup)
	if err := ends.close(); err != nil {
		return err
	}
	received := c.quicReceived
	if !c.here.receives() {
		received = c.farReceived
	}
	if err := received(ctx); err != nil {
		return err
	}
	if !c.via.datagrams { // a stream of answers has an end of its own; datagrams end with the connection
		if err := wait(collected); err != nil {
			return err
		}
		collected = nil
	}
	if err := conn.CloseWithError(0, ""); err != nil {
		return fmt.Errorf("close: %w", err)
	}
	return wait(collected)
}

// quicReceived waits until the receiver has read everything. Datagrams may be lost: when none has been read for as long as an
// answer may take, no more will be.
func (c *connection) quicReceived(ctx context.Context) error {
	var lost <-chan time.Time
	for before := int64(-1); ; {
		if n := c.progress.Load(); c.via.datagrams && n != before {
			before, lost = n, time.After(c.answerLimit())
		}
		select {
		case <-c.received:
			return nil
		case <-lost:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(time.Millisecond):
		}
	}
}

// quicEnds are what messages are written to and answers are read from, or the other way round.
type quicEnds struct {
	out   outlet
	in    io.Reader
	close func() error // no more follows
}

// openQUIC opens the stream of a connection: a unidirectional one where there are no answers.
func (c *connection) openQUIC(ctx context.Context, conn *quic.Conn) (quicEnds, error) {
	if c.via.datagrams {
		return c.quicDatagrams(ctx, conn), nil
	}
	if c.answers == nil {
		s, err := conn.OpenUniStreamSync(ctx)
		if err != nil {
			return quicEnds{}, fmt.Errorf("open stream: %w", err)
		}
		return quicEnds{direct{s}, nil, s.Close}, nil
	}
	s, err := conn.OpenStreamSync(ctx)
	if err != nil {
		return quicEnds{}, fmt.Errorf("open stream: %w", err)
	}
	return quicEnds{direct{s}, s, s.Close}, nil
}

func (c *connection) acceptStream(ctx context.Context, conn *quic.Conn) (quicEnds, error) {
	if c.via.datagrams {
		return c.quicDatagrams(ctx, conn), nil
	}
	if c.answers == nil {
		s, err := conn.AcceptUniStream(ctx)
		if err != nil {
			return quicEnds{}, fmt.Errorf("accept stream: %w", err)
		}
		return quicEnds{nil, s, func() error { return nil }}, nil
	}
	s, err := conn.AcceptStream(ctx)
	if err != nil {
		return quicEnds{}, fmt.Errorf("accept stream: %w", err)
	}
	return quicEnds{direct{s}, s, s.Close}, nil
}

func (c *connection) quicDatagrams(ctx context.Context, conn *quic.Conn) quicEnds {
	return quicEnds{quicOutlet{conn}, &quicInlet{ctx, conn}, func() error { return nil }}
}

// quicOutlet hands over every message in a datagram of its own; the library may put several into one packet.
type quicOutlet struct{ conn *quic.Conn }

func (q quicOutlet) put(b []byte, _ bool) error {
	if err := q.conn.SendDatagram(b); err != nil {
		return fmt.Errorf("send datagram: %w", err)
	}
	return nil
}
func (quicOutlet) flush() error { return nil }
func (quicOutlet) holds() bool  { return false }

// quicInlet reads datagrams until the connection ends.
type quicInlet struct {
	ctx  context.Context
	conn *quic.Conn
}

func (q *quicInlet) Read(b []byte) (int, error) {
	d, err := q.conn.ReceiveDatagram(q.ctx)
	var closed *quic.ApplicationError
	switch {
	case errors.As(err, &closed) && closed.ErrorCode == 0, errors.Is(err, context.Canceled):
		return 0, io.EOF
	case err != nil:
		return 0, fmt.Errorf("receive datagram: %w", err)
	}
	return copy(b, d), nil
}

// acceptQUIC receives each connection on a thread of its own.
func (r *run) acceptQUIC(ending context.Context, l *quic.Listener) error {
	var ends []<-chan error
	for range r.connections {
		conn, err := l.Accept(ending)
		if err != nil {
			return errors.Join(fmt.Errorf("accept: %w", err), wait(ends))
		}
		c := r.from(uint16(conn.RemoteAddr().(*net.UDPAddr).Port))
		if c == nil {
			return errors.Join(fmt.Errorf("accept: connection from unknown port %v", conn.RemoteAddr()), wait(ends))
		}
		ends = append(ends, r.end("receiver", func() error { return c.receiveQUIC(ending, conn) }))
	}
	return wait(ends)
}

// receiveQUIC is the receiving end of a connection. It leaves the close to the sender.
func (c *connection) receiveQUIC(ending context.Context, conn *quic.Conn) error {
	defer conn.CloseWithError(0, "")
	ends, err := c.acceptStream(ending, conn)
	if err != nil {
		return err
	}
	if err := c.serve(ends.in, ends.out); err != nil {
		return err
	}
	if err := ends.close(); err != nil {
		return err
	}
	c.allReceived()
	select {
	case <-conn.Context().Done():
	case <-ending.Done():
	}
	return nil
}

// readQUICOptions reads what the library set and negotiated.
func (c *connection) readQUICOptions(conn *quic.Conn, from int) error {
	if err := c.readUDPOptions(c, from); err != nil {
		return err
	}
	state := conn.ConnectionState()
	if c.via.datagrams {
		c.note(c, map[string]any{"quic_datagram_queue": quicQueue})
	}
	c.note(c, map[string]any{
		"quic_version": state.Version.String(), "quic_gso": state.GSO, "quic_datagrams": c.via.datagrams,
		"tls_cipher_suite": tls.CipherSuiteName(state.TLS.CipherSuite), "tls_key_exchange": state.TLS.CurveID.String(),
		"tls_certificate_bytes": len(c.terms.Certificate),
	})
	return nil
}

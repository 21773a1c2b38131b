package traffic

import (
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
	if r.tls.client, r.tls.server, r.tls.certificateBytes, err = credentials("wiretax"); err != nil {
		return err
	}
	config := &quic.Config{EnableDatagrams: r.via.datagrams}
	if room := unfragmented(r.MTU, r.ip); room < quicPacket {
		config.InitialPacketSize = uint16(max(room, 1200)) // RFC 9000 section 14: no path carries less
	}

	server, to, err := r.quicEnd(r.To, &r.connections[0].calls.recv, r.answerCalls(0))
	if err != nil {
		return fmt.Errorf("receiver: %w", err)
	}
	defer closeTransport(server)
	if r.out.Port, err = port(to); err != nil {
		return fmt.Errorf("receiver: %w", err)
	}
	listener, err := server.Listen(r.tls.server, config)
	if err != nil {
		return fmt.Errorf("receiver: listen: %w", err)
	}

	clients, of, err := r.quicClients()
	for _, client := range clients {
		defer closeTransport(client.Transport)
	}
	if err != nil {
		return fmt.Errorf("sender: %w", err)
	}
	var sending []<-chan error
	for i, c := range r.connections {
		sending = append(sending, r.end("sender", func() error {
			return c.sendQUIC(ctx, clients[i].Transport, config, clients[i].fd, to)
		}))
	}
	// A receiver that learns nothing of the close, its frame being lost, is told by ending.
	ending, end := context.WithCancel(ctx)
	defer end()
	receiving := r.end("receiver", func() error { return r.acceptQUIC(ending, listener, of) })

	err = wait(sending)
	if err == nil {
		err = r.arrived(ctx)
	}
	defer time.AfterFunc(quicCloseGrace, end).Stop()
	if e := <-receiving; err == nil {
		err = e
	}
	if err == nil {
		err = r.arrived(ctx)
	}
	return err
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

// quicClient is a sender's QUIC transport and the socket below it.
type quicClient struct {
	*quic.Transport
	fd int
}

// quicClients opens the senders' ends of all connections; of tells the connections by the senders' ports. Those that were
// opened before an error are returned too.
func (r *run) quicClients() (clients []quicClient, of map[uint16]*connection, err error) {
	of = make(map[uint16]*connection)
	for i, c := range r.connections {
		transport, fd, err := r.quicEnd(r.From, r.answerReads(i), &c.calls.send)
		if err != nil {
			return clients, nil, err
		}
		clients = append(clients, quicClient{transport, fd})
		source, err := port(fd)
		if err != nil {
			return clients, nil, err
		}
		of[source] = c
	}
	return clients, of, nil
}

// quicEnd opens a socket and the QUIC transport on it.
func (r *run) quicEnd(h Host, reads, sent *atomic.Int64) (*quic.Transport, int, error) {
	fd, err := r.sockets.open(h, unix.SOCK_DGRAM, unix.IPPROTO_UDP, func(int) error { return nil })
	if err != nil {
		return nil, 0, err
	}
	copied, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, 0, fmt.Errorf("duplicate socket: %w", err)
	}
	file := os.NewFile(uintptr(copied), "udp")
	defer file.Close()
	conn, err := net.FilePacketConn(file)
	if err != nil {
		return nil, 0, fmt.Errorf("use socket: %w", err)
	}
	udp := conn.(*net.UDPConn)
	return &quic.Transport{Conn: &meteredConn{udp, ipv4.NewPacketConn(udp), reads, sent}}, fd, nil
}

func closeTransport(t *quic.Transport) {
	_ = t.Close()
	_ = t.Conn.Close()
}

// sendQUIC is the sending end of a connection.
func (c *connection) sendQUIC(ctx context.Context, t *quic.Transport, config *quic.Config, from, to int) error {
	hangup, err := c.sockets.hangup()
	if err != nil {
		return err
	}
	conn, err := t.Dial(ctx, net.UDPAddrFromAddrPort(netip.AddrPortFrom(c.To.Addr, c.out.Port)), c.tls.client, config)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer conn.CloseWithError(0, "")
	if err := c.readQUICOptions(conn, from, to); err != nil {
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
	if err := c.quicReceived(ctx); err != nil {
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
func (r *run) acceptQUIC(ending context.Context, l *quic.Listener, of map[uint16]*connection) error {
	var ends []<-chan error
	for range of {
		conn, err := l.Accept(ending)
		if err != nil {
			return errors.Join(fmt.Errorf("accept: %w", err), wait(ends))
		}
		c, known := of[uint16(conn.RemoteAddr().(*net.UDPAddr).Port)]
		if !known {
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
func (c *connection) readQUICOptions(conn *quic.Conn, from, to int) error {
	if err := c.readUDPOptions(c, from, to); err != nil {
		return err
	}
	state := conn.ConnectionState()
	if c.via.datagrams {
		c.note(c, map[string]any{"quic_datagram_queue": quicQueue})
	}
	c.note(c, map[string]any{
		"quic_version": state.Version.String(), "quic_gso": state.GSO, "quic_datagrams": c.via.datagrams,
		"tls_cipher_suite": tls.CipherSuiteName(state.TLS.CipherSuite), "tls_key_exchange": state.TLS.CurveID.String(),
		"tls_certificate_bytes": c.tls.certificateBytes,
	})
	return nil
}

// Package peer connects the two ends of an experiment between hosts: TLS 1.3 whose keys both derive from a shared secret,
// messages of bounded size, one session at a time, and the comparison of the hosts' clocks.
package peer

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"syscall"
	"time"
	"unicode"
)

// MaxMessage is the size of the largest message in octets, header included.
const MaxMessage = 1 << 20

const (
	// writeLimit is how long the other end may leave a message unread.
	writeLimit = 30 * time.Second
	// ahead is how many messages are read before somebody asks for them, so that a failure behind them is noticed.
	ahead = 8
)

// Conn carries messages between two ends that have proved who they are.
type Conn struct {
	tls    *tls.Conn
	in     chan message
	ctx    context.Context // ends with the connection, its cause says why
	cancel context.CancelCauseFunc
	sendMu sync.Mutex
}

type message struct {
	kind string
	body []byte
}

// failure is the kind of message that says why an end gives up. It is the last one of its sender.
const failure = "failure"

// busy is a failure that passes.
const busy = "busy"

// RemoteError is what the other end says went wrong there.
type RemoteError struct {
	Text string
	Busy bool // it serves somebody else
}

func (e *RemoteError) Error() string { return e.Text }

// ErrGone says that the other end has closed the connection without a word.
var ErrGone = errors.New("the other host is gone")

// newConn reads messages until the connection ends. The handshake must be complete. When ctx ends, the other end is told so in
// these words.
func newConn(ctx context.Context, conn *tls.Conn, r *bufio.Reader, farewell string) *Conn {
	c := &Conn{tls: conn, in: make(chan message, ahead)}
	c.ctx, c.cancel = context.WithCancelCause(context.WithoutCancel(ctx))
	go c.read(r)
	stop := context.AfterFunc(ctx, func() {
		c.tell(farewell)
		c.end(context.Cause(ctx))
	})
	context.AfterFunc(c.ctx, func() { stop() })
	context.AfterFunc(c.ctx, func() { conn.NetConn().Close() }) // whatever is blocked on it
	return c
}

func (c *Conn) read(r *bufio.Reader) {
	var errno syscall.Errno
	for {
		m, err := readMessage(r, MaxMessage)
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed):
			err = ErrGone
		case errors.As(err, &errno): // without addresses that whoever tells of it names anyway
			err = fmt.Errorf("%w: %w", ErrGone, errno)
		case err != nil:
			err = fmt.Errorf("%w: %w", ErrGone, err)
		case m.kind == failure:
			err = &RemoteError{Text: oneLine(m.body)}
		}
		if err != nil {
			c.cancel(err)
			return
		}
		select {
		case c.in <- m:
		case <-c.ctx.Done():
			return
		}
	}
}

// oneLine makes what a stranger wrote fit for an error.
func oneLine(b []byte) string {
	const most = 1000
	text := strings.Map(func(r rune) rune {
		if unicode.IsGraphic(r) {
			return r
		}
		return ' '
	}, string(b[:min(len(b), most)]))
	return strings.ToValidUTF8(text, "?")
}

// Context ends with the connection; its cause is why.
func (c *Conn) Context() context.Context { return c.ctx }

// RemoteAddr is the address that the other end has proved to be reachable at.
func (c *Conn) RemoteAddr() *net.TCPAddr { return c.tls.RemoteAddr().(*net.TCPAddr) }

// LocalAddr is this end's.
func (c *Conn) LocalAddr() *net.TCPAddr { return c.tls.LocalAddr().(*net.TCPAddr) }

// Send sends a message of a kind, its body as JSON; octets as they are.
func (c *Conn) Send(kind string, body any) error {
	octets, raw := body.([]byte)
	if !raw {
		var err error
		if octets, err = json.Marshal(body); err != nil {
			return fmt.Errorf("encode %s: %w", kind, err)
		}
	}
	c.sendMu.Lock()
	defer c.sendMu.Unlock()
	if err := c.tls.SetWriteDeadline(time.Now().Add(writeLimit)); err != nil {
		return c.why(err)
	}
	if err := writeMessage(c.tls, kind, octets); err != nil {
		if errno := syscall.Errno(0); errors.As(err, &errno) {
			err = fmt.Errorf("%w: %w", ErrGone, errno)
		}
		return c.why(fmt.Errorf("send %s: %w", kind, err))
	}
	return nil
}

// why is the reason that a connection ended for, where there is a better one than err.
func (c *Conn) why(err error) error {
	if cause := context.Cause(c.ctx); cause != nil {
		return cause
	}
	return err
}

// Receive waits for the next message, which must be of the kind, and reads its body as JSON into into; as it is into a *[]byte.
func (c *Conn) Receive(ctx context.Context, kind string, into any) error {
	select {
	case m := <-c.in:
		return m.read(kind, into)
	default:
	}
	select {
	case m := <-c.in:
		return m.read(kind, into)
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-c.ctx.Done():
		return context.Cause(c.ctx)
	}
}

// Next waits for the next message, of any kind.
func (c *Conn) Next(ctx context.Context) (kind string, read func(into any) error, err error) {
	select {
	case m := <-c.in:
		return m.kind, func(into any) error { return m.read(m.kind, into) }, nil
	case <-ctx.Done():
		return "", nil, context.Cause(ctx)
	case <-c.ctx.Done():
		return "", nil, context.Cause(c.ctx)
	}
}

func (m message) read(kind string, into any) error {
	if m.kind != kind {
		return fmt.Errorf("receive %s: the other end sent %q", kind, oneLine([]byte(m.kind)))
	}
	if octets, raw := into.(*[]byte); raw {
		*octets = m.body
		return nil
	}
	if err := json.Unmarshal(m.body, into); err != nil {
		return fmt.Errorf("receive %s: %w", kind, err)
	}
	return nil
}

// Fail tells the other end why this one gives up, and closes the connection.
func (c *Conn) Fail(err error) {
	c.tell(err.Error())
	c.end(err)
}

// Close ends the connection. Closing twice is harmless.
func (c *Conn) Close() { c.end(net.ErrClosed) }

// farewellLimit is how long the last words may take.
const farewellLimit = time.Second

// tell says why this end gives up; who is gone need not know.
func (c *Conn) tell(text string) {
	if c.ctx.Err() != nil {
		return
	}
	_ = c.tls.SetWriteDeadline(time.Now().Add(farewellLimit)) // of a message that is under way, too
	c.sendMu.Lock()
	defer c.sendMu.Unlock()
	_ = c.tls.SetWriteDeadline(time.Now().Add(farewellLimit))
	if writeMessage(c.tls, failure, []byte(oneLine([]byte(text)))) != nil || c.tls.CloseWrite() != nil {
		return
	}
	// Closing now would reset the connection if anything is unread here, and the words could be lost: the other end closes.
	select {
	case <-c.ctx.Done():
	case <-time.After(farewellLimit):
	}
}

func (c *Conn) end(why error) {
	_ = c.tls.SetWriteDeadline(time.Now().Add(farewellLimit))
	_ = c.tls.CloseWrite()
	c.cancel(why)
}

// A message on the connection: the length of the rest in 4 octets, the length of the kind in 1, the kind, the body.
const (
	lengthOctets = 4
	maxKind      = 32
)

func writeMessage(w io.Writer, kind string, body []byte) error {
	n := 1 + len(kind) + len(body)
	if n > MaxMessage-lengthOctets || len(kind) > maxKind {
		return fmt.Errorf("message of %d bytes is longer than %d", n, MaxMessage)
	}
	b := make([]byte, 0, lengthOctets+n)
	b = binary.BigEndian.AppendUint32(b, uint32(n))
	b = append(b, byte(len(kind)))
	b = append(b, kind...)
	_, err := w.Write(append(b, body...))
	return err
}

func readMessage(r io.Reader, most int) (message, error) {
	var head [lengthOctets]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return message{}, err
	}
	n := int64(binary.BigEndian.Uint32(head[:]))
	if n < 1 || n > int64(most-lengthOctets) {
		return message{}, fmt.Errorf("message of %d bytes, want 1 to %d", n, most-lengthOctets)
	}
	b := make([]byte, n)
	if _, err := io.ReadFull(r, b); err != nil {
		return message{}, err
	}
	k := int(b[0])
	if k > maxKind || 1+k > len(b) {
		return message{}, fmt.Errorf("message with a kind of %d bytes", k)
	}
	return message{string(b[1 : 1+k]), b[1+k:]}, nil
}

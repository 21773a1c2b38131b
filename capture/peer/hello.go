package peer

import (
	"bufio"
	"cmp"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Protocol is the version of what the ends say to each other. Ends of different versions do not talk.
const Protocol = 2

// hello is each end's first message.
type hello struct {
	Protocol int    `json:"protocol"`
	Program  string `json:"program"` // its version, for messages alone
}

const (
	greeting      = "hello"
	greetingLimit = 5 * time.Second // for the handshake of TLS and both hellos
	maxGreeting   = 4 << 10         // octets
)

// keepAlive finds out within vanishLimit that the other host has vanished.
var keepAlive = net.KeepAliveConfig{Enable: true, Idle: 5 * time.Second, Interval: 5 * time.Second, Count: 3}

const vanishLimit = 20 * time.Second

// noticeVanishing makes the kernel end a connection whose other host has vanished. Keep-alives alone do not: none is sent while
// anything waits for its acknowledgment, which takes the kernel a quarter of an hour to give up (tcp_retries2, tcp(7)), and in a
// trial something always does.
func noticeVanishing(conn *net.TCPConn) error {
	if err := conn.SetKeepAliveConfig(keepAlive); err != nil {
		return err
	}
	raw, err := conn.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	err = raw.Control(func(fd uintptr) {
		failed = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(vanishLimit.Milliseconds()))
	})
	return cmp.Or(err, failed)
}

// Dial connects to a server. network is tcp, tcp4 or tcp6.
func Dial(ctx context.Context, d net.Dialer, network, address string, k *Key, program string) (*Conn, error) {
	config, err := k.tls(k.client, k.server)
	if err != nil {
		return nil, err
	}
	d.SetMultipathTCP(false)
	greet, cancel := context.WithTimeoutCause(ctx, greetingLimit, fmt.Errorf("no answer in %v", greetingLimit))
	defer cancel()
	raw, err := d.DialContext(greet, network, address)
	if err != nil {
		var errno syscall.Errno
		if errors.As(err, &errno) { // without the address a second time
			err = errno
		}
		if cause := context.Cause(greet); cause != nil {
			err = cause
		}
		return nil, fmt.Errorf("connect to %s: %w", address, err)
	}
	if tcp, ok := raw.(*net.TCPConn); ok {
		_ = noticeVanishing(tcp)
	}
	conn := tls.Client(raw, config)
	r, err := greetServer(greet, conn, program)
	if err != nil {
		raw.Close()
		if cause := context.Cause(greet); cause != nil {
			err = cause
		}
		return nil, fmt.Errorf("connect to %s: %w", address, err)
	}
	return newConn(ctx, conn, r, "interrupted"), nil
}

// greetServer says hello and hears the answer.
func greetServer(ctx context.Context, conn *tls.Conn, program string) (*bufio.Reader, error) {
	if err := conn.HandshakeContext(ctx); err != nil {
		return nil, keyError(err)
	}
	deadline, _ := ctx.Deadline()
	if err := conn.SetDeadline(deadline); err != nil {
		return nil, err
	}
	r := bufio.NewReader(conn)
	if err := sendHello(conn, program); err != nil {
		return nil, keyError(err)
	}
	m, err := readMessage(r, maxGreeting)
	if err != nil {
		return nil, keyError(err)
	}
	if m.kind == failure || m.kind == busy {
		return nil, &RemoteError{Text: oneLine(m.body), Busy: m.kind == busy}
	}
	if err := m.compatible(); err != nil {
		return nil, err
	}
	return r, conn.SetDeadline(time.Time{})
}

// keyError is the refusal of a key in words, from whichever side.
func keyError(err error) error {
	var alert tls.AlertError
	var remote *net.OpError
	if errors.As(err, &alert) || errors.As(err, &remote) && remote.Op == "remote error" {
		return fmt.Errorf("%w (%w)", ErrKey, err)
	}
	return err
}

func sendHello(conn net.Conn, program string) error {
	b, err := json.Marshal(hello{Protocol, program})
	if err != nil {
		return err
	}
	return writeMessage(conn, greeting, b)
}

// compatible reports why the ends cannot talk.
func (m message) compatible() error {
	var h hello
	if err := m.read(greeting, &h); err != nil {
		return err
	}
	if h.Protocol != Protocol {
		return fmt.Errorf("protocol %d of wiretax %s there, %d here: install the same version on both hosts", h.Protocol, oneLine([]byte(h.Program)), Protocol)
	}
	return nil
}

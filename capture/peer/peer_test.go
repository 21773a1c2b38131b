package peer

import (
	"bytes"
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func key(t testing.TB, secret string) *Key {
	t.Helper()
	k, err := NewKey([]byte(secret))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

const secret = "for these tests alone, 32 octets"

// serve runs a server on loopback until the test ends, and returns where.
func serve(t testing.TB, session func(context.Context, *Conn) error) (address string, log *lines) {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	log = new(lines)
	s := &Server{Key: key(t, secret), Program: "test", Session: session, Log: log.add}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx, l) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return l.Addr().String(), log
}

type lines struct {
	mu   sync.Mutex
	text []string
}

func (l *lines) add(line string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text = append(l.text, line)
}

func (l *lines) has(part string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Contains(strings.Join(l.text, "\n"), part)
}

// echo is a session that sends back what it gets.
func echo(ctx context.Context, c *Conn) error {
	for {
		kind, read, err := c.Next(ctx)
		switch {
		case errors.Is(err, ErrGone):
			return nil
		case err != nil:
			return err
		case kind == AskClock:
			err = c.TellClocks()
		case kind == "fail":
			return errors.New("as asked")
		default:
			var b []byte
			if err = read(&b); err == nil {
				err = c.Send(kind, b)
			}
		}
		if err != nil {
			return err
		}
	}
}

func dial(t testing.TB, address string) *Conn {
	t.Helper()
	c, err := Dial(t.Context(), net.Dialer{}, "tcp4", address, key(t, secret), "test")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// answers checks that a right client is served, when the session before has ended.
func answers(t testing.TB, address string) {
	t.Helper()
	for limit := time.Now().Add(5 * time.Second); ; time.Sleep(time.Millisecond) {
		c, err := Dial(t.Context(), net.Dialer{}, "tcp4", address, key(t, secret), "test")
		var remote *RemoteError
		if errors.As(err, &remote) && remote.Busy && time.Now().Before(limit) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if err := c.Send("x", []byte("there and back")); err != nil {
			t.Fatal(err)
		}
		var b []byte
		if err := c.Receive(t.Context(), "x", &b); err != nil || string(b) != "there and back" {
			t.Fatalf("%q, %v", b, err)
		}
		return
	}
}

func TestSession(t *testing.T) {
	address, log := serve(t, echo)
	c := dial(t, address)
	large := bytes.Repeat([]byte("x"), MaxMessage-lengthOctets-1-len("large"))
	if err := c.Send("large", large); err != nil {
		t.Fatal(err)
	}
	var b []byte
	if err := c.Receive(t.Context(), "large", &b); err != nil || !bytes.Equal(b, large) {
		t.Fatalf("%d octets, %v", len(b), err)
	}
	if err := c.Send("large", append(large, 0)); err == nil {
		t.Error("sent a message that is too long")
	}
	_, err := Dial(t.Context(), net.Dialer{}, "tcp4", address, key(t, secret), "test")
	var remote *RemoteError
	if !errors.As(err, &remote) || !remote.Busy || !strings.Contains(err.Error(), "busy: a session of 127.0.0.1:") {
		t.Errorf("second session: %v", err)
	}
	if err := c.Send("fail", struct{}{}); err != nil {
		t.Fatal(err)
	}
	if err := c.Receive(t.Context(), "x", &b); !errors.As(err, &remote) || remote.Text != "as asked" {
		t.Errorf("failure of the server: %v", err)
	}
	answers(t, address)
	if !log.has("ended: as asked") {
		t.Errorf("log %q", log.text)
	}
}

func TestClocks(t *testing.T) {
	address, _ := serve(t, echo)
	o, err := dial(t, address).Compare(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if o.Monotonic.Abs() > o.Uncertainty || o.Uncertainty <= 0 { // one host: its own clock
		t.Errorf("offset %v ± %v", o.Monotonic, o.Uncertainty)
	}
}

func TestOffset(t *testing.T) {
	got := offset(Reading{1000, 5000}, Reading{9000, 1500}, Reading{1400, 5400})
	if want := (Offset{7800, -3700, 201}); got != want {
		t.Errorf("%v, want %v", got, want)
	}
	between := Between(Offset{100, 10, 5}, Offset{120, 20, 7})
	if want := (Offset{110, 15, 17}); between != want {
		t.Errorf("%v, want %v", between, want)
	}
}

func TestKeys(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	fresh := filepath.Join(dir, "fresh")
	if err := WriteNewKey(fresh); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, path, want string }{
		{"made by us", fresh, ""},
		{"16 bytes and a newline", file("good", "0123456789abcdef\n", 0o600), ""},
		{"too short", file("short", "0123456789abcde\n", 0o600), "secret has 15 bytes, want 16 at least"},
		{"readable by all", file("open", secret, 0o644), "mode 0644: others may read it"},
		{"readable by the group", file("group", secret, 0o640), "mode 0640: others may read it"},
		{"too long", file("long", strings.Repeat("x", mostSecret+1), 0o600), "more than 65536 bytes"},
		{"none", filepath.Join(dir, "none"), "no such file"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := ReadKey(c.path)
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("%v, want %q", err, c.want)
			}
		})
	}
	if err := WriteNewKey(fresh); !errors.Is(err, os.ErrExist) {
		t.Errorf("key file replaced: %v", err)
	}
}

func TestRefusals(t *testing.T) {
	address, log := serve(t, echo)
	if _, err := Dial(t.Context(), net.Dialer{}, "tcp4", address, key(t, "another secret of 32 octets, good"), "test"); !errors.Is(err, ErrKey) {
		t.Errorf("wrong key: %v", err)
	}
	silent, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	ctx, cancel := context.WithTimeoutCause(t.Context(), 50*time.Millisecond, errors.New("not waiting longer"))
	defer cancel()
	if _, err := Dial(ctx, net.Dialer{}, "tcp4", silent.Addr().String(), key(t, secret), "test"); err == nil || !strings.Contains(err.Error(), "not waiting longer") {
		t.Errorf("silent server: %v", err)
	}
	answers(t, address)
	if !log.has("refused 127.0.0.1:") {
		t.Errorf("log %q", log.text)
	}
}

func TestProtocolVersions(t *testing.T) {
	m := message{greeting, []byte(`{"protocol":1,"program":"0.0.9"}`)}
	if err := m.compatible(); err == nil || err.Error() != "protocol 1 of wiretax 0.0.9 there, 2 here: install the same version on both hosts" {
		t.Error(err)
	}
	if err := (message{"trial", nil}).compatible(); err == nil {
		t.Error("no hello")
	}
}

func TestReadMessage(t *testing.T) {
	for name, c := range map[string]struct {
		in   string
		want string
	}{
		"whole":                     {"\x00\x00\x00\x05\x03kindx"[:4] + "\x03abcx", ""},
		"empty":                     {"\x00\x00\x00\x00", "message of 0 bytes"},
		"longer than allowed":       {"\x00\x00\x10\x00", "message of 4096 bytes"},
		"longest length":            {"\xff\xff\xff\xff", "message of 4294967295 bytes"},
		"kind longer than the rest": {"\x00\x00\x00\x02\x05a", "kind of 5 bytes"},
		"kind too long":             {"\x00\x00\x00\x41\x40" + strings.Repeat("a", 64), "kind of 64 bytes"},
		"cut off":                   {"\x00\x00\x00\x09\x03abc", "unexpected EOF"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := readMessage(strings.NewReader(c.in), 4096)
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("%v, want %q", err, c.want)
			}
		})
	}
}

func TestServerStops(t *testing.T) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cleaned := false
	s := &Server{Key: key(t, secret), Program: "test", Log: func(string) {}, Session: func(ctx context.Context, _ *Conn) error {
		<-ctx.Done()
		time.Sleep(10 * time.Millisecond)
		cleaned = true
		return context.Cause(ctx)
	}}
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx, l) }()
	c := dial(t, l.Addr().String())
	cancel()
	var remote *RemoteError
	if err := c.Receive(t.Context(), "x", new([]byte)); !errors.As(err, &remote) || remote.Text != stopped {
		t.Errorf("client hears %v", err)
	}
	if err := <-ended; err != nil || !cleaned {
		t.Errorf("%v; session cleaned up: %t", err, cleaned)
	}
}

func TestClientIsInterrupted(t *testing.T) {
	heard := make(chan error, 1)
	address, _ := serve(t, func(ctx context.Context, c *Conn) error {
		_, _, err := c.Next(ctx)
		heard <- err
		return err
	})
	ctx, cancel := context.WithCancel(t.Context())
	if _, err := Dial(ctx, net.Dialer{}, "tcp4", address, key(t, secret), "test"); err != nil {
		t.Fatal(err)
	}
	cancel()
	var remote *RemoteError
	if err := <-heard; !errors.As(err, &remote) || remote.Text != "interrupted" {
		t.Errorf("server hears %v", err)
	}
}

// TestVanishedHostIsNoticed: at both ends the kernel gives up what nobody acknowledges, long before it would by itself.
func TestVanishedHostIsNoticed(t *testing.T) {
	limit := func(c *Conn) (ms int) {
		raw, err := c.tls.NetConn().(*net.TCPConn).SyscallConn()
		if err != nil {
			t.Fatal(err)
		}
		if e := raw.Control(func(fd uintptr) { ms, err = unix.GetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT) }); e != nil || err != nil {
			t.Fatal(e, err)
		}
		return ms
	}
	there := make(chan int, 1)
	address, _ := serve(t, func(ctx context.Context, c *Conn) error {
		there <- limit(c)
		return echo(ctx, c)
	})
	here, want := limit(dial(t, address)), int(vanishLimit.Milliseconds())
	if far := <-there; here != want || far != want {
		t.Errorf("%d ms here, %d ms there, want %d", here, far, want)
	}
}

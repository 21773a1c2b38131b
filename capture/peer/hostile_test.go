package peer

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"io"
	"math/rand/v2"
	"net"
	"runtime"
	"sync"
	"testing"
	"time"
)

// hostile are the ways in which a stranger treats the server. Each returns when it has done its worst.
var hostile = map[string]func(*attack, *rand.Rand){
	"random bytes": func(a *attack, r *rand.Rand) {
		b := make([]byte, r.IntN(4096))
		for i := range b {
			b[i] = byte(r.Uint32())
		}
		a.send(b)
	},
	"nothing at all, and waits":        func(a *attack, _ *rand.Rand) { a.linger() },
	"nothing at all, and goes":         func(*attack, *rand.Rand) {},
	"a TLS record of the largest size": func(a *attack, _ *rand.Rand) { a.send(append([]byte{22, 3, 1, 0xff, 0xff}, make([]byte, 0xffff)...)) },
	"a ClientHello of 16 MiB begins": func(a *attack, _ *rand.Rand) {
		record := append([]byte{22, 3, 1, 0x40, 0, 1, 0xff, 0xff, 0xff}, make([]byte, 0x4000-4)...)
		a.send(record)
		a.linger()
	},
	"octet by octet": func(a *attack, r *rand.Rand) {
		for range 5 {
			if !a.send(a.recorded[:1]) {
				return
			}
			time.Sleep(time.Duration(r.IntN(2000)) * time.Microsecond)
		}
		a.linger()
	},
	"half of a recorded session": func(a *attack, r *rand.Rand) {
		a.send(a.recorded[:r.IntN(len(a.recorded))])
		a.linger()
	},
	"a recorded session, whole": func(a *attack, _ *rand.Rand) { a.send(a.recorded) },
	"another key": func(a *attack, _ *rand.Rand) {
		c, err := Dial(context.Background(), net.Dialer{}, "tcp4", a.address, a.wrong, "test")
		if err == nil {
			c.Close()
			a.t.Error("another key was taken")
		}
	},
	"TLS without a certificate": func(a *attack, _ *rand.Rand) {
		conn := tls.Client(a.conn, &tls.Config{InsecureSkipVerify: true})
		if conn.Handshake() == nil {
			length := binary.BigEndian.AppendUint32(nil, 1<<31)
			_, _ = conn.Write(length)
			if n, _ := conn.Read(make([]byte, 1)); n > 0 {
				a.t.Error("a stranger was answered")
			}
		}
	},
}

type attack struct {
	t        *testing.T
	address  string
	conn     net.Conn
	recorded []byte // what a right client sent
	wrong    *Key
	lingers  chan net.Conn // that stay open; the oldest are closed
}

func (a *attack) send(b []byte) bool {
	_ = a.conn.SetWriteDeadline(time.Now().Add(time.Second))
	_, err := a.conn.Write(b)
	return err == nil
}

// linger leaves the connection open.
func (a *attack) linger() {
	for {
		select {
		case a.lingers <- a.conn:
			a.conn = nil
			return
		case old := <-a.lingers:
			old.Close()
		}
	}
}

// hostileTime bounds the test on a busy machine; a quiet one makes all connections in it.
const hostileTime = 5 * time.Second

func TestHostileConnections(t *testing.T) {
	connections := 10_000
	if testing.Short() {
		connections = 500
	}
	address, _ := serve(t, echo)
	a := attack{t: t, address: address, recorded: record(t, address), wrong: key(t, "another secret of 32 octets, good"),
		lingers: make(chan net.Conn, 200)}
	answers(t, address)
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)

	var names []string
	for name := range hostile {
		names = append(names, name)
	}
	work := make(chan int)
	var workers sync.WaitGroup
	for range 16 {
		workers.Go(func() {
			for i := range work {
				r, one := rand.New(rand.NewPCG(1, uint64(i))), a
				conn, err := net.Dial("tcp4", address)
				if err != nil {
					continue // the backlog is full: that is the kernel's limit
				}
				one.conn = conn
				hostile[names[i%len(names)]](&one, r)
				if one.conn != nil {
					one.conn.Close()
				}
			}
		})
	}
	deadline, tried := time.Now().Add(hostileTime), 0
	for i := range connections {
		if i > connections/10 && time.Now().After(deadline) {
			break
		}
		tried++
		work <- i
		if i%(connections/10) == connections/20 {
			answers(t, address) // while the others are at it
		}
	}
	close(work)
	workers.Wait()
	answers(t, address)
	runtime.GC()
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > maxPending*200<<10 {
		t.Errorf("heap grew by %d octets", grown)
	}
	t.Logf("%d connections; heap %d kB before, %d kB after, %d goroutines", tried, before.HeapAlloc>>10, after.HeapAlloc>>10, runtime.NumGoroutine())
	if n := runtime.NumGoroutine(); n > 4*maxPending {
		t.Errorf("%d goroutines", n)
	}
	close(a.lingers)
	for conn := range a.lingers {
		conn.Close()
	}
}

// record lets a right client talk through a proxy, and returns all that it sent.
func record(t *testing.T, address string) []byte {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	sent := make(chan []byte, 1)
	go func() {
		client, err := l.Accept()
		if err != nil {
			sent <- nil
			return
		}
		server, err := net.Dial("tcp4", address)
		if err != nil {
			sent <- nil
			return
		}
		go func() { _, _ = io.Copy(client, server); client.Close() }()
		var all recorder
		_, _ = io.Copy(io.MultiWriter(server, &all), client)
		server.Close()
		sent <- all
	}()
	answers(t, l.Addr().String())
	b := <-sent
	if len(b) < 500 {
		t.Fatalf("recorded %d octets", len(b))
	}
	return b
}

type recorder []byte

func (r *recorder) Write(b []byte) (int, error) {
	*r = append(*r, b...)
	return len(b), nil
}

// One who has the key may still be broken: what he announces is not allocated, and he loses the connection.
func TestMessagesOfAClientWithTheKey(t *testing.T) {
	for name, b := range map[string][]byte{
		"announces 4 GiB": {0xff, 0xff, 0xff, 0xff},
		"empty":           {0, 0, 0, 0},
		"kind too long":   {0, 0, 0, 2, 200, 0},
	} {
		t.Run(name, func(t *testing.T) {
			address, _ := serve(t, echo)
			c := dial(t, address)
			if _, err := c.tls.Write(b); err != nil {
				t.Fatal(err)
			}
			if err := c.Receive(t.Context(), "x", new([]byte)); err == nil {
				t.Error("answered")
			}
			answers(t, address)
		})
	}
}

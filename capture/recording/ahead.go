package recording

import (
	"context"
	"io"
	"sync"
)

// ahead is a stream whose octets a goroutine reads from another one, several pieces before they are asked for, so that
// neither waits for the other at every read. It ends with its context, also while the other gives nothing.
type ahead struct {
	ctx    context.Context
	full   chan piece
	own    chan []byte   // buffers to fill
	shared chan []byte   // further ones, for several streams; nil for none
	stop   chan struct{} // closed when nobody reads any more
	stops  sync.Once
	hand   piece  // the one at hand
	unread []byte // the rest of it
	err    error  // why there is no further piece; valid when full is closed
}

// piece is what one read gave.
type piece struct {
	octets []byte
	home   chan []byte // where its buffer belongs
}

const (
	pieceSize    = 32 << 10 // octets; what gzip gives at a time: its window (RFC 1951 section 2)
	ownPieces    = 32       // of each stream
	sharedPieces = 256      // of all files that are read ahead: 8 MiB
)

// emptyBuffers has n buffers, which are made when they are used first.
func emptyBuffers(n int) chan []byte {
	c := make(chan []byte, n)
	for range n {
		c <- nil
	}
	return c
}

// readAhead reads from the stream that open returns.
func readAhead(ctx context.Context, shared chan []byte, open func() (io.Reader, func(), error)) *ahead {
	a := &ahead{ctx: ctx, full: make(chan piece, ownPieces+cap(shared)), own: emptyBuffers(ownPieces), shared: shared, stop: make(chan struct{})}
	go func() {
		defer close(a.full)
		src, end, err := open()
		if err != nil {
			a.err = err
			return
		}
		defer end()
		for a.err == nil {
			a.err = a.fill(src)
		}
	}()
	return a
}

// fill reads one piece, no longer than until there is something: a live pipe may have no more for a while.
func (a *ahead) fill(src io.Reader) error {
	p, ok := a.empty()
	if !ok {
		return io.ErrClosedPipe
	}
	if p.octets == nil {
		p.octets = make([]byte, pieceSize)
	}
	n, err := src.Read(p.octets[:pieceSize])
	p.octets = p.octets[:n]
	if n > 0 {
		a.full <- p
	} else {
		p.home <- p.octets
	}
	return err
}

// empty waits for a buffer, rather one of the stream's own. It reports false when nobody reads any more.
func (a *ahead) empty() (p piece, ok bool) {
	select {
	case <-a.stop:
		return p, false
	default:
	}
	select {
	case b := <-a.own:
		return piece{b, a.own}, true
	default:
	}
	select {
	case p.octets = <-a.own:
		p.home = a.own
	case p.octets = <-a.shared:
		p.home = a.shared
	case <-a.stop:
	}
	return p, p.home != nil
}

// Read implements io.Reader. It waits for one piece and takes what there is beyond it.
func (a *ahead) Read(p []byte) (n int, err error) {
	for n < len(p) {
		if len(a.unread) == 0 {
			if n > 0 && len(a.full) == 0 {
				break
			}
			if err := a.next(); err != nil {
				return n, err
			}
		}
		k := copy(p[n:], a.unread)
		a.unread = a.unread[k:]
		n += k
	}
	return n, nil
}

// next waits for a piece.
func (a *ahead) next() error {
	a.drop()
	select {
	case next, ok := <-a.full:
		if !ok {
			return a.err
		}
		a.hand, a.unread = next, next.octets
		return nil
	case <-a.ctx.Done():
		return context.Cause(a.ctx)
	}
}

// drop gives the buffer at hand back.
func (a *ahead) drop() {
	if a.hand.home != nil {
		a.hand.home <- a.hand.octets
		a.hand, a.unread = piece{}, nil
	}
}

// Close ends the goroutine, at the latest when its stream has given what it is asked for. Where buffers are shared they all come
// back, and Close has to be called by whoever reads; others, which a decompressor may be reading, have nobody who waits for theirs.
func (a *ahead) Close() error {
	a.stops.Do(func() {
		close(a.stop)
		if a.shared == nil {
			return
		}
		a.drop()
		go func() {
			for p := range a.full {
				p.home <- p.octets
			}
		}()
	})
	return nil
}

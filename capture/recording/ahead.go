package recording

import (
	"context"
	"io"
	"sync"
)

// ahead is a stream whose octets a goroutine reads from another one, several chunks before they are asked for, so that
// neither waits for the other at every read. It ends with its context, also while the other gives nothing.
type ahead struct {
	ctx    context.Context
	full   chan []byte   // chunks to read
	free   chan []byte   // chunks to fill
	stop   chan struct{} // closed when nobody reads any more
	stops  sync.Once
	hand   []byte // the chunk at hand
	unread []byte // the rest of it
	err    error  // why there is no further chunk; valid when full is closed
}

// aheadChunks is how many chunks there are: one being read, one being filled, the others between.
const aheadChunks = 6

// readAhead reads from the stream that open returns.
func readAhead(ctx context.Context, open func() (io.Reader, func(), error)) *ahead {
	a := &ahead{ctx: ctx, full: make(chan []byte, aheadChunks), free: make(chan []byte, aheadChunks), stop: make(chan struct{})}
	for range aheadChunks {
		a.free <- nil
	}
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

// fill reads one chunk, no longer than until there is something: a live pipe may have no more for a while.
func (a *ahead) fill(src io.Reader) error {
	var b []byte
	select {
	case b = <-a.free:
	case <-a.stop:
		return io.ErrClosedPipe
	}
	if b == nil {
		b = make([]byte, chunk)
	}
	n, err := src.Read(b[:chunk])
	if n > 0 {
		a.full <- b[:n]
	} else {
		a.free <- b
	}
	return err
}

// Read implements io.Reader.
func (a *ahead) Read(p []byte) (int, error) {
	if len(a.unread) == 0 {
		if a.hand != nil {
			a.free <- a.hand
			a.hand = nil
		}
		select {
		case b, ok := <-a.full:
			if !ok {
				return 0, a.err
			}
			a.hand, a.unread = b, b
		case <-a.ctx.Done():
			return 0, context.Cause(a.ctx)
		}
	}
	n := copy(p, a.unread)
	a.unread = a.unread[n:]
	return n, nil
}

// Close ends the goroutine, at the latest when its stream has given what it is asked for.
func (a *ahead) Close() error {
	a.stops.Do(func() { close(a.stop) })
	return nil
}

// Package live captures on an interface with libpcap.
package live

import (
	"errors"
	"fmt"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/google/gopacket/pcap"
)

// Config says how to capture.
type Config struct {
	Interface string
	SnapLen   int    // octets kept of each frame
	Buffer    int    // octets of the kernel's ring
	Filter    string // pcap-filter(7) expression, compiled for the interface and applied by the kernel; empty for all frames

	NotPromiscuous bool // only frames that the interface takes anyway
}

// poll bounds how long a read waits, and so how long Close does: a handle that blocks for ever in libpcap cannot be closed
// until the next frame comes.
const poll = 10 * time.Millisecond

// Frame is one captured frame.
type Frame struct {
	Data    []byte // valid only during the call it is passed to
	WireLen int    // octets on the interface
	Time    time.Time
}

// Capture reads frames from an interface until it is closed.
type Capture struct {
	handle  *pcap.Handle
	stop    atomic.Bool
	filters chan change
	ended   chan error
}

// change is a filter to set, and where to tell how that went.
type change struct {
	filter string
	done   chan error
}

// Open starts to capture; when it returns, the kernel records every frame. It must run on a thread of the interface's
// namespace. each is called with every frame, in the order of the kernel, from one goroutine.
//
// The handle is in immediate mode: a frame is handed over when it is there, not when a block is full. libpcap then uses
// TPACKET_V2, whose ring slots have the size of the snap length, so a large one loses frames.
func Open(c Config, each func(Frame)) (*Capture, error) {
	handle, err := activate(c)
	if err != nil && err.Error() == permissionDenied {
		err = syscall.EPERM
	}
	if err != nil {
		return nil, fmt.Errorf("open %s for capture: %w", c.Interface, err)
	}
	capture := &Capture{handle: handle, filters: make(chan change), ended: make(chan error, 1)}
	go func() { capture.ended <- capture.read(each) }()
	return capture, nil
}

// permissionDenied is how gopacket/pcap puts PCAP_ERROR_PERM_DENIED: CAP_NET_RAW is missing.
const permissionDenied = "Permission Denied"

func activate(c Config) (*pcap.Handle, error) {
	inactive, err := pcap.NewInactiveHandle(c.Interface)
	if err != nil {
		return nil, err
	}
	defer inactive.CleanUp()
	for _, err := range []error{
		inactive.SetSnapLen(c.SnapLen),
		inactive.SetPromisc(!c.NotPromiscuous),
		inactive.SetTimeout(poll),
		inactive.SetImmediateMode(true),
		inactive.SetBufferSize(c.Buffer),
	} {
		if err != nil {
			return nil, err
		}
	}
	handle, err := inactive.Activate()
	if err != nil || c.Filter == "" {
		return handle, err
	}
	if err := handle.SetBPFFilter(c.Filter); err != nil {
		handle.Close()
		return nil, fmt.Errorf("filter %q: %w", c.Filter, err)
	}
	return handle, nil
}

// SetFilter replaces the filter, which needs no privileges. Frames that the one before let pass may still come.
func (c *Capture) SetFilter(expression string) error {
	done := make(chan error, 1)
	select {
	case c.filters <- change{expression, done}:
		return <-done
	case err := <-c.ended:
		c.ended <- err // for Close
		return fmt.Errorf("set filter: %w", err)
	}
}

func (c *Capture) read(each func(Frame)) error {
	for !c.stop.Load() {
		select {
		case to := <-c.filters: // here, because the handle is not for two threads
			to.done <- c.handle.SetBPFFilter(to.filter)
		default:
		}
		data, info, err := c.handle.ZeroCopyReadPacketData()
		switch {
		case err == nil:
			each(Frame{Data: data, WireLen: info.Length, Time: info.Timestamp})
		case errors.Is(err, pcap.NextErrorTimeoutExpired):
		default:
			return fmt.Errorf("read captured frame: %w", err)
		}
	}
	return nil
}

// Drops returns the frames that matched and were not delivered: for want of room in the ring, and by the interface. They
// must be read before Close.
func (c *Capture) Drops() (ring, iface int64, err error) {
	s, err := c.handle.Stats()
	if err != nil {
		return 0, 0, fmt.Errorf("read capture statistics: %w", err)
	}
	return int64(s.PacketsDropped), int64(s.PacketsIfDropped), nil
}

// Close ends the capture and returns what made it fail, if anything did.
func (c *Capture) Close() error {
	c.stop.Store(true)
	err := <-c.ended // the reader may not be in libpcap when the handle goes
	c.handle.Close()
	return err
}

// Version is libpcap's own description of itself.
func Version() string { return pcap.Version() }

package capture

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"sync/atomic"
	"time"

	"wiretax/capture/live"
	"wiretax/capture/nic"
	"wiretax/capture/peer"
	"wiretax/capture/recording"
)

// Place is where one end of an experiment between two hosts sends and captures.
type Place struct {
	Interface string
	// Within runs a function on a thread of the interface's namespace; nil stands for the namespace of the process.
	Within func(func() error) error
}

func (p Place) within(fn func() error) error {
	if p.Within == nil {
		return fn()
	}
	return p.Within(fn)
}

// vantage is what one of two hosts sees of the experiment: its capture, and its interface's counters less what else is on the
// interface.
type vantage struct {
	Place
	mtu      int
	own      netip.Addr
	observer *observer
	others   *others
	offloads map[string]bool
	agreed   *stand // when interface and captures agreed last; nil: they did not
	ahead    int64  // clocksApart when the trial began
}

// mostCaptured bounds the octets that a host keeps of a trial's frames in memory, in each direction, and then sends home: those
// captured and a head for each.
const mostCaptured = 256 << 20

// errFull ends a trial as soon as there are more frames than a host keeps: it would be for nothing.
var errFull = fmt.Errorf("more frames than a host keeps of a trial, %d MiB of each direction: fewer --messages", mostCaptured>>20)

// nothing is a filter that no frame passes.
const nothing = "less 0"

// open opens the captures, which see nothing yet. No privileges are needed afterwards.
func (p Place) open() (v *vantage, err error) {
	v = &vantage{Place: p}
	err = p.within(func() error {
		i, err := net.InterfaceByName(p.Interface)
		switch {
		case err != nil:
			return fmt.Errorf("find %s: %w", p.Interface, err)
		case i.Flags&net.FlagLoopback != 0:
			return fmt.Errorf("%s is the loopback interface: two hosts have a link between them", i.Name)
		case len(i.HardwareAddr) != 6:
			return fmt.Errorf("%s is no Ethernet interface", p.Interface)
		}
		features, err := nic.Offloads(p.Interface)
		if err != nil {
			return err
		}
		v.mtu, v.offloads = i.MTU, nic.Hiding(features)
		_, on, err := nic.Hides(p.Interface)
		if err != nil {
			return err
		}
		for _, beneath := range on {
			maps.Copy(v.offloads, beneath)
		}
		v.observer = newObserver(i.HardwareAddr)
		v.observer.limit, v.observer.arrived = mostCaptured, &store{limit: mostCaptured}
		c := live.Config{Interface: p.Interface, SnapLen: snapLen, Buffer: ringBytes, Filter: nothing, NotPromiscuous: true}
		if v.observer.capture, err = live.Open(c, v.observer.frame); err != nil {
			return err
		}
		v.others = &others{mac: i.HardwareAddr}
		c.SnapLen = othersSnapLen
		v.others.capture, err = live.Open(c, v.others.frame)
		return err
	})
	if err != nil {
		v.close()
		return nil, err
	}
	return v, nil
}

// aim begins to capture what the two hosts exchange by the test port: own is this host's address, far the other's.
func (v *vantage) aim(own, far netip.Addr, port uint16) error {
	err := v.within(func() error {
		i, err := net.InterfaceByName(v.Interface)
		if err != nil {
			return fmt.Errorf("find %s: %w", v.Interface, err)
		}
		return owns(i, own)
	})
	if err != nil {
		return err
	}
	filter := between(own, far, port)
	v.own, v.agreed = own, nil
	return errors.Join(v.observer.capture.SetFilter(filter), v.others.capture.SetFilter("not ("+filter+")"))
}

// rest ends what aim began, and frees what was kept.
func (v *vantage) rest() {
	v.observer.reset()
	v.observer.mu.Lock()
	v.observer.records, v.observer.starts, v.observer.arena = nil, nil, nil
	*v.observer.arrived = store{limit: v.observer.arrived.limit}
	v.observer.mu.Unlock()
	_ = errors.Join(v.observer.capture.SetFilter(nothing), v.others.capture.SetFilter(nothing)) // else it sees a little more
}

func (v *vantage) close() {
	if v.observer != nil && v.observer.capture != nil {
		v.observer.capture.Close()
	}
	if v.others != nil && v.others.capture != nil {
		v.others.capture.Close()
	}
}

// owns reports why an interface is not the one that the host is reached by.
func owns(i *net.Interface, own netip.Addr) error {
	addresses, err := i.Addrs()
	if err != nil {
		return fmt.Errorf("read addresses of %s: %w", i.Name, err)
	}
	for _, a := range addresses {
		if p, ok := a.(*net.IPNet); ok {
			if known, ok := netip.AddrFromSlice(p.IP); ok && known.Unmap() == own.WithZone("") {
				return nil
			}
		}
	}
	return fmt.Errorf("%s does not have %v, the address that the other host is reached from: choose the interface that has it", i.Name, own)
}

// between is the filter that keeps everything but the experiment out of the capture, in the kernel. Fragments after the first
// have no ports, and link-local addresses no zones.
func between(a, b netip.Addr, port uint16) string {
	a, b = a.WithZone(""), b.WithZone("")
	if a.Is4() {
		return fmt.Sprintf("ip host %v and ip host %v and (port %d or (udp and ip[6:2] & 0x1fff != 0))", a, b, port)
	}
	return fmt.Sprintf("ip6 host %v and ip6 host %v and (port %d or (ip6[6] = 44 and ip6[40] = 17))", a, b, port)
}

// hides reports whether the interface makes super-frames.
func (v *vantage) hides() bool {
	for _, on := range v.offloads {
		if on {
			return true
		}
	}
	return false
}

// others counts the frames on the interface that are not the experiment's.
type others struct {
	capture *live.Capture
	mac     net.HardwareAddr
	out, in atomic.Int64
}

const othersSnapLen = 64

func (o *others) frame(f live.Frame) {
	switch {
	case len(f.Data) < 12:
	case string(f.Data[6:12]) == string(o.mac):
		o.out.Add(1)
	default:
		o.in.Add(1)
	}
}

// stand is what a host's counters stood at.
type stand struct {
	Interface         nic.Counters
	OthersOut         int64
	OthersIn          int64
	Ring, OthersRing  int64 // dropped by the captures for want of room
	InterfaceDiscards int64 // by libpcap's account
}

func (v *vantage) stand() (s stand, err error) {
	err = v.within(func() (err error) {
		s.Interface, err = nic.ReadCounters(v.Interface)
		return err
	})
	if err != nil {
		return s, err
	}
	if s.Ring, s.InterfaceDiscards, err = v.observer.capture.Drops(); err != nil {
		return s, err
	}
	if s.OthersRing, _, err = v.others.capture.Drops(); err != nil {
		return s, err
	}
	s.OthersOut, s.OthersIn = v.others.out.Load(), v.others.in.Load()
	return s, nil
}

// sighting is what a host saw of a trial.
type sighting struct {
	Tally  tally            `json:"tally"`
	Tx, Rx int64            // packets that the interface counted, less those of others
	Drops  map[string]int64 `json:"drops"`
	Others [2]int64         `json:"others"` // frames of others that it sent and that arrived
	// Residence is how long messages stayed in the buffers of this host's sockets; nil where that is not known.
	Residence *latencyFacts `json:"residence"`
}

// since is what was seen since the counters stood at base. An interface's counters are looked at again when they do not agree
// with the capture: its driver may be late, and other traffic does not stand still to be counted.
func (v *vantage) since(base stand, patience time.Duration) (s sighting, err error) {
	v.agreed = nil
	for deadline := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		now, err := v.stand()
		if err != nil {
			return s, err
		}
		s.Tally, _, _ = v.observer.counts()
		n := now.Interface.Sub(base.Interface)
		s.Others = [2]int64{now.OthersOut - base.OthersOut, now.OthersIn - base.OthersIn}
		s.Tx, s.Rx = n.TxPackets-s.Others[0], n.RxPackets-s.Others[1]
		s.Drops = map[string]int64{
			"capture_ring": now.Ring - base.Ring, "capture_if": now.InterfaceDiscards - base.InterfaceDiscards,
			"interface_tx": n.TxDropped + n.TxErrors,
		}
		switch {
		case s.Tx == s.Tally.Out && s.Rx == s.Tally.In:
			v.agreed = &now
			return s, nil
		case time.Now().After(deadline):
			return s, nil
		}
	}
}

// counted is what a host has seen so far.
type counted struct {
	Out, In int64
}

// lull is how long nothing may arrive before what is missing is taken for lost; and how often the hosts compare.
const (
	lull         = 500 * time.Millisecond
	compareEvery = 5 * time.Millisecond
)

// settled returns when everything that either host sent has arrived at the other, or nothing has moved for rounds comparisons.
// Both hosts call it and see the same pairs of counts, so that they decide alike.
func (v *vantage) settled(ctx context.Context, conn *peer.Conn, rounds int) error {
	var before [2]counted
	for same := 0; ; time.Sleep(compareEvery) {
		t, _, _ := v.observer.counts()
		own := counted{t.Out, t.In}
		if err := conn.Send(kindCounts, own); err != nil {
			return err
		}
		var far counted
		if err := conn.Receive(ctx, kindCounts, &far); err != nil {
			return err
		}
		now := [2]counted{own, far}
		if same++; now != before {
			same, before = 0, now
		}
		// Twice: what the capture has seen, the socket has a moment later.
		complete := own.Out == far.In && own.In == far.Out
		if complete && same > 0 || same >= rounds {
			return nil
		}
	}
}

// untilFull ends the returned context when more frames have been seen than are kept.
func (v *vantage) untilFull(ctx context.Context) (context.Context, context.CancelCauseFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	v.observer.mu.Lock()
	defer v.observer.mu.Unlock()
	v.observer.overflow = func() { cancel(errFull) }
	return ctx, cancel
}

// begin forgets what was seen before. The counters of interface and captures cannot be read at one moment: it takes those of the
// last time when they agreed, and else waits for a pause.
func (v *vantage) begin() (s stand, err error) {
	v.ahead = clocksApart()
	v.observer.reset()
	v.observer.mu.Lock()
	v.observer.arrived.reset()
	v.observer.mu.Unlock()
	if v.agreed != nil {
		return *v.agreed, nil
	}
	for deadline := time.Now().Add(pausePatience); ; {
		if s, err = v.stand(); err != nil {
			return s, err
		}
		time.Sleep(pause)
		again, err := v.stand()
		if err != nil || s == again || time.Now().After(deadline) {
			return again, err
		}
	}
}

// A pause in which no counter moves, and how long one is waited for on a busy interface.
const (
	pause         = 2 * time.Millisecond
	pausePatience = 100 * time.Millisecond
)

// frames are what the host sent and what arrived there.
func (v *vantage) frames() (sent, arrived []recording.Record, err error) {
	o := v.observer
	sent = o.take()
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.full || o.arrived.full {
		return nil, nil, errFull
	}
	return sent, o.arrived.records(), nil
}

// store keeps frames.
type store struct {
	limit  int // octets, see fits
	full   bool
	heads  []recording.Record // Data is set by records: the arena moves while it grows
	starts []int
	arena  []byte
}

// fits reports whether another frame may be kept beside those that are, by their octets and their number.
func fits(limit, octets, frames int, f live.Frame) bool {
	return octets+len(f.Data)+(frames+1)*recordHead <= limit
}

func (s *store) add(f live.Frame) {
	if !fits(s.limit, len(s.arena), len(s.starts), f) {
		s.full = true
		return
	}
	s.starts = append(s.starts, len(s.arena))
	s.arena = append(s.arena, f.Data...)
	s.heads = append(s.heads, recording.Record{WireLen: f.WireLen, Nanos: f.Time.UnixNano(), Link: linkTypeEthernet, FCS: -1})
}

func (s *store) reset() {
	s.full, s.heads, s.starts, s.arena = false, s.heads[:0], s.starts[:0], s.arena[:0]
}

func (s *store) records() []recording.Record {
	for i, start := range s.starts {
		end := len(s.arena)
		if i+1 < len(s.starts) {
			end = s.starts[i+1]
		}
		s.heads[i].Data = s.arena[start:end]
	}
	return s.heads
}

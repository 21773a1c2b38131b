package capture

import (
	"bytes"
	"encoding/binary"
	"net"
	"sort"
	"sync"
	"sync/atomic"

	"wiretax/capture/lab"
	"wiretax/capture/live"
	"wiretax/capture/recording"
	"wiretax/capture/wire"
)

const (
	// snapLen keeps all headers and the beginning of the payload. libpcap's immediate mode has ring slots of this size.
	snapLen = 256
	// ringBytes is the size of each capture's ring.
	ringBytes = 32 << 20
)

// observer is the capture on one host's interface. It counts every frame and keeps those that the host sent, so that the
// observers of both ends together keep every frame exactly once, at its sender, lost ones included.
type observer struct {
	capture *live.Capture
	mac     net.HardwareAddr
	sends   bool         // the host is that which sends the messages
	source  []byte       // the host's address, where frames have no hardware addresses: on loopback
	sent    atomic.Int64 // tally.Out, for a look without the lock

	mu       sync.Mutex
	out, in  uint64 // the last sentinels seen to leave and to arrive
	tally    tally
	tcp      map[ports]*progress
	sentinel struct{ out, in int64 } // sentinels since the last reset
	records  []recording.Record      // Data is set by take: the arena moves while it grows
	starts   []int                   // of each record's octets in the arena
	arena    []byte
	arrived  *store // keeps what arrives too, where there is one
	limit    int    // octets of what it keeps, see fits; 0: what it sees is this process's own, and bounded
	full     bool   // there was more
	overflow func() // is told so, of either direction; nil: nobody

	passages  []passage
	fragments fragments
}

// observe opens a capture on the host's interface, of the frames that pass the filter. sends says that the host sends
// the messages.
func observe(h *lab.Host, sends bool, filter string, loopback bool) (*observer, error) {
	o := newObserver(h.MAC)
	o.sends = sends
	if loopback {
		o.source = h.Addr.AsSlice()
	}
	err := h.Within(func() (err error) {
		o.capture, err = live.Open(live.Config{Interface: h.Interface, SnapLen: snapLen, Buffer: ringBytes, Filter: filter}, o.frame)
		return err
	})
	if err != nil {
		return nil, err
	}
	return o, nil
}

func newObserver(mac net.HardwareAddr) *observer {
	return &observer{mac: mac, fragments: make(fragments), tcp: make(map[ports]*progress)}
}

// frame is called by the capture with every frame.
func (o *observer) frame(f live.Frame) {
	if len(f.Data) < 14 {
		return
	}
	outgoing := o.leaves(f.Data)
	o.mu.Lock()
	defer o.mu.Unlock()
	if number, ok := sentinelNumber(f.Data); ok {
		if outgoing {
			o.out = number
			o.sentinel.out++
		} else {
			o.in = number
			o.sentinel.in++
		}
		return
	}
	o.tally.count(f.Data, outgoing, o.tcp)
	if !outgoing && o.arrived != nil {
		o.arrived.add(f)
	}
	defer o.tellFull()
	if outgoing == o.sends && o.arrived == nil { // between two hosts nobody asks for passages, and nobody bounds them
		if p, ok := o.fragments.passage(f.Data, f.Time.UnixNano()); ok {
			o.passages = append(o.passages, p)
		}
	}
	if outgoing {
		o.sent.Add(1)
		if o.limit > 0 && !fits(o.limit, len(o.arena), len(o.starts), f) {
			o.full = true
			return
		}
		o.starts = append(o.starts, len(o.arena))
		header, link := o.framing()
		o.arena = append(o.arena, f.Data[header:]...)
		o.records = append(o.records, recording.Record{
			WireLen: f.WireLen - header, Nanos: f.Time.UnixNano(), Link: link, FCS: -1,
		})
	}
}

// tellFull tells once that frames were not kept.
func (o *observer) tellFull() {
	if o.overflow != nil && (o.full || o.arrived.full) {
		o.overflow()
		o.overflow = nil
	}
}

// leaves reports whether the host itself sent the frame.
func (o *observer) leaves(b []byte) bool {
	from := 0 // where the IP source address is
	switch binary.BigEndian.Uint16(b[12:]) {
	case 0x0800:
		from = 26
	case 0x86dd:
		from = 22
	}
	if o.source == nil || from == 0 {
		return bytes.Equal(b[6:12], o.mac)
	}
	return len(b) >= from+len(o.source) && bytes.Equal(b[from:from+len(o.source)], o.source)
}

// framing is how many octets in front of a captured packet are not recorded, and the link type of what is: Linux puts an empty
// Ethernet header before a packet on loopback, where there is no Ethernet.
func (o *observer) framing() (header int, link uint16) {
	if o.source != nil {
		return 14, linkTypeRaw
	}
	return 0, linkTypeEthernet
}

// LINKTYPE_ values (https://www.tcpdump.org/linktypes.html).
const (
	linkTypeEthernet = 1
	linkTypeRaw      = 101 // a packet of IPv4 or IPv6
)

// ports tell the connections between the two hosts apart: the host's own, and the other's.
type ports [2]uint16

// progress is how far a connection is, by what was captured.
type progress struct {
	syn       bool    // a SYN has arrived
	fin       [2]bool // a FIN was seen, sent and received
	end, acks [2]uint32
}

// timeWait reports whether each host has acknowledged the other's FIN.
func (p *progress) timeWait() bool {
	reached := func(ack, end uint32) bool { return int32(ack-end) >= 0 }
	return p.fin[0] && p.fin[1] && reached(p.acks[1], p.end[0]) && reached(p.acks[0], p.end[1])
}

// count adds a frame. The headers are those of the lab's own traffic: no VLAN tags, no IPv6 extension headers but those of
// fragments, which TCP does not send.
func (t *tally) count(b []byte, outgoing bool, connections map[ports]*progress) {
	all, tcp, late := &t.Out, &t.TCPOut, &t.OutInTimeWait
	if !outgoing {
		all, tcp, late = &t.In, &t.TCPIn, &t.InTimeWait
	}
	*all++
	segment, payload, ok := tcpSegment(b)
	if !ok {
		return
	}
	*tcp++
	key, way := ports{binary.BigEndian.Uint16(segment), binary.BigEndian.Uint16(segment[2:])}, 0
	if !outgoing {
		key, way = ports{key[1], key[0]}, 1
	}
	c := connections[key]
	if c == nil {
		c = new(progress)
		connections[key] = c
	}
	if c.timeWait() {
		*late++
	}
	const fin, syn, rst, ack = 1, 2, 4, 16
	flags := segment[13]
	switch first := flags&(syn|ack) == syn; {
	case outgoing && flags&(syn|ack) == syn|ack:
		t.SYNACKOut++
	case outgoing && flags&rst != 0:
		t.RSTOut++
	case !outgoing && first && c.syn:
		t.RepeatedSYNIn++
	case !outgoing && first:
		c.syn = true
	}
	if flags&fin != 0 {
		c.fin[way], c.end[way] = true, binary.BigEndian.Uint32(segment[4:])+uint32(payload)+1
	}
	if flags&ack != 0 {
		c.acks[way] = binary.BigEndian.Uint32(segment[8:])
	}
}

// tcpSegment returns the TCP header in an Ethernet frame, 20 octets and what was captured of the rest, and the octets of its
// payload.
func tcpSegment(b []byte) (segment []byte, payload int, ok bool) {
	const tcp, header = 6, 20
	start, end := 0, 0
	switch binary.BigEndian.Uint16(b[12:]) {
	case 0x0800:
		if len(b) < 34 || b[23] != tcp {
			return nil, 0, false
		}
		start, end = 14+int(b[14]&15)*4, 14+int(binary.BigEndian.Uint16(b[16:]))
	case 0x86dd:
		if len(b) < 54 || b[20] != tcp {
			return nil, 0, false
		}
		start, end = 54, 54+int(binary.BigEndian.Uint16(b[18:]))
	}
	if start == 0 || len(b) < start+header {
		return nil, 0, false
	}
	return b[start:], end - start - int(b[start+12]>>4)*4, true
}

// reset forgets what was seen before.
func (o *observer) reset() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.tally = tally{}
	clear(o.tcp)
	clear(o.fragments)
	o.passages = o.passages[:0]
	o.sent.Store(0)
	o.sentinel.out, o.sentinel.in = 0, 0
	o.full, o.records, o.starts, o.arena = false, o.records[:0], o.starts[:0], o.arena[:0]
}

// counts returns the tally and the number of sentinels that left and arrived.
func (o *observer) counts() (t tally, out, in int64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.tally, o.sentinel.out, o.sentinel.in
}

// passed returns the workload's frames with payload. They are valid until the next reset.
func (o *observer) passed() []passage {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.passages
}

// take returns the frames the host sent. They are valid until the next reset.
func (o *observer) take() []recording.Record {
	o.mu.Lock()
	defer o.mu.Unlock()
	for i, start := range o.starts {
		end := len(o.arena)
		if i+1 < len(o.starts) {
			end = o.starts[i+1]
		}
		o.records[i].Data = o.arena[start:end]
	}
	return o.records
}

// merge returns the records of both ends in the order of time.
func merge(a, b []recording.Record) []recording.Record {
	all := append(append(make([]recording.Record, 0, len(a)+len(b)), a...), b...)
	sort.SliceStable(all, func(i, j int) bool { return all[i].Nanos < all[j].Nanos })
	return all
}

// sentinel makes the frame with which host from proves that everything it sent before has arrived at host to.
func sentinel(from, to *lab.Host, number uint64) []byte {
	b := make([]byte, 0, wire.MinFrame)
	b = append(b, to.MAC...)
	b = append(b, from.MAC...)
	b = binary.BigEndian.AppendUint16(b, wire.SentinelType)
	b = binary.BigEndian.AppendUint64(b, number)
	return b[:wire.MinFrame]
}

func sentinelNumber(b []byte) (number uint64, ok bool) {
	if len(b) < 22 || binary.BigEndian.Uint16(b[12:]) != wire.SentinelType {
		return 0, false
	}
	return binary.BigEndian.Uint64(b[14:]), true
}

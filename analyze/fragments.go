package analyze

import (
	"wiretax/analyze/flow"
	"wiretax/analyze/frame"
)

// maxFragmented is the number of packets whose first fragment is remembered. Fragments of a packet travel close together;
// RFC 791 section 3.2 gives them 15 s at most.
const maxFragmented = 1024

// fragments joins later fragments, which have no ports, to the flow of their packet's first one. A fragment that comes
// before the first, or whose first was not captured, belongs to the flow of its addresses and protocol without ports.
type fragments struct {
	firsts map[fragmented]firstFragment
	order  [maxFragmented]fragmented // ring, next is the oldest
	next   int
}

// fragmented names a packet that was sent in fragments (RFC 791 section 3.2, RFC 8200 section 4.5).
type fragmented struct {
	a, b      [16]byte
	network   uint64
	id        uint32
	iface     int32
	proto     uint8
	direction int8 // -1 where the addresses do not tell
}

// firstFragment is what a first fragment tells about the later ones.
type firstFragment struct {
	known bool
	flow  flow.Ref
	dir   int
	seq   uint32 // TCP: sequence number of what would be octet 0 of the packet's payload
}

func nameFragmented(r *Record, f *frame.Frame) fragmented {
	k := fragmented{a: f.Flow.A, b: f.Flow.B, network: f.Flow.Network, id: f.Fragment.ID, iface: r.Interface,
		proto: f.Fragment.Proto, direction: int8(direction(f))}
	if k.a == k.b {
		k.direction = -1
	}
	return k
}

// first returns what the first fragment of the packet told.
func (t *fragments) first(r *Record, f *frame.Frame) firstFragment {
	return t.firsts[nameFragmented(r, f)]
}

// add remembers a first fragment.
func (t *fragments) add(r *Record, f *frame.Frame, ref flow.Ref, dir int) {
	if t.firsts == nil {
		t.firsts = make(map[fragmented]firstFragment, maxFragmented)
	}
	k := nameFragmented(r, f)
	delete(t.firsts, t.order[t.next])
	t.order[t.next] = k
	t.next = (t.next + 1) % maxFragmented
	headers := uint32(f.Ledger[frame.TCP] + f.Ledger[frame.TCPOptions])
	t.firsts[k] = firstFragment{known: true, flow: ref, dir: dir, seq: f.TCP.Seq - headers}
}

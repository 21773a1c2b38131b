package analyze

import (
	"math"

	"wiretax/analyze/flow"
	"wiretax/analyze/frame"
)

// digest is what is left of a record once its octets have been read: all that its flow has to know. It fills two cache
// lines.
type digest struct {
	name     flow.Name // only the interface in a frame that is no IP
	print    uint64    // fingerprint of the packet's headers
	nanos    int64
	at       uint32 // place of the record in its batch
	hash     uint32 // of name
	seq, ack uint32 // TCP; in a later fragment that was joined to its flow seq is that of its first octet
	length   uint32 // original length
	payload  uint32
	padding  uint32 // captured and inferred
	header   uint32
	packet   uint32 // length of the outermost network packet by its headers
	around   int32  // octets that Ethernet adds to the record, the price of another link's header included
	priced   int32  // octets of link header that --as ethernet adds
	mtu      uint32
	flags    frame.TCPFlags
	window   uint16
	mss      uint16
	id       uint16 // IPv4 identification
	facts    fact
	kind     uint16 // see protocolKey
	options  uint8  // octets of TCP options
	proto    uint8  // 0 for no IP
	version  uint8  // of IP
	shard    uint8
}

// fact is a set of things that a digest says.
type fact uint16

const (
	hasFlow      fact = 1 << iota // the record is an IP packet
	backward                      // it travels from Key.B to Key.A
	hasTransport                  // see frame.Frame.HasTransport
	isFragment
	laterFragment // a fragment after the first
	joined        // a later fragment whose first is known
	incredible    // the record's length cannot be true
	onEthernet    // the frame's cost on the wire is known
	hasPrint      // there are octets and a time to know a copy by
	hasID         // id was captured
	mtuGiven      // by Options
)

// iface is the number of the record's interface.
func (d *digest) iface() int32 { return int32(d.name[5]) }

func (d *digest) is(f fact) bool { return d.facts&f != 0 }

// isTCP reports whether the TCP header is known.
func (d *digest) isTCP() bool { return d.proto == frame.ProtoTCP && d.is(hasTransport) }

// direction is 0 for a frame from Key.A to Key.B, 1 for the other way.
func (d *digest) direction() int {
	if d.is(backward) {
		return 1
	}
	return 0
}

// reader turns records into digests and adds up what needs no flow. Readers work side by side: nothing that one does depends
// on what another has seen.
type reader struct {
	tally
	options *Options
	seed    flow.Seed
	shards  uint // bits
	frame   frame.Frame
}

// read digests one record.
func (p *reader) read(d *digest, r *Record) {
	f := &p.frame
	length := min(max(r.WireLen, 0), math.MaxUint32) // no capture file can say more
	frame.Parse(f, r.Data, length, r.link(), int(r.FCS))
	if f.Defects != 0 {
		p.doubt(r, f)
	}
	if p.options.AsEthernet && f.Defects&frame.NoEthernet != 0 {
		price(&f.Ledger, f)
	}
	p.count(r, f)
	l := &f.Ledger
	d.facts = 0
	d.nanos = r.Nanos
	d.length = uint32(length) // which the measured owners add up to
	d.payload = uint32(l[frame.Payload])
	trailer := uint32(l[frame.Padding] + l[frame.FCS])
	d.header = d.length - d.payload - trailer
	d.packet = d.length - trailer - uint32(f.LinkHeader)
	d.padding = uint32(l[frame.Padding] + l[frame.Fill])
	d.around = int32(l.Inferred())
	d.priced = int32(l[frame.PricedEthernet])
	d.proto, d.version = f.Flow.Proto, f.Flow.IP
	d.kind = protocolKey(f)
	d.mtu = ethernetMTU
	if p.options.MTU > 0 {
		d.mtu = uint32(p.options.MTU)
		d.facts |= mtuGiven
	}
	if l[frame.Preamble] != 0 {
		d.facts |= onEthernet
	}
	if f.HasTransport {
		d.facts |= hasTransport
	}
	if f.Defects&(frame.SurplusLength|frame.LengthBelowCapture) != 0 {
		d.facts |= incredible
	}
	if f.Fragment.IsFragment() {
		d.facts |= isFragment
		if f.Fragment.Offset != 0 {
			d.facts |= laterFragment
		}
	}
	if f.Flow.IP == 0 {
		d.name[5] = uint64(uint32(r.Interface))
		return
	}
	p.readPacket(d, r, f)
}

// readPacket digests what an IP packet says of itself and its flow.
func (p *reader) readPacket(d *digest, r *Record, f *frame.Frame) {
	d.facts |= hasFlow
	if f.Reverse {
		d.facts |= backward
	}
	d.name.Set(&f.Flow, r.Interface)
	d.hash = p.seed.Hash(&d.name)
	d.shard = d.name.Shard(p.shards)
	h := &f.TCP
	d.seq, d.ack, d.flags, d.window, d.mss = h.Seq, h.Ack, h.Flags, h.Window, h.MSS
	d.options = uint8(f.Ledger[frame.TCPOptions])
	d.fingerprint(r, f)
}

// count adds up what one record shows by itself.
func (p *reader) count(r *Record, f *frame.Frame) {
	t := &p.totals
	t.Records++
	t.CapturedBytes += int64(len(r.Data))
	if len(r.Data) < r.WireLen {
		t.TruncatedRecords++
	}
	p.ledger.Add(&f.Ledger)
	if f.Ledger[frame.TCPOptions] != 0 {
		for i, n := range f.TCP.Options {
			p.option[i] += int64(n)
		}
	}
}

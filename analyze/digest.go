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
	print    uint64    // fingerprint of the packet: flow, direction, headers
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
	shards  uint        // bits
	frame   frame.Frame // the last one, unless plain
	plain   frame.Plain
}

// read digests one record.
func (p *reader) read(d *digest, r *Record) {
	if p.options.EachFrame == nil && frame.ParsePlain(&p.plain, r.Data, r.WireLen, r.link(), int(r.FCS)) {
		p.readPlain(d, r, &p.plain)
		return
	}
	f := &p.frame
	length := min(max(r.WireLen, 0), math.MaxUint32) // no capture file can say more
	frame.Parse(f, r.Data, length, r.link(), int(r.FCS))
	if f.Defects != 0 {
		p.doubt(r, f)
	}
	if p.options.AsEthernet && f.Defects&frame.NoEthernet != 0 {
		price(&f.Ledger, f)
	}
	p.count(r)
	p.ledger.Add(&f.Ledger)
	p.countOptions(f)
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
	p.limit(d)
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
	p.address(d)
	h := &f.TCP
	d.seq, d.ack, d.flags, d.window, d.mss = h.Seq, h.Ack, h.Flags, h.Window, h.MSS
	d.options = uint8(f.Ledger[frame.TCPOptions])
	d.note(r, f)
}

// address says which flow and shard the packet belongs to, whose name and direction are known: both are part of its
// fingerprint.
func (p *reader) address(d *digest) {
	d.hash = p.seed.Hash(&d.name)
	digest := d.name.Digest()
	d.shard = flow.Shard(digest, p.shards)
	d.print = digest + uint64(d.facts&backward)
}

// readPlain digests a record as read does, knowing that its frame is plain.
func (p *reader) readPlain(d *digest, r *Record, f *frame.Plain) {
	p.count(r)
	f.AddTo(&p.ledger)
	if f.Options != 0 {
		p.option[frame.OptPadding] += 2
		p.option[frame.OptTimestamps] += int64(f.Options) - 2
	}
	d.facts = hasFlow | hasTransport | onEthernet
	if f.Reverse {
		d.facts |= backward
	}
	d.nanos = r.Nanos
	d.length = uint32(r.WireLen)
	d.packet, d.payload, d.padding = uint32(f.Packet), uint32(f.Payload), uint32(f.Padding+f.Fill)
	d.header = d.length - d.payload - uint32(f.Padding)
	d.around = frame.PreambleLen + int32(f.Fill) + frame.FCSLen + frame.GapLen
	d.priced = 0
	d.proto, d.version, d.kind = f.Proto, f.IP, uint16(f.Proto)
	d.seq, d.ack, d.flags, d.window, d.mss, d.options = f.Seq, f.Ack, f.TCPFlags, f.Window, 0, f.Options
	p.limit(d)
	d.name.SetPlain(f, r.Interface)
	p.address(d)
	if d.nanos != NoTime {
		captured := r.Data[ethernetHeaderLen:]
		d.fingerprint(captured[:min(len(captured), f.Packet)])
	}
}

// limit notes the MTU.
func (p *reader) limit(d *digest) {
	d.mtu = ethernetMTU
	if p.options.MTU > 0 {
		d.mtu = uint32(p.options.MTU)
		d.facts |= mtuGiven
	}
}

// count adds up what one record shows by itself.
func (p *reader) count(r *Record) {
	t := &p.totals
	t.Records++
	t.CapturedBytes += int64(len(r.Data))
	if len(r.Data) < r.WireLen {
		t.TruncatedRecords++
	}
}

// countOptions adds up the octets of TCP options.
func (p *reader) countOptions(f *frame.Frame) {
	if f.Ledger[frame.TCPOptions] == 0 {
		return
	}
	for i, n := range f.TCP.Options {
		p.option[i] += int64(n)
	}
}

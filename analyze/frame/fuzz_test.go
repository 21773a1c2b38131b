package frame

import (
	"bytes"
	"testing"
)

// FuzzParse holds the law of ownership and what follows from it, for any octets, any length, any link type.
func FuzzParse(f *testing.F) {
	for _, r := range allRecords() {
		wire := r.wire
		if wire == 0 {
			wire = len(r.b)
		}
		f.Add([]byte(r.b), wire-len(r.b), uint16(r.link), int8(r.fcs))
	}
	f.Fuzz(func(t *testing.T, b []byte, surplus int, link uint16, fcs int8) {
		const most = 1<<32 - 1
		wireLen := max(0, min(len(b)+max(-most, min(surplus, most)), most))
		fr := Frame{Ledger: Ledger{Payload: 1}, HasTransport: true, PayloadOffset: 7} // Parse overwrites all of it
		Parse(&fr, b, wireLen, LinkType(link), int(max(fcs, -1)))
		checkFrame(t, &fr, len(b), wireLen)
		checkPlain(t, b, wireLen, LinkType(link), int(max(fcs, -1)))
	})
}

// TestEveryCut parses every made-up record cut after every octet: the law holds.
func TestEveryCut(t *testing.T) {
	for _, r := range allRecords() {
		t.Run(r.name, func(t *testing.T) {
			wire := max(r.wire, len(r.b))
			for n := range min(len(r.b), 200) {
				var f Frame
				Parse(&f, r.b[:n], wire, r.link, -1)
				checkFrame(t, &f, n, wire)
			}
		})
	}
}

func checkFrame(t *testing.T, f *Frame, captured, wireLen int) {
	l := &f.Ledger
	if got := l.Record(); got != int64(wireLen) {
		t.Fatalf("owners add up to %d, original length %d: %v", got, wireLen, *l)
	}
	for o := range NumMeasured {
		if l[o] < 0 {
			t.Fatalf("%s: %d", Owner(o), l[o])
		}
	}
	var options int64
	for _, n := range f.TCP.Options {
		options += int64(n)
	}
	if options != l[TCPOptions] {
		t.Fatalf("options itemised %d of %d", options, l[TCPOptions])
	}
	if l[Payload] > 0 != (f.PayloadOffset >= 0) || f.PayloadOffset >= wireLen && l[Payload] > 0 {
		t.Fatalf("payload of %d at %d of %d", l[Payload], f.PayloadOffset, wireLen)
	}
	if f.IPOffset >= wireLen && f.IPOffset > 0 || f.LinkHeader < 0 || f.LinkHeader > wireLen {
		t.Fatalf("ip at %d, link header %d of %d", f.IPOffset, f.LinkHeader, wireLen)
	}
	if f.TCP.Segment < 0 || f.Flow.Proto == ProtoTCP && f.HasTransport && int64(f.TCP.Segment) != l[Payload] {
		t.Fatalf("segment %d, payload %d", f.TCP.Segment, l[Payload])
	}
	if k := f.Flow; bytes.Compare(k.A[:], k.B[:]) > 0 || k.A == k.B && k.APort > k.BPort {
		t.Fatalf("key out of order: %+v", k)
	}
	if f.HasTransport && f.Flow.IP == 0 {
		t.Fatal("transport without a flow")
	}
	if captured > wireLen != (f.Defects&LengthBelowCapture != 0) {
		t.Fatalf("captured %d of %d, defects %b", captured, wireLen, f.Defects)
	}
	if inferred := l.Inferred(); inferred != 0 && (inferred < 20 || inferred > 84) {
		t.Fatalf("inferred %d", inferred)
	}
}

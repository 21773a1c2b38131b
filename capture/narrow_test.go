package capture

import (
	"encoding/binary"
	"testing"
	"time"

	"wiretax/capture/peer"
	"wiretax/capture/recording"
)

func TestNarrow(t *testing.T) {
	at := func(nanos ...int64) (records []recording.Record) {
		for _, n := range nanos {
			records = append(records, recording.Record{Nanos: n})
		}
		return records
	}
	rough := peer.Offset{Monotonic: 70_000, Real: 1000, Uncertainty: 500}
	for _, c := range []struct {
		name                               string
		sent, farArrived, farSent, arrived []recording.Record
		want                               peer.Offset
	}{
		{"both ways", at(0, 100), at(1200, 1310), at(5000), at(4100), peer.Offset{Monotonic: 70_050, Real: 1050, Uncertainty: 150}},
		{"one way", at(0), at(1100), nil, nil, peer.Offset{Monotonic: 69_800, Real: 800, Uncertainty: 300}},
		{"one lost", at(0, 100), at(1100), nil, nil, rough},
		{"slower than the comparison", at(0), at(1900), at(5000), at(4900), rough},
		{"nothing", nil, nil, nil, nil, rough},
		{"a clock was set meanwhile", at(0), at(-90_000), at(5000), at(4100), rough},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := narrow(rough, c.sent, c.farArrived, c.farSent, c.arrived, 0); got != c.want {
				t.Errorf("%+v, want %+v", got, c.want)
			}
		})
	}
	if got := narrow(rough, at(0), at(1100), nil, nil, time.Second); got != rough {
		t.Errorf("drift of a second is more than the gain: %+v", got)
	}
}

func TestPutTogether(t *testing.T) {
	segment := func(payload int) recording.Record {
		b := make([]byte, 54)
		b[12], b[14], b[23], b[46] = 8, 0x45, 6, 5<<4
		binary.BigEndian.PutUint16(b[16:], uint16(40+payload))
		return recording.Record{WireLen: len(b) + payload, Data: b}
	}
	datagram := func(payload int) recording.Record {
		r := segment(payload + 8 - 20)
		r.Data[23] = 17
		return r
	}
	all := func(records ...recording.Record) []recording.Record { return records }
	for name, c := range map[string]struct {
		sent, arrived []recording.Record
		want          bool
	}{
		"none":                    {nil, nil, false},
		"as they left":            {all(segment(90), segment(90), segment(0)), all(segment(90), segment(90), segment(0)), false},
		"two in one":              {all(segment(90), segment(90)), all(segment(180)), true},
		"two in one, an ACK lost": {all(segment(90), segment(90), segment(0)), all(segment(180)), true},
		"an ACK lost":             {all(segment(90), segment(90), segment(0)), all(segment(90), segment(90)), false},
		"a segment lost":          {all(segment(90), segment(90), segment(90)), all(segment(90), segment(90)), false},
		"longer than the MTU":     {all(segment(1460), segment(1460), segment(9)), all(segment(2920)), true},
		"two datagrams in one":    {all(datagram(90), datagram(90)), all(datagram(180)), true},
		"a datagram lost":         {all(datagram(90), datagram(90)), all(datagram(90)), false},
		"cut off":                 {all(recording.Record{WireLen: 60, Data: []byte{1}}), nil, false},
	} {
		if got := putTogether(c.sent, c.arrived, 1500); got != c.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}

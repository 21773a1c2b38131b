package capture

import (
	"encoding/binary"
	"strings"
	"testing"
	"time"

	"wiretax/capture/traffic"
)

const us = int64(time.Microsecond)

// ethernet4 is a frame of the lab: a header of Ethernet and one of IPv4 before the transport's.
func ethernet4(protocol uint8, id, fragment uint16, body []byte) []byte {
	b := make([]byte, 34, 34+len(body))
	b[12], b[14], b[23] = 8, 0x45, protocol
	binary.BigEndian.PutUint16(b[16:], uint16(20+len(body)))
	binary.BigEndian.PutUint16(b[18:], id)
	binary.BigEndian.PutUint16(b[20:], fragment)
	return append(b, body...)
}

func ethernet6(next uint8, body []byte) []byte {
	b := make([]byte, 54, 54+len(body))
	b[12], b[13], b[14], b[20] = 0x86, 0xdd, 0x60, next
	binary.BigEndian.PutUint16(b[18:], uint16(len(body)))
	return append(b, body...)
}

func udpFrom(port uint16, payload int) []byte {
	return append(binary.BigEndian.AppendUint16(nil, port), make([]byte, 6+payload)...)
}

func tcpFrom(port uint16, seq uint32, flags byte, payload int) []byte {
	b := make([]byte, 20+payload)
	binary.BigEndian.PutUint16(b, port)
	binary.BigEndian.PutUint32(b[4:], seq)
	b[12], b[13] = 5<<4, flags
	return b
}

func TestPassage(t *testing.T) {
	const more = 0x2000
	f := fragments{}
	for _, tt := range []struct {
		name  string
		frame []byte
		want  passage
		ok    bool
	}{
		{"datagram", ethernet4(17, 1, 0, udpFrom(5, 90)), passage{port: 5, octets: 90}, true},
		{"datagram over IPv6", ethernet6(17, udpFrom(5, 90)), passage{port: 5, octets: 90}, true},
		{"first fragment", ethernet4(17, 2, more, udpFrom(6, 1472)), passage{port: 6, octets: 1472}, true},
		{"fragment of another datagram", ethernet4(17, 3, 185|more, make([]byte, 1480)), passage{octets: 1480}, false},
		{"middle fragment", ethernet4(17, 2, 185|more, make([]byte, 1480)), passage{port: 6, octets: 1480}, true},
		{"last fragment", ethernet4(17, 2, 370, make([]byte, 100)), passage{port: 6, octets: 100}, true},
		{"IPv6, first fragment", ethernet6(44, append([]byte{17, 0, 0, 1, 0, 0, 0, 9}, udpFrom(7, 1440)...)), passage{port: 7, octets: 1440}, true},
		{"IPv6, last fragment", ethernet6(44, append([]byte{17, 0, 5, 168, 0, 0, 0, 9}, make([]byte, 33)...)), passage{port: 7, octets: 33}, true},
		{"SYN", ethernet4(6, 1, 0, tcpFrom(8, 99, 2, 0)), passage{port: 8, stream: true, syn: true, seq: 99}, true},
		{"segment", ethernet4(6, 1, 0, tcpFrom(8, 100, 16, 90)), passage{port: 8, stream: true, seq: 100, octets: 90}, true},
		{"ACK", ethernet4(6, 1, 0, tcpFrom(8, 100, 16, 0)), passage{port: 8, stream: true, seq: 100}, false},
		{"padded to the minimum", append(ethernet4(17, 1, 0, udpFrom(5, 1)), make([]byte, 17)...), passage{port: 5, octets: 1}, true},
		{"no IP", make([]byte, 60), passage{}, false},
		{"cut off", ethernet4(6, 1, 0, tcpFrom(8, 100, 16, 90))[:40], passage{}, false},
	} {
		if got, ok := f.passage(tt.frame, 0); got != tt.want && ok || ok != tt.ok {
			t.Errorf("%s: %+v, %t, want %+v, %t", tt.name, got, ok, tt.want, tt.ok)
		}
	}
	if len(f) != 0 {
		t.Errorf("fragments left: %v", f)
	}
}

func TestResidence(t *testing.T) {
	segment := func(seq uint32, octets int, at int64) passage {
		return passage{port: 5, stream: true, seq: seq, octets: octets, nanos: at * us}
	}
	datagram := func(octets int, at int64) passage { return passage{port: 5, octets: octets, nanos: at * us} }
	var isn uint32 = 1<<32 - 100 // numbers wrap in the middle
	syn := passage{port: 5, stream: true, syn: true, seq: isn - 1}
	handover := func(end, at int64) traffic.Handover { return traffic.Handover{End: end, At: at * us} }
	for _, tt := range []struct {
		name     string
		messages []traffic.Handover
		frames   []passage
		want     int64 // us, the longest wait of a sender; -1: not known
	}{
		{"datagrams", []traffic.Handover{handover(90, 10), handover(180, 20)}, []passage{datagram(90, 12), datagram(90, 25)}, 5},
		{"several in one datagram", []traffic.Handover{handover(90, 10), handover(180, 20)}, []passage{datagram(180, 25)}, 15},
		{"fragments: the last one counts", []traffic.Handover{handover(2000, 10)}, []passage{datagram(1472, 12), datagram(528, 19)}, 9},
		{"a datagram that no message explains", []traffic.Handover{handover(90, 10)}, []passage{datagram(90, 12), datagram(90, 13)}, -1},
		{"a datagram that the capture has not", []traffic.Handover{handover(90, 10), handover(180, 10)}, []passage{datagram(90, 12)}, -1},
		{"one segment a message", []traffic.Handover{handover(90, 10), handover(180, 20)}, []passage{syn, segment(isn, 90, 13), segment(isn+90, 90, 21)}, 3},
		{"coalesced", []traffic.Handover{handover(90, 10), handover(180, 20)}, []passage{syn, segment(isn, 180, 30)}, 20},
		{"a message in two segments", []traffic.Handover{handover(2000, 10)}, []passage{syn, segment(isn, 1448, 11), segment(isn+1448, 552, 18)}, 8},
		{"sent again: the first counts", []traffic.Handover{handover(90, 10)}, []passage{syn, segment(isn, 90, 13), segment(isn, 90, 300)}, 3},
		{"a hole is filled later", []traffic.Handover{handover(90, 10), handover(180, 10), handover(270, 10)},
			[]passage{syn, segment(isn, 90, 11), segment(isn+180, 90, 12), segment(isn+90, 180, 40)}, 30},
		{"no SYN", []traffic.Handover{handover(90, 10)}, []passage{segment(isn, 90, 13)}, -1},
		{"another connection's frames", []traffic.Handover{handover(90, 10)}, []passage{{port: 6, octets: 90, nanos: 12 * us}}, -1},
		{"nothing handed over", nil, []passage{datagram(90, 12)}, -1},
	} {
		const ahead = 1e18
		for i := range tt.frames {
			tt.frames[i].nanos += ahead
		}
		got := residence([]traffic.Handovers{{Port: 5, Sent: tt.messages}}, tt.frames, nil, ahead).Sender
		switch {
		case (got == nil) != (tt.want < 0):
			t.Errorf("%s: known %t", tt.name, got != nil)
		case got != nil && int64(*got.Max*1e9+0.5) != tt.want*us:
			t.Errorf("%s: %v s, want %d us", tt.name, *got.Max, tt.want)
		}
	}
}

// Every transport whose frames show messages tells how long they waited, fragments and records included.
func TestResidenceOfEveryTransport(t *testing.T) {
	for _, size := range []int{90, 4096} {
		for _, ip := range []int{4, 6} {
			e := thread()
			e.Trials, e.Workloads[0].Size, e.Links[0].IP = 1, size, ip
			_, m := record(t, e)
			for _, transport := range m.Workloads[0].Transports {
				r, max := transport.Trials[0].Residence, *transport.Trials[0].Latency.Max
				quic := strings.HasPrefix(transport.Name, "quic")
				if (r.Sender == nil) != quic || (r.Receiver == nil) != quic {
					t.Errorf("%s, %d octets, IPv%d: known %t, %t", transport.Name, size, ip, r.Sender != nil, r.Receiver != nil)
					continue
				}
				if !quic && (*r.Sender.Max > max || *r.Receiver.Max > max) {
					t.Errorf("%s, %d octets, IPv%d: waited %v and %v of %v", transport.Name, size, ip, *r.Sender.Max, *r.Receiver.Max, max)
				}
			}
		}
	}
}

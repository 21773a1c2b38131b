package main

import (
	"bufio"
	"encoding/binary"
	"io"
	"math"
	"math/rand/v2"

	"wiretax/capture/recording"
)

// sink takes frames one after the other.
type sink interface {
	frame(nanos int64, b []byte) error
	close() error
}

// epoch is the time of the first record.
const epoch = 1_700_000_000_000_000_000

// pcapSink writes a pcap file with times in microseconds, as tcpdump does.
type pcapSink struct{ w *bufio.Writer }

func newPcapSink(w io.Writer) sink {
	h := make([]byte, 24)
	binary.LittleEndian.PutUint32(h, 0xa1b2c3d4)
	binary.LittleEndian.PutUint16(h[4:], 2)
	binary.LittleEndian.PutUint16(h[6:], 4)
	binary.LittleEndian.PutUint32(h[16:], 262144)
	binary.LittleEndian.PutUint32(h[20:], 1)
	s := pcapSink{bufio.NewWriterSize(w, 1<<20)}
	s.w.Write(h) // an error comes again with Flush
	return s
}

func (s pcapSink) frame(nanos int64, b []byte) error {
	h := s.w.AvailableBuffer()
	h = binary.LittleEndian.AppendUint32(h, uint32(nanos/1e9))
	h = binary.LittleEndian.AppendUint32(h, uint32(nanos%1e9/1e3))
	h = binary.LittleEndian.AppendUint32(h, uint32(len(b)))
	h = binary.LittleEndian.AppendUint32(h, uint32(len(b)))
	if _, err := s.w.Write(h); err != nil {
		return err
	}
	_, err := s.w.Write(b)
	return err
}

func (s pcapSink) close() error { return s.w.Flush() }

// pcapngSink writes a pcapng file.
type pcapngSink struct{ w *recording.Writer }

func newPcapngSink(w io.Writer) sink {
	return pcapngSink{recording.NewWriter(w, []recording.Interface{{Link: 1, SnapLen: 262144, FCS: -1}}, "")}
}

func (s pcapngSink) frame(nanos int64, b []byte) error {
	return s.w.Write(recording.Record{Data: b, WireLen: len(b), Nanos: nanos, Link: 1, FCS: -1})
}

func (s pcapngSink) close() error { return s.w.Close() }

// conversation is a flow in the making.
type conversation struct {
	number  uint32
	proto   uint8
	v6      bool
	left    int // records to come
	sent    int
	seq     [2]uint32
	id      [2]uint16
	unacked int
}

// IP protocol numbers and TCP flags.
const (
	protoICMP = 1
	protoTCP  = 6
	protoUDP  = 17

	flagFIN = 0x01
	flagSYN = 0x02
	flagPSH = 0x08
	flagACK = 0x10
)

// station builds frames in one buffer.
type station struct {
	sink
	rng   *rand.Rand
	nanos int64
	buf   [1514 + 8]byte
}

func newStation(s sink, seed uint64) *station {
	st := &station{sink: s, rng: rand.New(rand.NewPCG(seed, 0)), nanos: epoch}
	for i := range st.buf {
		st.buf[i] = byte(i)
	}
	return st
}

// send writes one packet of a conversation: 0 from its client, 1 from its server.
func (s *station) send(c *conversation, dir int, flags byte, payload int) error {
	s.nanos += 1000 + int64(s.rng.Uint32N(2000))
	b := s.buf[:]
	binary.BigEndian.PutUint64(b, 0x020000000001_0200)
	binary.BigEndian.PutUint32(b[8:], 0x00000002)
	transport := 8
	if c.proto == protoTCP {
		transport = 32
		if flags&flagSYN != 0 {
			transport = 24
		}
	}
	n := transport + payload
	var at int
	if c.v6 {
		at = s.ipv6(b, c, dir, n)
	} else {
		at = s.ipv4(b, c, dir, n)
	}
	h := b[at:]
	client, server := uint16(49152+c.number%16000), [...]uint16{443, 80, 53, 8080}[c.number%4]
	if dir == 1 {
		client, server = server, client
	}
	binary.BigEndian.PutUint16(h, client)
	binary.BigEndian.PutUint16(h[2:], server)
	switch c.proto {
	case protoTCP:
		s.tcp(h, c, dir, flags, payload)
	case protoUDP:
		binary.BigEndian.PutUint16(h[4:], uint16(n))
		binary.BigEndian.PutUint16(h[6:], uint16(s.rng.Uint32()))
	default:
		binary.BigEndian.PutUint32(h, 0x08000000)
	}
	for i := at + transport; i < at+transport+payload/2; i += 8 { // half of what people send cannot be compressed
		binary.LittleEndian.PutUint64(s.buf[i:], s.rng.Uint64())
	}
	c.sent++
	return s.frame(s.nanos, b[:at+n])
}

func (s *station) ipv4(b []byte, c *conversation, dir, n int) int {
	binary.BigEndian.PutUint16(b[12:], 0x0800)
	h := b[14:]
	h[0], h[1] = 0x45, 0
	binary.BigEndian.PutUint16(h[2:], uint16(20+n))
	c.id[dir]++
	binary.BigEndian.PutUint16(h[4:], c.id[dir])
	binary.BigEndian.PutUint16(h[6:], 0x4000)
	h[8], h[9], h[10], h[11] = 64, c.proto, 0, 0
	a, o := h[12:16], h[16:20]
	if dir == 1 {
		a, o = o, a
	}
	binary.BigEndian.PutUint32(a, 0x0a000000|c.number&0xffffff)
	binary.BigEndian.PutUint32(o, 0xc6336400|c.number%199)
	return 34
}

func (s *station) ipv6(b []byte, c *conversation, dir, n int) int {
	binary.BigEndian.PutUint16(b[12:], 0x86dd)
	h := b[14:]
	binary.BigEndian.PutUint32(h, 0x60000000)
	binary.BigEndian.PutUint16(h[4:], uint16(n))
	h[6], h[7] = c.proto, 64
	a, o := h[8:24], h[24:40]
	if dir == 1 {
		a, o = o, a
	}
	binary.BigEndian.PutUint64(a, 0x20010db8_00000000)
	binary.BigEndian.PutUint64(a[8:], uint64(c.number))
	binary.BigEndian.PutUint64(o, 0x20010db8_00010000)
	binary.BigEndian.PutUint64(o[8:], uint64(c.number%199))
	return 54
}

func (s *station) tcp(h []byte, c *conversation, dir int, flags byte, payload int) {
	binary.BigEndian.PutUint32(h[4:], c.seq[dir])
	binary.BigEndian.PutUint32(h[8:], c.seq[1-dir])
	h[13] = flags
	binary.BigEndian.PutUint16(h[14:], 501)
	binary.BigEndian.PutUint32(h[16:], uint32(s.rng.Uint32())) // checksum and urgent pointer
	h[18], h[19] = 0, 0
	if flags&flagSYN != 0 {
		h[12] = 6 << 4
		binary.BigEndian.PutUint32(h[20:], 0x020405b4)
	} else {
		h[12] = 8 << 4
		binary.BigEndian.PutUint32(h[20:], 0x0101080a)
		binary.BigEndian.PutUint32(h[24:], uint32(s.nanos/1e6))
		binary.BigEndian.PutUint32(h[28:], uint32(s.nanos/1e6)-1)
	}
	c.seq[dir] += uint32(payload)
	if flags&(flagSYN|flagFIN) != 0 {
		c.seq[dir]++
	}
}

// step sends the next packet that the conversation has to send.
func (s *station) step(c *conversation) error {
	c.left--
	if c.proto != protoTCP {
		return s.send(c, c.sent&1, 0, 20+int(s.rng.Uint32N(200)))
	}
	switch {
	case c.sent == 0:
		return s.send(c, 0, flagSYN, 0)
	case c.sent == 1:
		return s.send(c, 1, flagSYN|flagACK, 0)
	case c.sent == 2:
		return s.send(c, 0, flagACK, 0)
	case c.left == 1:
		return s.send(c, 0, flagFIN|flagACK, 0)
	case c.left == 0:
		return s.send(c, 1, flagFIN|flagACK, 0)
	case c.unacked == 2 || c.unacked == 1 && s.rng.Uint32N(3) == 0:
		c.unacked = 0
		return s.send(c, 0, flagACK, 0)
	}
	c.unacked++
	size := 20 + int(s.rng.Uint32N(200))
	switch s.rng.Uint32N(100) {
	case 0: // the last segment once more
		c.seq[1] -= min(100, c.seq[1])
		size = 100
	case 1, 2, 3, 4, 5:
		size = 1428
	}
	return s.send(c, 1, flagPSH|flagACK, size)
}

// open makes a conversation of so many records.
func (s *station) open(number uint32, records int) conversation {
	c := conversation{number: number, proto: protoTCP, v6: number%8 == 0, left: records}
	switch {
	case number%10 < 3:
		c.proto = protoUDP
	case number%50 == 9:
		c.proto = protoICMP
	}
	c.seq = [2]uint32{s.rng.Uint32(), s.rng.Uint32()}
	c.id = [2]uint16{uint16(s.rng.Uint32()), uint16(s.rng.Uint32())}
	return c
}

// interleave sends the records of flows, open of them at a time, in trains of up to longest packets. size is how many
// records a flow has.
func (s *station) interleave(records, flows, atOnce, longest int, size func() int) error {
	var next uint32
	active := make([]conversation, 0, atOnce)
	for sent := 0; sent < records; {
		for len(active) < atOnce && int(next) < flows {
			active = append(active, s.open(next, size()))
			next++
		}
		u := s.rng.Float64()
		i := int(u * u * float64(len(active))) // some are busier than others
		for range 1 + s.rng.IntN(longest) {
			if err := s.step(&active[i]); err != nil {
				return err
			}
			if sent++; sent == records {
				break
			}
			if active[i].left <= 0 {
				if int(next) < flows {
					active[i] = s.open(next, size())
					next++
				} else {
					active[i].left = 1 << 30 // the last flows share what is left
				}
				break
			}
		}
	}
	return s.close()
}

func writeSmall(out sink, records int) error {
	s := newStation(out, 1)
	var flows [16]conversation
	for i := range flows {
		flows[i] = conversation{number: uint32(i), proto: protoUDP}
	}
	for i := range records {
		if err := s.send(&flows[i%len(flows)], 0, 0, 90); err != nil {
			return err
		}
	}
	return s.close()
}

// writeMix has flows of a heavy-tailed number of records: most have few, most records belong to large ones.
func writeMix(out sink, records int) error {
	s := newStation(out, 2)
	const shape, least = 1.1, 12
	size := func() int {
		n := least / math.Pow(1-s.rng.Float64(), 1/shape)
		return int(min(n, 200_000))
	}
	return s.interleave(records, records/100, 20_000, 8, size)
}

func writeMany(out sink, records int) error {
	s := newStation(out, 3)
	return s.interleave(records, records/6, 100_000, 2, func() int { return 6 })
}

func writeFlood(out sink, records int) error {
	s := newStation(out, 4)
	for i := range records {
		c := conversation{number: uint32(i), proto: protoTCP, seq: [2]uint32{uint32(i)}}
		if err := s.send(&c, 0, flagSYN, 0); err != nil {
			return err
		}
	}
	return s.close()
}

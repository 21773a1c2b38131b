package main

import (
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"os"
	"path/filepath"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
	"github.com/ulikunitz/xz"
)

// The captures that tests make up. All of them are little-endian pcap or pcapng files with times in microseconds.

const (
	linkEthernet = 1
	linkRaw      = 101
)

// pcapFile makes a pcap file of frames captured a millisecond apart. It says that snaplen is 262144, as tcpdump does.
func pcapFile(link uint32, start uint32, frames ...[]byte) []byte {
	le := binary.LittleEndian
	b := le.AppendUint32(nil, 0xa1b2c3d4)
	b = le.AppendUint16(le.AppendUint16(b, 2), 4)
	b = le.AppendUint32(append(b, make([]byte, 8)...), 262144)
	b = le.AppendUint32(b, link)
	for i, f := range frames {
		b = pcapRecord(b, start+uint32(i)/1000, uint32(i)%1000*1000, f)
	}
	return b
}

func pcapRecord(b []byte, seconds, micros uint32, frame []byte) []byte {
	le := binary.LittleEndian
	b = le.AppendUint32(le.AppendUint32(b, seconds), micros)
	b = le.AppendUint32(le.AppendUint32(b, uint32(len(frame))), uint32(len(frame)))
	return append(b, frame...)
}

// ngBlock makes a pcapng block.
func ngBlock(kind uint32, body ...byte) []byte {
	le := binary.LittleEndian
	length := uint32(12 + len(body) + -len(body)&3)
	b := le.AppendUint32(le.AppendUint32(nil, kind), length)
	b = append(append(b, body...), make([]byte, -len(body)&3)...)
	return le.AppendUint32(b, length)
}

// ngFile makes a pcapng file: a section header and the blocks.
func ngFile(blocks ...[]byte) []byte {
	section := binary.LittleEndian.AppendUint32(nil, 0x1a2b3c4d)
	section = append(section, 1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff)
	return append(ngBlock(0x0a0d0d0a, section...), bytes.Join(blocks, nil)...)
}

// ngInterface describes an interface, with options.
func ngInterface(link uint16, options ...byte) []byte {
	body := binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint16(nil, link), 0)
	return ngBlock(1, append(append(body, 0, 0), options...)...)
}

// ngPacket makes an enhanced packet block at some microseconds since 1970.
func ngPacket(iface uint32, micros uint64, frame []byte) []byte {
	le := binary.LittleEndian
	b := le.AppendUint32(le.AppendUint32(le.AppendUint32(nil, iface), uint32(micros>>32)), uint32(micros))
	b = le.AppendUint32(le.AppendUint32(b, uint32(len(frame))), uint32(len(frame)))
	return ngBlock(6, append(b, frame...)...)
}

var (
	client = net.IPv4(192, 0, 2, 1)
	server = net.IPv4(192, 0, 2, 2)
)

// udpFrame is a datagram from the client to the server.
func udpFrame(payload int) []byte {
	udp := &layers.UDP{SrcPort: 40000, DstPort: 9}
	return ethernetFrame(false, layers.IPProtocolUDP, udp, make([]byte, payload))
}

// tcpFrame is a segment from the client to the server, or back.
func tcpFrame(back bool, tcp layers.TCP, payload int) []byte {
	tcp.SrcPort, tcp.DstPort, tcp.Window = 40001, 80, 65535
	if back {
		tcp.SrcPort, tcp.DstPort = tcp.DstPort, tcp.SrcPort
	}
	return ethernetFrame(back, layers.IPProtocolTCP, &tcp, make([]byte, payload))
}

func ethernetFrame(back bool, proto layers.IPProtocol, transport gopacket.SerializableLayer, payload []byte) []byte {
	ip := &layers.IPv4{Version: 4, TTL: 64, Protocol: proto, SrcIP: client, DstIP: server, Flags: layers.IPv4DontFragment}
	eth := &layers.Ethernet{SrcMAC: net.HardwareAddr{2, 0, 0, 0, 0, 1}, DstMAC: net.HardwareAddr{2, 0, 0, 0, 0, 2}, EthernetType: layers.EthernetTypeIPv4}
	if back {
		ip.SrcIP, ip.DstIP, eth.SrcMAC, eth.DstMAC = ip.DstIP, ip.SrcIP, eth.DstMAC, eth.SrcMAC
	}
	if t, ok := transport.(interface {
		SetNetworkLayerForChecksum(gopacket.NetworkLayer) error
	}); ok {
		if err := t.SetNetworkLayerForChecksum(ip); err != nil {
			panic(err)
		}
	}
	b := gopacket.NewSerializeBuffer()
	fix := gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}
	if err := gopacket.SerializeLayers(b, fix, eth, ip, transport, gopacket.Payload(payload)); err != nil {
		panic(err) // the layers are the test's own
	}
	return b.Bytes()
}

// conversation is a TCP connection that carries 90 octets: 3 frames of setup, 1 of data, 2 ACKs, 2 of teardown.
func conversation() [][]byte {
	return [][]byte{
		tcpFrame(false, layers.TCP{SYN: true, Seq: 99}, 0),
		tcpFrame(true, layers.TCP{SYN: true, ACK: true, Seq: 499, Ack: 100}, 0),
		tcpFrame(false, layers.TCP{ACK: true, Seq: 100, Ack: 500}, 0),
		tcpFrame(false, layers.TCP{ACK: true, PSH: true, Seq: 100, Ack: 500}, 90),
		tcpFrame(true, layers.TCP{ACK: true, Seq: 500, Ack: 190}, 0),
		tcpFrame(false, layers.TCP{ACK: true, FIN: true, Seq: 190, Ack: 500}, 0),
		tcpFrame(true, layers.TCP{ACK: true, FIN: true, Seq: 500, Ack: 191}, 0),
		tcpFrame(false, layers.TCP{ACK: true, Seq: 191, Ack: 501}, 0),
	}
}

// compressions are those that wiretax takes off, by the usual end of a file's name.
var compressions = []struct {
	name, end string
	compress  func(io.Writer) (io.WriteCloser, error)
}{
	{"gzip", ".gz", func(w io.Writer) (io.WriteCloser, error) { return gzip.NewWriter(w), nil }},
	{"zstd", ".zst", func(w io.Writer) (io.WriteCloser, error) { return zstd.NewWriter(w, zstd.WithEncoderConcurrency(1)) }},
	{"lz4", ".lz4", func(w io.Writer) (io.WriteCloser, error) { return lz4.NewWriter(w), nil }},
	{"xz", ".xz", func(w io.Writer) (io.WriteCloser, error) { return xz.NewWriter(w) }},
}

// compressed writes what r gives to a file, compressed.
func compressed(name string, compress func(io.Writer) (io.WriteCloser, error), r io.Reader) (err error) {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	defer f.Close()
	w, err := compress(f)
	if err != nil {
		return err
	}
	if _, err = io.Copy(w, r); err != nil {
		return err
	}
	if err = w.Close(); err != nil {
		return err
	}
	return f.Close()
}

// writeCaptures makes the files that the scripts name.
func writeCaptures(dir string) error {
	datagrams := pcapFile(linkEthernet, 1000, udpFrame(90), udpFrame(90), udpFrame(90), udpFrame(90))
	blocks := [][]byte{ngInterface(linkEthernet)}
	for i, f := range conversation() {
		blocks = append(blocks, ngPacket(0, 1000_001_500+uint64(i)*1000, f)) // between the datagrams
	}
	files := map[string][]byte{
		"udp.pcap":     datagrams,
		"tcp.pcapng":   ngFile(blocks...),
		"none.pcap":    pcapFile(linkEthernet, 0),
		"empty.pcap":   nil,
		"cut.pcap":     datagrams[:len(datagrams)-10],
		"garbage.pcap": append(bytes.Clone(datagrams), bytes.Repeat([]byte{0xff}, 100)...),
		"archive.zip":  []byte("PK\x03\x04 and so on"),
		"raw.pcap":     pcapFile(linkRaw, 1000, udpFrame(90)[14:]),
		"jumbo.pcap":   pcapFile(linkEthernet, 1000, udpFrame(4000)),
	}
	for name, b := range files {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o644); err != nil {
			return err
		}
	}
	cut := bytes.NewReader(files["cut.pcap"])
	if err := compressed(filepath.Join(dir, "cut.pcap.gz"), compressions[0].compress, cut); err != nil {
		return err
	}
	for _, c := range compressions {
		if err := compressed(filepath.Join(dir, "udp.pcap"+c.end), c.compress, bytes.NewReader(datagrams)); err != nil {
			return err
		}
	}
	return nil
}

// Package lab builds the two test hosts of an experiment and the devices between them. A host is an anonymous network
// namespace (network_namespaces(7)): nothing but a thread and a descriptor of this process holds it, so the kernel takes it
// back with everything in it when the process ends, whatever ends it.
package lab

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Interface is the name of the one network interface of each host, unless it was lent.
const Interface = "wiretax0"

// Config says which link to build.
type Config struct {
	MTU int // octets of an IP packet; 0 for what lent interfaces have in common
	IP  int // 4 or 6
	// Queue is the length of the hosts' device queues in frames. A TAP device drops what does not fit, after the capture
	// has seen it.
	Queue int
	// Link chooses the devices; the zero value takes what works here and needs no more than a relay.
	Link Kind
	// KeepOffloads leaves segmentation and checksum offload on, as an ordinary host has them: captures then show
	// super-frames. Only a veth can do that; a wire has frames.
	KeepOffloads bool
	// Lent are interfaces of this machine that take the place of devices of the lab's own, with whatever is between them.
	Lent *Lent
	// InPlace are interfaces of the process's own namespace to use as they are; none where they are empty.
	InPlace [2]string
}

// Kind says what the hosts' interfaces are.
type Kind string

// The kinds of link.
const (
	TAP      Kind = "tap"       // TAP devices: the kernel segments and checksums everything, frames are those of a wire
	Packet   Kind = "packet"    // veth pairs whose far ends are packet sockets, for machines without /dev/net/tun
	Veth     Kind = "veth"      // one veth pair from host to host, nothing between: no ports, no rate, no delay
	Loopback Kind = "loopback"  // one namespace's loopback interface, from one address to the other: no Ethernet
	Real     Kind = "interface" // interfaces that were lent: no ports, and the rate and delay that they have
)

// Lab is two hosts whose interfaces end in two ports, but for the kinds Veth, Loopback and Real. What one host sends is read from its port, what
// is written to its port the host receives; whoever relays between the ports is the wire.
type Lab struct {
	A, B  *Host
	Kind  Kind
	MTU   int    // octets of an IP packet
	Ports [2]int // non-blocking descriptors: read(2) and write(2) carry one frame each

	relay     *Host // holds the far ends of the veth pairs
	portDrops int64
}

// Build makes the hosts. The caller needs CAP_SYS_ADMIN and CAP_NET_ADMIN, by privilege or by Reexec.
func Build(c Config) (*Lab, error) {
	l := &Lab{Kind: c.Link, MTU: c.MTU, Ports: [2]int{-1, -1}}
	if err := l.build(c); err != nil {
		l.Close()
		return nil, err
	}
	return l, nil
}

func (l *Lab) build(c Config) (err error) {
	if c.InPlace != [2]string{} {
		return l.inPlace(c)
	}
	if l.A, err = newHost("sender", 1, c.IP); err != nil {
		return err
	}
	if l.B, err = newHost("receiver", 2, c.IP); err != nil {
		return err
	}
	if c.Link == Loopback {
		return l.loopback(c)
	}
	if err := l.devices(c); err != nil {
		return err
	}
	if c.MTU == 0 {
		c.MTU = l.MTU
	}
	l.MTU = c.MTU
	for _, h := range l.hosts() {
		if c.KeepOffloads || c.Lent != nil { // what is lent is as the lender wants it
			break
		}
		if err := h.Within(plainFrames); err != nil {
			return err
		}
	}
	if err := l.A.configure(c, l.B); err != nil {
		return err
	}
	if err := l.B.configure(c, l.A); err != nil {
		return err
	}
	return l.awaitCarrier()
}

// awaitCarrier waits until all ends of veth pairs can send. The end that came up first gets its queue when the kernel's link
// watch sees the carrier (linkwatch_do_dev, net/core/link_watch.c); until then it drops every frame without an error.
func (l *Lab) awaitCarrier() error {
	if l.Kind == TAP {
		return nil
	}
	ends := map[*Host][]string{l.A: {l.A.Interface}, l.B: {l.B.Interface}}
	if l.relay != nil {
		ends[l.relay] = []string{farEnd(0), farEnd(1)}
	}
	patience := carrierPatience
	if l.Kind == Real {
		patience = negotiationPatience
	}
	for h, names := range ends {
		for _, name := range names {
			if err := h.awaitUp(name, patience); err != nil {
				return err
			}
		}
	}
	return nil
}

// carrierPatience is far more than the link watch, which looks once a second at most, needs.
const carrierPatience = 5 * time.Second

// negotiationPatience is more than two real ports take to agree on a rate (autonegotiation, IEEE 802.3 clause 28).
const negotiationPatience = 15 * time.Second

func (h *Host) awaitUp(name string, patience time.Duration) error {
	advice := ""
	if patience == negotiationPatience {
		advice = " (is the cable plugged in?)"
	}
	for deadline := time.Now().Add(patience); ; time.Sleep(200 * time.Microsecond) {
		var state netlink.LinkOperState
		running := false
		err := h.Within(func() error {
			link, err := netlink.LinkByName(name)
			if err == nil {
				state, running = link.Attrs().OperState, link.Attrs().RawFlags&unix.IFF_RUNNING != 0
			}
			return err
		})
		switch {
		case err != nil:
			return fmt.Errorf("read state of %s: %w", name, err)
		case state == netlink.OperUp, running && state == netlink.OperUnknown: // not every driver tells
			return nil
		case time.Now().After(deadline):
			return fmt.Errorf("bring up %s of %s: still %v after %v%s", name, h.Name, state, patience, advice)
		}
	}
}

// farEnd is the name of the relay's end of the pair to the i-th host.
func farEnd(i int) string { return fmt.Sprintf("wire%d", i) }

// devices makes the interfaces: TAP unless the machine does not let us, or the caller wants others.
func (l *Lab) devices(c Config) error {
	if c.Lent != nil {
		l.Kind = Real
		return l.adopt(c.Lent)
	}
	if c.Link == Veth {
		l.Kind = Veth
		return l.pair()
	}
	if c.Link != Packet {
		err := l.taps()
		if err == nil {
			l.Kind = TAP
			return nil
		}
		var missing *NoTUNError
		if c.Link == TAP || !errors.As(err, &missing) {
			return err
		}
	}
	l.Kind = Packet
	return l.packets()
}

// pair connects the hosts with one veth pair.
func (l *Lab) pair() error {
	return l.A.Within(func() error { return addVeth(Interface, l.B) })
}

func (l *Lab) taps() (err error) {
	for i, h := range l.hosts() {
		err := h.Within(func() (err error) {
			l.Ports[i], err = openTAP(Interface)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (l *Lab) packets() (err error) {
	if l.relay, err = newHost("wire", 3, 4); err != nil {
		return err
	}
	for i, h := range l.hosts() {
		far := farEnd(i)
		err := l.relay.Within(func() (err error) {
			if err := addVeth(far, h); err != nil {
				return err
			}
			if err := silentUp(far); err != nil {
				return err
			}
			l.Ports[i], err = openPacket(far)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (l *Lab) hosts() [2]*Host { return [2]*Host{l.A, l.B} }

// Close takes the devices and the hosts away. Closing twice is harmless.
func (l *Lab) Close() {
	for i, fd := range l.Ports {
		if fd >= 0 {
			unix.Close(fd)
			l.Ports[i] = -1
		}
	}
	for _, h := range []*Host{l.A, l.B, l.relay} {
		if h != nil {
			h.close()
		}
	}
	l.A, l.B, l.relay = nil, nil, nil
}

// PortDrops is the number of frames that the packet sockets of the link had no room for since Build. TAP devices count
// theirs as Counters.TxDropped.
func (l *Lab) PortDrops() (int64, error) {
	if l.Kind != Packet {
		return 0, nil
	}
	for _, fd := range l.Ports {
		s, err := unix.GetsockoptTpacketStats(fd, unix.SOL_PACKET, unix.PACKET_STATISTICS)
		if err != nil {
			return l.portDrops, fmt.Errorf("read drops of packet socket: %w", err)
		}
		l.portDrops += int64(s.Drops) // reading resets the kernel's counter
	}
	return l.portDrops, nil
}

// Counters are an interface's own counts (rtnl_link_stats64, include/uapi/linux/if_link.h).
type Counters struct {
	TxPackets, RxPackets, TxDropped, RxDropped, TxErrors, RxErrors int64
}

// Sub returns what was counted since before.
func (c Counters) Sub(before Counters) Counters {
	return Counters{
		c.TxPackets - before.TxPackets, c.RxPackets - before.RxPackets, c.TxDropped - before.TxDropped,
		c.RxDropped - before.RxDropped, c.TxErrors - before.TxErrors, c.RxErrors - before.RxErrors,
	}
}

// Counters asks the kernel by netlink: /sys/class/net shows the namespace of the mount, not the host's.
func (h *Host) Counters() (c Counters, err error) {
	err = h.Within(func() error {
		link, err := netlink.LinkByName(h.Interface)
		if err != nil {
			return fmt.Errorf("read counters of %s: %w", h.Name, err)
		}
		s := link.Attrs().Statistics
		c = Counters{
			int64(s.TxPackets), int64(s.RxPackets), int64(s.TxDropped), int64(s.RxDropped), int64(s.TxErrors), int64(s.RxErrors),
		}
		return nil
	})
	return c, err
}

// address returns the n-th address of the link: documentation prefixes (RFC 5737, RFC 3849), which are nobody's.
func address(ip, n int) netip.Prefix {
	if ip == 6 {
		return netip.MustParsePrefix(fmt.Sprintf("2001:db8::%d/64", n))
	}
	return netip.MustParsePrefix(fmt.Sprintf("192.0.2.%d/24", n))
}

func hardwareAddr(n int) net.HardwareAddr { return net.HardwareAddr{2, 0, 0, 0, 0, byte(n)} }

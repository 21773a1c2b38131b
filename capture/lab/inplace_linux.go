package lab

import (
	"fmt"
	"net/netip"
	"os"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// inPlace makes hosts of two interfaces of this process's own namespace, with the addresses and routes that they have. Nothing is
// set. Without rules of routing of the user's own the kernel delivers between its addresses itself, and no frame leaves: that is
// refused.
func (l *Lab) inPlace(c Config) (err error) {
	for i, h := range []**Host{&l.A, &l.B} {
		name := [2]string{"sender", "receiver"}[i]
		if *h, err = hostInPlace(name, c.InPlace[i], c.IP); err != nil {
			return err
		}
		link, err := netlink.LinkByName(c.InPlace[i])
		if err != nil {
			return fmt.Errorf("find %s: %w", c.InPlace[i], err)
		}
		if mtu := link.Attrs().MTU; i == 0 || mtu < l.MTU {
			l.MTU = mtu
		}
	}
	l.Kind = Real
	for _, way := range [][2]*Host{{l.A, l.B}, {l.B, l.A}} {
		if err := leaves(way[0], way[1]); err != nil {
			return err
		}
	}
	return l.awaitCarrier()
}

// hostInPlace is the interface as it is, with its first address of the IP version.
func hostInPlace(name, device string, ip int) (*Host, error) {
	link, err := netlink.LinkByName(device)
	if err != nil {
		return nil, fmt.Errorf("find %s: %w", device, err)
	}
	family := map[int]int{4: unix.AF_INET, 6: unix.AF_INET6}[ip]
	list, err := netlink.AddrList(link, family)
	if err != nil {
		return nil, fmt.Errorf("list addresses of %s: %w", device, err)
	}
	h := &Host{Name: name, Interface: device, MAC: link.Attrs().HardwareAddr, tasks: make(chan func())}
	for _, a := range list {
		if addr, ok := netip.AddrFromSlice(a.IP); ok && a.Scope == unix.RT_SCOPE_UNIVERSE && !h.Addr.IsValid() {
			h.Addr = addr.Unmap()
		}
	}
	if !h.Addr.IsValid() {
		return nil, fmt.Errorf("use %s in place: it has no IPv%d address", device, ip)
	}
	if h.ns, err = os.Open("/proc/thread-self/ns/net"); err != nil {
		return nil, fmt.Errorf("open namespace of %s: %w", name, err)
	}
	onOwnThread(func() {
		for task := range h.tasks {
			task()
		}
	})
	return h, nil
}

// leaves asks the kernel which way it sends from one host to the other.
func leaves(from, to *Host) error {
	found, err := netlink.RouteGetWithOptions(to.Addr.AsSlice(), &netlink.RouteGetOptions{SrcAddr: from.Addr.AsSlice()})
	if err != nil {
		return fmt.Errorf("find route from %v to %v: %w", from.Addr, to.Addr, err)
	}
	link, err := netlink.LinkByName(from.Interface)
	if err != nil {
		return fmt.Errorf("find %s: %w", from.Interface, err)
	}
	for _, r := range found {
		if r.LinkIndex != link.Attrs().Index {
			return fmt.Errorf("use %s and %s in place: this kernel has both addresses and delivers between them itself, without a frame on %s (leave --in-place out: each port gets a namespace then; or route by source address)",
				from.Interface, to.Interface, from.Interface)
		}
	}
	return nil
}

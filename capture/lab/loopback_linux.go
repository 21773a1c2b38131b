package lab

import (
	"fmt"
	"net/netip"

	"github.com/safchain/ethtool"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// loopback makes both hosts one namespace, and the link its loopback interface: what one address sends to the other never
// leaves the kernel. The hardware addresses are for sentinels only; the interface has none.
func (l *Lab) loopback(c Config) error {
	l.B.close()
	b := address(c.IP, 2)
	l.B = &Host{Name: "receiver", MAC: hardwareAddr(2), Addr: b.Addr(), prefix: b, tasks: l.A.tasks, shared: true}
	l.A.Interface, l.B.Interface = "lo", "lo"
	err := l.A.Within(func() error {
		link, err := netlink.LinkByName("lo")
		if err != nil {
			return err
		}
		l.MTU = link.Attrs().MTU
		if c.MTU > 0 {
			l.MTU = c.MTU
			if err := netlink.LinkSetMTU(link, c.MTU); err != nil {
				return fmt.Errorf("set MTU %d: %w", c.MTU, err)
			}
		}
		for _, a := range []netip.Addr{l.A.Addr, l.B.Addr} {
			alone := ipNet(netip.PrefixFrom(a, a.BitLen()))
			if err := netlink.AddrAdd(link, &netlink.Addr{IPNet: alone, Flags: unix.IFA_F_NODAD}); err != nil {
				return fmt.Errorf("add address %v: %w", a, err)
			}
		}
		if err := unsegmented(); err != nil {
			return err
		}
		return netlink.LinkSetUp(link)
	})
	if err != nil {
		return fmt.Errorf("configure loopback: %w", err)
	}
	return nil
}

// unsegmented switches off what lets a loopback interface carry several segments as one.
func unsegmented() error {
	e, err := ethtool.NewEthtool()
	if err != nil {
		return fmt.Errorf("open ethtool: %w", err)
	}
	defer e.Close()
	on, err := e.Features("lo")
	if err != nil {
		return fmt.Errorf("read features: %w", err)
	}
	off := make(map[string]bool)
	for _, name := range []string{
		"tx-generic-segmentation", "tx-tcp-segmentation", "tx-tcp-accecn-segmentation", "tx-tcp-ecn-segmentation",
		"tx-tcp-mangleid-segmentation", "tx-tcp6-segmentation", "tx-udp-segmentation", "rx-gro",
	} {
		if on[name] {
			off[name] = false
		}
	}
	return e.Change("lo", off)
}

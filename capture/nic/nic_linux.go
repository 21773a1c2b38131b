// Package nic reads what a real interface of this machine is set to. It changes nothing.
package nic

import (
	"fmt"

	"github.com/safchain/ethtool"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Interface is a network interface of the process's namespace.
type Interface struct {
	Name   string
	Up     bool
	MTU    int    // octets of an IP packet
	Queue  int    // txqueuelen: frames that wait in the device queue at most
	Driver string // as ethtool -i has it; empty where the device does not say
	// Hiding are the offloads that are on and let a capture show super-frames in the place of the wire's frames, by the names
	// of ethtool -k.
	Hiding []string
}

// hiding are the features of segmentation before and reassembly after the capture (net/ethtool/common.c), with the name
// that ethtool -K has for them. tx-generic-segmentation comes after the capture unless the NIC's own takes over.
var hiding = []struct{ feature, option string }{
	{"tx-tcp-segmentation", "tso"}, {"tx-tcp6-segmentation", "tx-tcp6-segmentation"}, {"tx-udp-segmentation", "tx-udp-segmentation"},
	{"rx-gro", "gro"}, {"rx-lro", "lro"}, {"rx-gro-list", "rx-gro-list"},
}

// List reads all interfaces, in the order of the kernel.
func List() ([]Interface, error) {
	links, err := netlink.LinkList()
	if err != nil {
		return nil, fmt.Errorf("list interfaces: %w", err)
	}
	e, err := ethtool.NewEthtool()
	if err != nil {
		return nil, fmt.Errorf("open ethtool: %w", err)
	}
	defer e.Close()
	var list []Interface
	for _, l := range links {
		a := l.Attrs()
		i := Interface{Name: a.Name, Up: a.Flags&unix.IFF_UP != 0, MTU: a.MTU, Queue: a.TxQLen}
		i.Driver, _ = e.DriverName(a.Name)  // lo has none
		features, err := e.Features(a.Name) // a device without any says so by an error
		for _, h := range hiding {
			if err == nil && features[h.feature] {
				i.Hiding = append(i.Hiding, h.option)
			}
		}
		list = append(list, i)
	}
	return list, nil
}

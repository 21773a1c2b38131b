// Package nic knows the real interfaces of this machine: it reads what they are set to, borrows them for a run, and gives them
// back as they were.
package nic

import (
	"errors"
	"fmt"
	"slices"

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

// Exists reports whether there is an interface of that name. Where that cannot be told, there may be one.
func Exists(name string) bool {
	_, err := netlink.LinkByName(name)
	return !errors.As(err, new(netlink.LinkNotFoundError))
}

// Driver is the name of the interface's driver, as ethtool -i has it; empty where the device does not say.
func Driver(name string) string {
	e, err := ethtool.NewEthtool()
	if err != nil {
		return ""
	}
	defer e.Close()
	driver, _ := e.DriverName(name)
	return driver
}

// invented are drivers that state a speed that nothing has.
var invented = []string{"veth", "tun", "bridge"}

// Speed is the rate of the interface's link in bits per second, as ethtool has it; 0 where the driver does not know, or makes
// one up.
func Speed(name string) int64 {
	e, err := ethtool.NewEthtool()
	if err != nil {
		return 0
	}
	defer e.Close()
	driver, err := e.DriverName(name)
	if err != nil || slices.Contains(invented, driver) {
		return 0
	}
	settings, err := e.CmdGetMapped(name)
	const unknown = 1<<32 - 1 // SPEED_UNKNOWN; 16 bits of it where a driver is old
	if speed := settings["speed"]; err == nil && speed < unknown && speed != 1<<16-1 {
		return int64(speed) * 1e6
	}
	return 0
}

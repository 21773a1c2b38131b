package nic

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// State is all that a run may change about an interface, or that the kernel forgets when it goes to another namespace.
type State struct {
	Name       string
	MAC        string
	MTU        int // octets of an IP packet
	Queue      int // txqueuelen
	Flags      uint32
	Features   map[string]bool   // by the kernel's names
	Settings   map[string]string // sysctls of the interface: ipv4/conf/forwarding
	Addresses  []message         // in the order in which they were given: the first of a prefix is the primary one
	Routes     []message
	Neighbours []message // permanent ones, and those that are answered for by proxy
	Taken      time.Time

	index int
}

// flags are the settings among the interface flags (netdevice(7)). The rest is state.
const flags = unix.IFF_UP | unix.IFF_NOARP | unix.IFF_PROMISC | unix.IFF_ALLMULTI | unix.IFF_MULTICAST | unix.IFF_DEBUG

// Read takes the state of an interface of the calling thread's namespace.
func Read(name string) (State, error) {
	link, err := netlink.LinkByName(name)
	if err != nil {
		return State{}, fmt.Errorf("find %s: %w", name, err)
	}
	return read(link)
}

func read(link netlink.Link) (State, error) {
	a := link.Attrs()
	s := State{
		Name: a.Name, MAC: a.HardwareAddr.String(), MTU: a.MTU, Queue: a.TxQLen, Flags: a.RawFlags & flags,
		Settings: settings(a.Name), Taken: time.Now(), index: a.Index,
	}
	var errs [4]error
	s.Features, errs[0] = features(a.Name)
	s.Addresses, errs[1] = s.messages(addresses, func(m message) bool {
		// Temporary IPv6 addresses are the kernel's own making (RFC 8981).
		return m[0] == unix.AF_INET || m[2]&unix.IFA_F_TEMPORARY == 0
	})
	s.Routes, errs[2] = s.messages(routes, s.lasting)
	s.Neighbours, errs[3] = s.messages(neighbours, func(m message) bool {
		const state = 8 // offset of ndm_state
		return nativeUint16(m[state:])&unix.NUD_PERMANENT != 0 || m[neighbours.proxied]&unix.NTF_PROXY != 0
	})
	if err := errors.Join(errs[:]...); err != nil {
		return State{}, fmt.Errorf("read state of %s: %w", a.Name, err)
	}
	return s, nil
}

func (s State) messages(k kind, wanted func(message) bool) ([]message, error) {
	all, err := k.all()
	return slices.DeleteFunc(all, func(m message) bool { return !k.belongs(m, s.index) || !wanted(m) }), err
}

// lasting reports whether a route is a setting. The kernel makes some routes with the addresses, and learns others from routers.
func (s State) lasting(m message) bool {
	const table, protocol = 4, 5 // offsets of rtm_table and rtm_protocol
	switch {
	case m[table] == unix.RT_TABLE_LOCAL, m[protocol] == unix.RTPROT_REDIRECT, m[protocol] == unix.RTPROT_RA:
		return false
	case m[protocol] == unix.RTPROT_KERNEL:
		return slices.ContainsFunc(s.Addresses, func(a message) bool { return withoutRoute(a) && isNetwork(a, m) })
	}
	return true
}

// withoutRoute reports whether the kernel was told to make no route with the address (IFA_F_NOPREFIXROUTE). Network managers do
// that, make the route themselves with a metric of their own, and say that it is the kernel's.
func withoutRoute(address message) bool {
	v := addresses.attribute(address, unix.IFA_FLAGS)
	return len(v) == 4 && nativeUint32(v)&unix.IFA_F_NOPREFIXROUTE != 0
}

// isNetwork reports whether the route leads to the network of the address.
func isNetwork(address, route message) bool {
	const length = 1 // offset of ifa_prefixlen, and of rtm_dst_len
	if address[0] != route[0] || address[length] != route[length] {
		return false
	}
	ip, ok := netip.AddrFromSlice(addresses.attribute(address, unix.IFA_ADDRESS)) // of the peer, where there is one
	to, known := netip.AddrFromSlice(routes.attribute(route, unix.RTA_DST))
	network, err := ip.Prefix(int(address[length]))
	return ok && known && err == nil && network.Addr() == to
}

// settingsDirs hold the sysctls of an interface, below a directory of its name.
var settingsDirs = []string{"ipv4/conf", "ipv4/neigh", "ipv6/conf", "ipv6/neigh"}

// settings reads the sysctls of an interface in the calling thread's namespace. What cannot be read cannot be restored.
func settings(name string) map[string]string {
	all := make(map[string]string)
	for _, dir := range settingsDirs {
		files, _ := os.ReadDir(filepath.Join("/proc/sys/net", dir, name)) // a kernel without IPv6 has none
		for _, f := range files {
			if b, err := os.ReadFile(filepath.Join("/proc/sys/net", dir, name, f.Name())); err == nil {
				all[dir+"/"+f.Name()] = strings.TrimSpace(string(b))
			}
		}
	}
	return all
}

// Differences says in what the state now is not the one it was; nothing if they are the same.
func (s State) Differences(now State) (list []string) {
	differ := func(what string, was, is any) {
		if was != is {
			list = append(list, fmt.Sprintf("%s %v, was %v", what, is, was))
		}
	}
	differ("name", s.Name, now.Name)
	differ("hardware address", s.MAC, now.MAC)
	differ("MTU", s.MTU, now.MTU)
	differ("txqueuelen", s.Queue, now.Queue)
	differ("flags", fmt.Sprintf("%#x", s.Flags), fmt.Sprintf("%#x", now.Flags))
	for _, f := range slices.Sorted(maps.Keys(s.Features)) {
		differ(f, onOff(s.Features[f]), onOff(now.Features[f]))
	}
	for _, f := range slices.Sorted(maps.Keys(s.Settings)) {
		differ(f, s.Settings[f], now.Settings[f])
	}
	for _, part := range []struct {
		what    string
		k       kind
		was, is []message
	}{
		{"address", addresses, s.Addresses, now.Addresses}, {"route", routes, s.Routes, now.Routes},
		{"permanent or proxied neighbour", neighbours, s.Neighbours, now.Neighbours},
	} {
		was, is := part.k.identities(part.was), part.k.identities(part.is)
		for _, id := range was {
			if !slices.Contains(is, id) {
				list = append(list, part.what+" missing")
			}
		}
		for _, id := range is {
			if !slices.Contains(was, id) {
				list = append(list, part.what+" added")
			}
		}
	}
	return list
}

func (k kind) identities(list []message) (ids []string) {
	for _, m := range list {
		ids = append(ids, k.identity(m))
	}
	return ids
}

func onOff(on bool) string {
	if on {
		return "on"
	}
	return "off"
}

// movable says why an interface cannot be lent to another namespace: what would be lost on the way, or whom it would cut off.
func movable(s State) error {
	link, err := netlink.LinkByIndex(s.index)
	if err != nil {
		return fmt.Errorf("find %s: %w", s.Name, err)
	}
	refuse := func(format string, args ...any) error {
		return fmt.Errorf("move %s: %s (use --in-place, or another interface)", s.Name, fmt.Sprintf(format, args...))
	}
	if link.Attrs().Flags&net.FlagLoopback != 0 {
		return refuse("it is the loopback interface, and every namespace has its own")
	}
	if master := link.Attrs().MasterIndex; master != 0 {
		return refuse("it is a port of %s", nameOf(master))
	}
	links, err := netlink.LinkList()
	if err != nil {
		return fmt.Errorf("list interfaces: %w", err)
	}
	for _, l := range links {
		if a := l.Attrs(); a.ParentIndex == s.index && a.NetNsID < 0 && l.Type() != "veth" {
			return refuse("%s is on top of it", a.Name)
		}
	}
	qdiscs, err := netlink.QdiscList(link)
	if err != nil {
		return fmt.Errorf("list queueing disciplines of %s: %w", s.Name, err)
	}
	for _, q := range qdiscs {
		if q.Attrs().Handle != 0 {
			return refuse("its %s queueing discipline would be lost", q.Type())
		}
	}
	if peer := connected(s); peer != "" {
		return refuse("a TCP connection to %s goes over it", peer)
	}
	all, err := routes.all()
	if err != nil {
		return fmt.Errorf("list routes: %w", err)
	}
	for _, m := range all {
		switch length := m[1]; {
		case hasHop(m, s.index):
			return refuse("a route of several hops uses it")
		case length == 0 && m[4] == unix.RT_TABLE_MAIN && routes.belongs(m, s.index):
			return refuse("it has this machine's default route")
		}
	}
	return nil
}

// connected returns the other end of a TCP connection that has an address of the interface, if there is one: it may be the one
// that the user is working over. A kernel without inet_diag cannot tell.
func connected(s State) string {
	for _, family := range []uint8{unix.AF_INET, unix.AF_INET6} {
		sockets, _ := netlink.SocketDiagTCP(family)
		for _, socket := range sockets {
			const established = 1 // TCP_ESTABLISHED (include/net/tcp_states.h)
			if socket.State == established && slices.ContainsFunc(s.Addresses, func(m message) bool { return isAddress(m, socket.ID.Source) }) {
				return socket.ID.Destination.String()
			}
		}
	}
	return ""
}

// isAddress reports whether the message is of that address of this machine.
func isAddress(m message, ip net.IP) bool {
	for _, kind := range []uint16{unix.IFA_LOCAL, unix.IFA_ADDRESS} {
		if v := addresses.attribute(m, kind); v != nil {
			return ip.Equal(net.IP(v))
		}
	}
	return false
}

const nexthopID = 30 // RTA_NH_ID (include/uapi/linux/rtnetlink.h)

// hasHop reports whether one of the hops of a multipath route, or a nexthop object, is the interface's.
func hasHop(m message, index int) bool {
	hops := routes.attribute(m, unix.RTA_MULTIPATH)
	for len(hops) >= unix.SizeofRtNexthop {
		n := int(nativeUint16(hops))
		if n < unix.SizeofRtNexthop || n > len(hops) {
			break
		}
		if nativeUint32(hops[4:]) == uint32(index) {
			return true
		}
		hops = hops[min((n+3)&^3, len(hops)):]
	}
	return routes.belongs(m, index) && routes.attribute(m, nexthopID) != nil
}

func nameOf(index int) string {
	link, err := netlink.LinkByIndex(index)
	if err != nil {
		return fmt.Sprintf("interface %d", index)
	}
	return link.Attrs().Name
}

package nic

import (
	"cmp"
	"fmt"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// movable says why an interface cannot be lent to another namespace: what would be lost on the way, or whom it would cut off.
func movable(s State) error {
	link, err := netlink.LinkByIndex(s.Index)
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
		if a := l.Attrs(); a.ParentIndex == s.Index && a.NetNsID < 0 && l.Type() != "veth" {
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
	for _, find := range []func(State) (string, error){routed, learned, joined, hooked} {
		if why, err := find(s); why != "" || err != nil {
			return cmp.Or(err, refuse("%s", why))
		}
	}
	return nil
}

// routed says which route, of those that would be lost, uses the interface.
func routed(s State) (why string, err error) {
	all, err := routes.all()
	if err != nil {
		return "", fmt.Errorf("list routes: %w", err)
	}
	for _, m := range all {
		here := routes.belongs(m, s.Index)
		source := net.IP(routes.attribute(m, unix.RTA_PREFSRC))
		switch length := m[1]; {
		case hasHop(m, s.Index):
			return "a route of several hops uses it", nil
		case length == 0 && m[4] == unix.RT_TABLE_MAIN && here:
			return "it has this machine's default route", nil
		case !here && m[4] != unix.RT_TABLE_LOCAL && source != nil && slices.ContainsFunc(s.Addresses, func(a message) bool { return isAddress(a, source) }):
			return fmt.Sprintf("a route over another interface has its address %v as source", source), nil
		}
	}
	objects, _ := nexthops.all() // Linux before 5.3 has none
	for _, m := range objects {
		if nexthops.belongs(m, s.Index) {
			return "a nexthop object uses it, as ip nexthop shows", nil
		}
	}
	return "", nil
}

// nexthops are the objects that routes may refer to. They end with the interface, and their routes with them.
var nexthops = kind{dump: unix.RTM_GETNEXTHOP, add: unix.RTM_NEWNEXTHOP, head: unix.SizeofNhmsg, oif: unix.NHA_OIF}

// learned says which neighbour a program keeps there that knows what it did, and not that it is undone.
func learned(s State) (why string, err error) {
	kept, err := s.messages(neighbours, func(m message) bool {
		more := neighbours.attribute(m, netlink.NDA_FLAGS_EXT)
		managed := len(more) == 4 && nativeUint32(more)&netlink.NTF_EXT_MANAGED != 0
		return m[0] != unix.AF_BRIDGE && !configured(m) && (managed || m[neighbours.flags]&netlink.NTF_EXT_LEARNED != 0)
	})
	if err != nil || len(kept) == 0 {
		return "", err
	}
	return "a program keeps its neighbours there, managed or extern_learn in ip neighbour", nil
}

// joined says which group of hardware addresses somebody joined by hand (ip maddress); protocols and programs join theirs anew.
func joined(s State) (why string, err error) {
	table, err := os.ReadFile("/proc/thread-self/net/dev_mcast")
	for line := range strings.Lines(string(table)) {
		const index, byHand, address = 0, 3, 4 // columns (net/core/dev_addr_lists.c, dev_mc_seq_show)
		f := strings.Fields(line)
		if len(f) > address && f[index] == strconv.Itoa(s.Index) && f[byHand] != "0" {
			return "it was made to listen to " + f[address] + " by ip maddress", nil
		}
	}
	return "", err
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

// hasHop reports whether one of the hops of a multipath route is the interface's.
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
	return false
}

func nameOf(index int) string {
	link, err := netlink.LinkByIndex(index)
	if err != nil {
		return fmt.Sprintf("interface %d", index)
	}
	return link.Attrs().Name
}

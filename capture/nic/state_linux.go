package nic

import (
	"errors"
	"fmt"
	"maps"
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
	Neighbours []message // permanent ones, those that are answered for by proxy, and other hardware addresses that are taken in
	Token      string    // IPv6 interface identifier of addresses to come (ip-token(8)); empty: none
	Taken      time.Time

	// Who it is, whatever its name: its hardware address may be a setting, the permanent one is the maker's.
	Permanent string `json:",omitempty"`
	Index     int
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
		Settings: settings(a.Name), Taken: time.Now(), Permanent: a.PermHWAddr.String(), Index: a.Index,
	}
	var errs [5]error
	s.Features, errs[0] = features(a.Name)
	s.Addresses, errs[1] = s.messages(addresses, func(m message) bool {
		// Temporary IPv6 addresses are the kernel's own making (RFC 8981).
		return m[0] == unix.AF_INET || m[2]&unix.IFA_F_TEMPORARY == 0
	})
	s.Routes, errs[2] = s.messages(routes, s.lasting)
	s.Neighbours, errs[3] = s.messages(neighbours, configured)
	s.Token, errs[4] = token(a.Index)
	if err := errors.Join(errs[:]...); err != nil {
		return State{}, fmt.Errorf("read state of %s: %w", a.Name, err)
	}
	return s, nil
}

func (s State) messages(k kind, wanted func(message) bool) (list []message, err error) {
	all, err := k.all()
	for _, m := range all {
		if k.belongs(m, s.Index) && wanted(m) {
			list = append(list, k.dated(m))
		}
	}
	return list, err
}

// configured reports whether a neighbour is a setting. The bridge's family has what else the interface takes in, which protocols
// set where it is a group.
func configured(m message) bool {
	const state = 8 // offset of ndm_state
	if m[0] == unix.AF_BRIDGE {
		mac := neighbours.attribute(m, unix.NDA_LLADDR)
		return m[neighbours.flags]&unix.NTF_SELF != 0 && len(mac) == 6 && mac[0]&1 == 0
	}
	return nativeUint16(m[state:])&unix.NUD_PERMANENT != 0 || m[neighbours.flags]&unix.NTF_PROXY != 0
}

// lasting reports whether a route is a setting. The kernel makes some routes with the addresses, learns others from routers, and
// keeps what it found out about a destination, such as its path MTU, as a route too.
func (s State) lasting(m message) bool {
	const table, protocol = 4, 5 // offsets of rtm_table and rtm_protocol
	switch {
	case m[protocol] == unix.RTPROT_REDIRECT, m[protocol] == unix.RTPROT_RA, nativeUint32(m[routeFlags:])&unix.RTM_F_CLONED != 0:
		return false
	case m[protocol] == unix.RTPROT_KERNEL && m[table] == unix.RT_TABLE_LOCAL:
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
	differ("IPv6 token", s.Token, now.Token)
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

package nic

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// Restore makes the interface what it was, in the calling thread's namespace, and reads it again to see that it is. What is as
// it was is not touched: restoring twice is harmless.
func (s State) Restore() error {
	link, err := s.find()
	if err != nil {
		return err
	}
	now, err := read(link)
	if err != nil {
		return err
	}
	if len(s.Differences(now)) == 0 {
		return nil
	}
	s.index = now.index
	failures := s.apply(now)
	if err := s.await(); err != nil {
		return errors.Join(append([]error{err}, failures...)...)
	}
	return nil
}

// restorePatience is how long the kernel may take until what it makes itself is there: link-local addresses, after the
// carrier and duplicate address detection (RFC 4862 section 5.4).
const restorePatience = 4 * time.Second

// await waits until the interface is as it was.
func (s State) await() error {
	for deadline := time.Now().Add(restorePatience); ; time.Sleep(20 * time.Millisecond) {
		now, err := Read(s.Name)
		if err != nil {
			return err
		}
		differences := s.Differences(now)
		if len(differences) == 0 {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("restore %s: %s", s.Name, strings.Join(differences, ", "))
		}
		s.give(now) // a route may need an address that was not usable yet
	}
}

// find finds the interface by its name, or, when the kernel took it back under another, by its hardware address.
func (s State) find() (netlink.Link, error) {
	link, err := netlink.LinkByName(s.Name)
	if err == nil {
		return link, nil
	}
	links, listErr := netlink.LinkList()
	if listErr != nil {
		return nil, fmt.Errorf("list interfaces: %w", listErr)
	}
	for _, l := range links {
		if a := l.Attrs(); s.MAC != "" && a.HardwareAddr.String() == s.MAC && strings.HasPrefix(a.Name, "dev") {
			return l, nil
		}
	}
	return nil, fmt.Errorf("find %s: %w", s.Name, err)
}

// apply changes what differs and goes on past what cannot be changed.
func (s State) apply(now State) (failures []error) {
	try := func(what string, err error) {
		if err != nil {
			failures = append(failures, fmt.Errorf("restore %s of %s: %w", what, s.Name, err))
		}
	}
	if now.Name != s.Name {
		try("name", s.set(now.Flags&^unix.IFF_UP, attribute{unix.IFLA_IFNAME, nl.ZeroTerminated(s.Name)}))
	}
	if now.MTU != s.MTU {
		try("MTU", s.set(now.Flags, attribute{unix.IFLA_MTU, nl.Uint32Attr(uint32(s.MTU))}))
	}
	if now.Queue != s.Queue {
		try("txqueuelen", s.set(now.Flags, attribute{unix.IFLA_TXQLEN, nl.Uint32Attr(uint32(s.Queue))}))
	}
	if mac, err := net.ParseMAC(s.MAC); err == nil && now.MAC != s.MAC {
		try("hardware address", s.set(now.Flags, attribute{unix.IFLA_ADDRESS, mac}))
	}
	changed := maps.Clone(s.Features)
	maps.DeleteFunc(changed, func(f string, on bool) bool { was, known := now.Features[f]; return !known || was == on })
	refused, err := setFeatures(s.Name, changed)
	try("features", err)
	if len(refused) > 0 { // one that depends on another needs a second request
		maps.DeleteFunc(changed, func(f string, _ bool) bool { return !slices.Contains(refused, f) })
		_, err := setFeatures(s.Name, changed)
		try("features", err)
	}
	s.writeSettings(now)
	try("flags", s.set(s.Flags))
	s.writeSettings(State{Settings: settings(s.Name)}) // IPv6 has its own only while it is up
	s.give(now)
	return failures
}

// give adds the addresses, neighbours and routes that are missing. What cannot be added yet is found missing later.
func (s State) give(now State) {
	for _, part := range []struct {
		k       kind
		was, is []message
	}{{addresses, s.aged(), now.Addresses}, {neighbours, s.Neighbours, now.Neighbours}, {routes, s.reachable(), now.Routes}} {
		is := part.k.identities(part.is)
		for _, m := range part.was {
			if !slices.Contains(is, part.k.identity(m)) {
				part.k.create(m, s.index)
			}
		}
	}
}

// reachable orders the routes so that a gateway's network comes before what lies behind the gateway: by scope, narrow first
// (rtm_scope).
func (s State) reachable() []message {
	const scope = 6
	return slices.SortedStableFunc(slices.Values(s.Routes), func(a, b message) int {
		gateway := func(m message) int {
			if routes.attribute(m, unix.RTA_GATEWAY) != nil {
				return 1
			}
			return 0
		}
		if a[scope] != b[scope] {
			return int(b[scope]) - int(a[scope])
		}
		return gateway(a) - gateway(b)
	})
}

// aged takes off the addresses' lifetimes what has passed since (struct ifa_cacheinfo: preferred and valid seconds).
func (s State) aged() (list []message) {
	passed := uint32(max(0, time.Since(s.Taken)/time.Second))
	for _, m := range s.Addresses {
		c := message(slices.Clone(m))
		if v := addresses.attribute(c, unix.IFA_CACHEINFO); len(v) >= 8 {
			for i := range 2 {
				const forever = 1<<32 - 1
				left := nativeUint32(v[4*i:])
				if left != forever && left > 0 {
					left = max(1, left-min(left, passed))
				}
				putNativeUint32(v[4*i:], left)
			}
		}
		list = append(list, c)
	}
	return list
}

// writeSettings writes the sysctls that differ. Some cannot be written; they are found to differ later, if they do.
func (s State) writeSettings(now State) {
	for _, name := range slices.Sorted(maps.Keys(s.Settings)) {
		if now.Settings[name] == s.Settings[name] {
			continue
		}
		for _, dir := range settingsDirs {
			if file, ok := strings.CutPrefix(name, dir+"/"); ok && !strings.Contains(file, "/") {
				os.WriteFile("/proc/sys/net/"+dir+"/"+s.Name+"/"+file, []byte(s.Settings[name]), 0)
			}
		}
	}
}

// attribute is one of an RTM_NEWLINK message (rtnetlink(7)).
type attribute struct {
	kind  int
	value []byte
}

// set changes flags and attributes of the interface.
func (s State) set(to uint32, attributes ...attribute) error {
	request := nl.NewNetlinkRequest(unix.RTM_NEWLINK, unix.NLM_F_ACK)
	m := nl.NewIfInfomsg(unix.AF_UNSPEC)
	m.Index, m.Flags, m.Change = int32(s.index), to, flags
	request.AddData(m)
	for _, a := range attributes {
		request.AddData(nl.NewRtAttr(a.kind, a.value))
	}
	_, err := request.Execute(unix.NETLINK_ROUTE, 0)
	return err
}

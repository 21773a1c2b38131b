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
	failures := s.put()
	if err := s.await(); err != nil {
		return errors.Join(append([]error{err}, failures...)...)
	}
	return nil
}

// put changes what differs, and goes on past what cannot be changed.
func (s State) put() (failures []error) {
	now, err := s.now()
	if err == nil && now.Name != s.Name {
		s.Index = now.Index
		if err = s.rename(now); err == nil {
			now, err = s.now()
		}
	}
	switch {
	case err != nil:
		return []error{err}
	case len(s.Differences(now)) == 0:
		return nil
	}
	s.Index = now.Index
	return s.apply(now)
}

// now reads the state that the interface has.
func (s State) now() (State, error) {
	link, err := s.find()
	if err != nil {
		return State{}, err
	}
	return read(link)
}

// restorePatience is how long the kernel may take until what it makes itself is there: link-local addresses, after the
// carrier and duplicate address detection (RFC 4862 section 5.4).
const restorePatience = 4 * time.Second

// await waits until the interface is as it was, and udev has no more to do with it.
func (s State) await() error {
	for deadline := time.Now().Add(restorePatience); ; time.Sleep(20 * time.Millisecond) {
		busy := udevBusy()
		now, err := s.now()
		if err != nil {
			return err
		}
		differences, late := s.Differences(now), time.Now().After(deadline)
		switch {
		case len(differences) == 0 && (!busy || late):
			return nil
		case late:
			return fmt.Errorf("restore %s: %s", s.Name, strings.Join(differences, ", "))
		}
		if s.Index = now.Index; now.Name != s.Name {
			s.put()
			continue
		}
		s.give(now) // a route may need an address that was not usable yet
	}
}

// udevBusy reports whether udev has events to work on: it may name an interface that has come back as its rules say
// (systemd-udevd.service(8); udevadm settle looks for the same file).
func udevBusy() bool {
	_, err := os.Stat("/run/udev/queue")
	return err == nil
}

// find finds the interface, whatever it is called now: the kernel names it anew where its name is taken, and udev by its rules.
// The kernel keeps its index where no other has it. One with only its name is another one, plugged in since.
func (s State) find() (netlink.Link, error) {
	links, err := netlink.LinkList()
	if err != nil {
		return nil, fmt.Errorf("list interfaces: %w", err)
	}
	var found []netlink.Link
	for _, l := range links {
		a := l.Attrs()
		switch {
		case a.Index == s.Index && (s.isHardware(a) || a.Name == s.Name):
			return l, nil
		case s.isHardware(a):
			found = append(found, l)
		}
	}
	for _, l := range found {
		if l.Attrs().Name == s.Name || len(found) == 1 { // a VLAN on top may have the same address
			return l, nil
		}
	}
	return nil, fmt.Errorf("find %s: %w", s.Name, errGone)
}

// errGone is of an interface that was unplugged, or removed.
var errGone = errors.New("no longer in this machine")

// isHardware reports whether these are attributes of the same hardware: by the address that its maker gave it, where it has one.
func (s State) isHardware(a *netlink.LinkAttrs) bool {
	if s.Permanent != "" {
		return a.PermHWAddr.String() == s.Permanent
	}
	return s.MAC != "" && a.HardwareAddr.String() == s.MAC
}

// rename gives the interface its name back. Before Linux 6.2 only one that is down can be renamed. The kernel makes labels of the
// new name for addresses of IPv4, others than they had: they go, and are given anew.
func (s State) rename(now State) error {
	if err := s.set(now.Flags &^ unix.IFF_UP); err != nil {
		return err
	}
	for _, m := range now.Addresses {
		if m[0] == unix.AF_INET {
			addresses.remove(m) // what stays is found to differ later
		}
	}
	err := s.set(now.Flags&^unix.IFF_UP, attribute{unix.IFLA_IFNAME, nl.ZeroTerminated(s.Name)})
	if errors.Is(err, unix.EEXIST) {
		return fmt.Errorf("restore name of %s: another interface has it, this one is %s: %w", s.Name, now.Name, err)
	}
	if err != nil {
		return fmt.Errorf("restore name of %s: %w", s.Name, err)
	}
	return nil
}

// apply changes what differs of an interface that has its name.
func (s State) apply(now State) (failures []error) {
	try := func(what string, err error) {
		if err != nil {
			failures = append(failures, fmt.Errorf("restore %s of %s: %w", what, s.Name, err))
		}
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
	try("features", restoreFeatures(s.Name, s.Features))
	s.writeSettings(now)
	try("flags", s.set(s.Flags))
	s.writeSettings(State{Settings: settings(s.Name)}) // IPv6 has its own only while it is up
	if s.Token != now.Token {
		try("IPv6 token", s.writeToken())
	}
	s.give(now)
	return failures
}

// RestoreOffloads puts back what makes super-frames and nothing else: all that changes while an interface stays in use, and others
// may have changed the rest meanwhile.
func (s State) RestoreOffloads() error {
	link, err := s.find()
	if err != nil {
		return err
	}
	name := link.Attrs().Name
	if err := restoreFeatures(name, offloads(s.Features)); err != nil {
		return fmt.Errorf("restore features of %s: %w", name, err)
	}
	return nil
}

// restoreFeatures sets those that differ. One that depends on another needs a second request.
func restoreFeatures(name string, were map[string]bool) error {
	var refused []string
	for range 2 {
		now, err := features(name)
		if err != nil {
			return err
		}
		changed := maps.Clone(were)
		maps.DeleteFunc(changed, func(f string, on bool) bool { is, known := now[f]; return !known || is == on })
		if refused, err = setFeatures(name, changed); err != nil {
			return err
		}
	}
	if len(refused) > 0 {
		return fmt.Errorf("%s: the driver ignored the request", strings.Join(refused, ", "))
	}
	return nil
}

// give adds the addresses, neighbours and routes that are missing. What cannot be added yet is found missing later. A link-local
// address that the kernel has made by another rule than it did before goes.
func (s State) give(now State) {
	before := addresses.identities(s.Addresses)
	for _, m := range now.Addresses {
		const scope = 3 // offset of ifa_scope
		if m[0] == unix.AF_INET6 && m[scope] == unix.RT_SCOPE_LINK && !slices.Contains(before, addresses.identity(m)) {
			addresses.remove(m)
		}
	}
	for _, part := range []struct {
		k       kind
		was, is []message
	}{{addresses, s.primaryFirst(), now.Addresses}, {neighbours, s.Neighbours, now.Neighbours}, {routes, s.reachable(), now.Routes}} {
		is := part.k.identities(part.is)
		for _, m := range part.was {
			if !slices.Contains(is, part.k.identity(m)) {
				part.k.create(m, s.Index)
			}
		}
	}
}

// primaryFirst orders the addresses as they have to be given: the kernel puts a new one of IPv4 behind the others, and one of IPv6
// in front of them. Of two that would do it sends from the first.
func (s State) primaryFirst() []message {
	list := s.aged(addresses, s.Addresses)
	second := slices.IndexFunc(list, func(m message) bool { return m[0] == unix.AF_INET6 })
	if second >= 0 {
		slices.Reverse(list[second:])
	}
	return list
}

// reachable orders the routes so that a gateway's network comes before what lies behind the gateway: by scope, narrow first
// (rtm_scope).
func (s State) reachable() []message {
	const scope = 6
	return slices.SortedStableFunc(slices.Values(s.aged(routes, s.Routes)), func(a, b message) int {
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
	m.Index, m.Flags, m.Change = int32(s.Index), to, flags
	request.AddData(m)
	for _, a := range attributes {
		request.AddData(nl.NewRtAttr(a.kind, a.value))
	}
	_, err := request.Execute(unix.NETLINK_ROUTE, 0)
	return err
}

package nic

import (
	"fmt"
	"maps"
	"slices"

	"github.com/vishvananda/netlink"
)

// reassembling are the features that put arriving frames together, before an interface on top sees them.
var reassembling = []string{"rx-gro", "rx-gro-hw", "rx-lro", "rx-gro-list"}

// Hides tells which features that let a capture on the interface show super-frames are on: its own, and by the names of the
// interfaces beneath it, those that reassemble. Who hides nothing is left out. The names come in the order in which features can
// be given back: an interface on top may have what the one beneath has.
func Hides(name string) (names []string, on map[string]map[string]bool, err error) {
	all, err := beneath(name)
	if err != nil {
		return nil, nil, err
	}
	on = make(map[string]map[string]bool)
	for _, each := range append(all, name) {
		features, err := Offloads(each)
		if err != nil {
			return nil, nil, err
		}
		features = Hiding(features)
		maps.DeleteFunc(features, func(feature string, on bool) bool {
			return !on || each != name && !slices.Contains(reassembling, feature)
		})
		if len(features) > 0 {
			names, on[each] = append(names, each), features
		}
	}
	return names, on, nil
}

// beneath are the interfaces whose frames become the interface's, lowest first: that of a VLAN or a macvlan, those of a bond.
// The ports of a bridge are others' too, and are left alone.
func beneath(name string) (names []string, err error) {
	links, err := netlink.LinkList()
	if err != nil {
		return nil, fmt.Errorf("list interfaces: %w", err)
	}
	for of := []string{name}; len(of) > 0 && len(names) < len(links); of = of[1:] {
		i := slices.IndexFunc(links, func(l netlink.Link) bool { return l.Attrs().Name == of[0] })
		if i < 0 {
			continue
		}
		top := links[i]
		for _, l := range links {
			a, t := l.Attrs(), top.Attrs()
			stacked := slices.Contains([]string{"vlan", "macvlan", "ipvlan"}, top.Type()) && t.NetNsID < 0 && a.Index == t.ParentIndex
			bonded := slices.Contains([]string{"bond", "team"}, top.Type()) && a.MasterIndex == t.Index
			if (stacked || bonded) && !slices.Contains(names, a.Name) {
				of = append(of, a.Name)
				names = append([]string{a.Name}, names...)
			}
		}
	}
	return names, nil
}

package nic

import (
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// message is the body of an rtnetlink message (rtnetlink(7)) that describes an address, a route or a neighbour: a fixed head and
// attributes. The kernel takes back what it has dumped, which is how ip address save and restore work: nothing is lost in a
// translation.
type message []byte

// kind says where things are in messages of one type.
type kind struct {
	dump, add int // RTM_GET..., RTM_NEW...
	head      int // octets before the attributes
	index     int // offset of the interface's index in the head; 0: it is in attribute oif
	oif       uint16
	transient []uint16 // attributes that are no setting: ages, counters
	fading    uint16   // attribute that is a setting, but its value is the time left
	flags     int      // offset of the flags that tell a proxied neighbour, whom only a dump of its own shows; 0: no such thing
}

var (
	addresses = kind{dump: unix.RTM_GETADDR, add: unix.RTM_NEWADDR, head: unix.SizeofIfAddrmsg, index: 4,
		transient: []uint16{unix.IFA_CACHEINFO}}
	routes = kind{dump: unix.RTM_GETROUTE, add: unix.RTM_NEWROUTE, head: unix.SizeofRtMsg, oif: unix.RTA_OIF,
		transient: []uint16{unix.RTA_CACHEINFO}, fading: unix.RTA_EXPIRES}
	neighbours = kind{dump: unix.RTM_GETNEIGH, add: unix.RTM_NEWNEIGH, head: unix.SizeofNdMsg, index: 4,
		transient: []uint16{unix.NDA_CACHEINFO, unix.NDA_PROBES}, flags: 10}
)

// all reads every message of the kind in the calling thread's namespace.
func (k kind) all() (list []message, err error) {
	families := []byte{unix.AF_INET, unix.AF_INET6}
	if k.flags > 0 {
		families = append(families, unix.AF_BRIDGE)
	}
	for _, family := range families {
		head := make([]byte, k.head)
		head[0] = family
		heads := [][]byte{head}
		if k.flags > 0 && family != unix.AF_BRIDGE {
			proxied := slices.Clone(head)
			proxied[k.flags] = unix.NTF_PROXY
			heads = append(heads, proxied)
		}
		for _, head := range heads {
			got, err := k.answers(head)
			if err != nil {
				return nil, err
			}
			list = append(list, got...)
		}
	}
	return list, nil
}

// answers asks the kernel for a dump.
func (k kind) answers(head []byte) ([]message, error) {
	request := nl.NewNetlinkRequest(k.dump, unix.NLM_F_DUMP)
	request.AddRawData(head)
	got, err := request.Execute(unix.NETLINK_ROUTE, uint16(k.add))
	var list []message
	for _, m := range got {
		if len(m) >= k.head && m[0] == head[0] { // a kernel without IPv6 may answer with another family's
			list = append(list, m)
		}
	}
	return list, err
}

// attributes calls each with every attribute until it returns false. Types come without their flags.
func (k kind) attributes(m message, each func(kind uint16, value []byte) bool) {
	for b := m[k.head:]; len(b) >= unix.SizeofRtAttr; {
		n := int(nativeUint16(b))
		if n < unix.SizeofRtAttr || n > len(b) {
			return
		}
		if !each(nativeUint16(b[2:])&0x3fff, b[unix.SizeofRtAttr:n]) {
			return
		}
		b = b[min((n+3)&^3, len(b)):]
	}
}

// attribute returns the value of an attribute, nil if there is none. Writing to it changes the message.
func (k kind) attribute(m message, want uint16) (value []byte) {
	k.attributes(m, func(kind uint16, v []byte) bool {
		if kind == want {
			value = v
		}
		return kind != want
	})
	return value
}

// of is the field with the interface's index, nil if there is none.
func (k kind) of(m message) []byte {
	if k.index > 0 {
		return m[k.index : k.index+4]
	}
	if v := k.attribute(m, k.oif); len(v) == 4 {
		return v
	}
	return nil
}

// belongs reports whether the message is about the interface.
func (k kind) belongs(m message, index int) bool {
	field := k.of(m)
	return field != nil && nativeUint32(field) == uint32(index)
}

// identity is what the message sets, without the interface's index and what passes by itself. Messages with the same identity
// are the same setting.
func (k kind) identity(m message) string {
	c := message(slices.Clone(m))
	if field := k.of(c); field != nil {
		clear(field)
	}
	k.settle(c)
	id := string(c[:k.head])
	k.attributes(c, func(kind uint16, v []byte) bool {
		switch {
		case kind == k.fading && k.fading != 0:
			id += fmt.Sprintf("|%d", kind)
		case !slices.Contains(k.transient, kind):
			id += fmt.Sprintf("|%d:%x", kind, v)
		}
		return true
	})
	return id
}

// The state of an address or route that the kernel finds itself.
const (
	addressState = unix.IFA_F_TENTATIVE | unix.IFA_F_DADFAILED | unix.IFA_F_OPTIMISTIC | unix.IFA_F_DEPRECATED | unix.IFA_F_STABLE_PRIVACY
	routeFlags   = 8 // offset of rtm_flags: all but RTNH_F_ONLINK is the kernel's (RTNH_F_DEAD, RTNH_F_LINKDOWN, ...)
)

// settle clears what is state and no setting: the kernel refuses some of it.
func (k kind) settle(m message) {
	switch k.add {
	case unix.RTM_NEWADDR:
		m[2] &^= addressState & 0xff
		if v := k.attribute(m, unix.IFA_FLAGS); len(v) == 4 {
			putNativeUint32(v, nativeUint32(v)&^addressState)
		}
	case unix.RTM_NEWROUTE:
		flags := m[routeFlags : routeFlags+4]
		putNativeUint32(flags, nativeUint32(flags)&unix.RTNH_F_ONLINK)
	}
}

// create makes the setting on the interface of that index. One that is there already is no error.
func (k kind) create(m message, index int) error {
	c := message(slices.Clone(m))
	if field := k.of(c); field != nil {
		putNativeUint32(field, uint32(index))
	}
	k.settle(c)
	another := unix.NLM_F_EXCL
	if k.add == unix.RTM_NEWROUTE && m[0] == unix.AF_INET { // the second of two that differ in the gateway alone
		another = unix.NLM_F_APPEND
	}
	request := nl.NewNetlinkRequest(k.add, unix.NLM_F_CREATE|another|unix.NLM_F_ACK)
	request.AddRawData(c)
	_, err := request.Execute(unix.NETLINK_ROUTE, 0)
	if err == unix.EEXIST {
		return nil
	}
	return err
}

// remove takes the setting away.
func (k kind) remove(m message) error {
	request := nl.NewNetlinkRequest(k.add+1, unix.NLM_F_ACK) // RTM_DEL... follows RTM_NEW...
	request.AddRawData(m)
	_, err := request.Execute(unix.NETLINK_ROUTE, 0)
	return err
}

func nativeUint16(b []byte) uint16       { return binary.NativeEndian.Uint16(b) }
func nativeUint32(b []byte) uint32       { return binary.NativeEndian.Uint32(b) }
func putNativeUint32(b []byte, v uint32) { binary.NativeEndian.PutUint32(b, v) }

package nic

import (
	"slices"
	"time"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// Addresses and routes that end by themselves (ip address add ... valid_lft, ip -6 route add ... expires) go on ending when they
// would have.

// ticks is the unit in which the kernel tells a route's time, a second's part (USER_HZ, include/asm-generic/param.h).
const ticks = 100

// dated adds to a route that ends when that is, in the form in which the kernel takes it: RTA_EXPIRES, in seconds. A dump has it
// in struct rta_cacheinfo (include/uapi/linux/rtnetlink.h) alone.
func (k kind) dated(m message) message {
	const expires = 8 // offset of rta_expires
	v := k.attribute(m, unix.RTA_CACHEINFO)
	if k.fading == 0 || len(v) < expires+4 || nativeUint32(v[expires:]) == 0 || k.attribute(m, k.fading) != nil {
		return m
	}
	left := int32(nativeUint32(v[expires:])) // below 0 when it is about to be removed
	return append(slices.Clone(m), nl.NewRtAttr(int(k.fading), nl.Uint32Attr(uint32(max(1, left/ticks)))).Serialize()...)
}

// aged takes off lifetimes what has passed since the state was taken. What would have ended gets one second.
func (s State) aged(k kind, list []message) (aged []message) {
	passed := uint32(max(0, time.Since(s.Taken)/time.Second))
	for _, m := range list {
		c := message(slices.Clone(m))
		if k.fading != 0 {
			age(k.attribute(c, k.fading), passed)
		} else if v := k.attribute(c, unix.IFA_CACHEINFO); len(v) >= 8 { // struct ifa_cacheinfo: preferred and valid seconds
			age(v[:4], passed)
			age(v[4:8], passed)
		}
		aged = append(aged, c)
	}
	return aged
}

// age shortens a lifetime.
func age(field []byte, passed uint32) {
	const forever = 1<<32 - 1
	if len(field) != 4 {
		return
	}
	if left := nativeUint32(field); left != forever && left > 0 {
		putNativeUint32(field, max(1, left-min(left, passed)))
	}
}

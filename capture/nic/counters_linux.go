package nic

import (
	"fmt"

	"github.com/vishvananda/netlink"
)

// Counters are an interface's own counts (rtnl_link_stats64, include/uapi/linux/if_link.h). Some drivers bring them up to date
// only every second or two.
type Counters struct {
	TxPackets, RxPackets, TxDropped, RxDropped, TxErrors, RxErrors int64
}

// Sub returns what was counted since before.
func (c Counters) Sub(before Counters) Counters {
	return Counters{
		c.TxPackets - before.TxPackets, c.RxPackets - before.RxPackets, c.TxDropped - before.TxDropped,
		c.RxDropped - before.RxDropped, c.TxErrors - before.TxErrors, c.RxErrors - before.RxErrors,
	}
}

// ReadCounters reads the counters of an interface of the calling thread's namespace.
func ReadCounters(name string) (c Counters, err error) {
	link, err := netlink.LinkByName(name)
	if err != nil {
		return c, fmt.Errorf("read counters of %s: %w", name, err)
	}
	s := link.Attrs().Statistics
	return Counters{
		int64(s.TxPackets), int64(s.RxPackets), int64(s.TxDropped), int64(s.RxDropped), int64(s.TxErrors), int64(s.RxErrors),
	}, nil
}

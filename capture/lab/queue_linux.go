package lab

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"strconv"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// TokenBucket describes the queue of a NIC: the kernel's token bucket filter (tc-tbf(8)) in front of an interface. What waits in
// it is charged to its socket, which is what TCP small queues and autocorking go by, and what makes a UDP sender wait.
type TokenBucket struct {
	Rate     int64 // bits per second
	Burst    int   // octets that may leave at once, Overhead included; at least a frame
	MTU      int   // octets of an IP packet
	Overhead int   // octets that a frame occupies beside itself (tc-stab(8))
	Minimum  int   // octets that a frame occupies at least, Overhead included
}

// tbfLimit is how many octets may wait. What finds no room is dropped before the capture sees it, and TCP_INFO counts it:
// there is always room, and the senders' own limits hold (TCP small queues, SO_SNDBUF).
const tbfLimit = 1 << 30

// The attributes of TCA_STAB (include/uapi/linux/pkt_sched.h).
const (
	stabBase = 1
	stabData = 2
)

// Queue puts the token bucket in front of the host's interface.
func (h *Host) Queue(t TokenBucket) error {
	err := h.Within(func() error {
		link, err := netlink.LinkByName(h.Interface)
		if err != nil {
			return err
		}
		// Of a super-frame the filter would charge the overhead once. Without any TCP hands over segments, as to a NIC
		// that has no segmentation offload.
		if err := netlink.LinkSetGSOMaxSegs(link, 1); err != nil {
			return fmt.Errorf("limit segments: %w", err)
		}
		request := nl.NewNetlinkRequest(unix.RTM_NEWQDISC, unix.NLM_F_CREATE|unix.NLM_F_REPLACE|unix.NLM_F_ACK)
		request.AddData(&nl.TcMsg{Family: nl.FAMILY_ALL, Ifindex: int32(link.Attrs().Index), Handle: netlink.MakeHandle(1, 0), Parent: netlink.HANDLE_ROOT})
		request.AddData(nl.NewRtAttr(nl.TCA_KIND, nl.ZeroTerminated("tbf")))
		request.AddData(t.sizeTable())
		request.AddData(t.options())
		_, err = request.Execute(unix.NETLINK_ROUTE, 0)
		if errors.Is(err, unix.ENOENT) {
			err = fmt.Errorf("%w (modprobe sch_tbf as root)", err)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("queue the interface of %s behind a token bucket: %w", h.Name, err)
	}
	return nil
}

// options is TCA_OPTIONS. The rate is given twice: 32 bits hold up to 34 Gb/s.
func (t TokenBucket) options() *nl.RtAttr {
	octets := uint64(t.Rate / 8)
	parameters := nl.TcTbfQopt{Limit: tbfLimit}
	parameters.Rate.Rate = uint32(min(octets, 1<<32-1))
	parameters.Rate.Linklayer = nl.LINKLAYER_ETHERNET
	options := nl.NewRtAttr(nl.TCA_OPTIONS, nil)
	options.AddRtAttr(nl.TCA_TBF_PARMS, parameters.Serialize())
	options.AddRtAttr(nl.TCA_TBF_RATE64, nl.Uint64Attr(octets))
	options.AddRtAttr(nl.TCA_TBF_BURST, nl.Uint32Attr(uint32(t.Burst)))
	return options
}

// sizeTable is TCA_STAB: what a frame of each length is charged, an entry for each octet (struct tc_sizespec; __qdisc_calculate_pkt_len
// in net/sched/sch_api.c takes entry length+overhead+cell_align, and the minimum from nowhere else).
func (t TokenBucket) sizeTable() *nl.RtAttr {
	const ethernetAndTag = 18
	table := make([]uint16, t.MTU+ethernetAndTag+t.Overhead)
	for i := range table {
		table[i] = uint16(max(i+1, t.Minimum))
	}
	specification := struct {
		CellLog, SizeLog         uint8
		CellAlign                int16
		Overhead                 int32
		LinkLayer, MPU, MTU, Len uint32
	}{CellAlign: -1, Overhead: int32(t.Overhead), LinkLayer: nl.LINKLAYER_ETHERNET, MPU: uint32(t.Minimum), MTU: uint32(len(table)), Len: uint32(len(table))}
	var head, data bytes.Buffer
	binary.Write(&head, binary.NativeEndian, specification)
	binary.Write(&data, binary.NativeEndian, table)
	stab := nl.NewRtAttr(nl.TCA_STAB|unix.NLA_F_NESTED, nil)
	stab.AddRtAttr(stabBase, head.Bytes())
	stab.AddRtAttr(stabData, data.Bytes())
	return stab
}

// AutoCorked is how often the host's kernel kept a small TCP segment back because others of its socket were still queued
// (TcpExtTCPAutoCorking in /proc/net/netstat; tcp_should_autocork, net/ipv4/tcp.c).
func (h *Host) AutoCorked() (n int64, err error) {
	err = h.Within(func() error {
		b, err := os.ReadFile("/proc/thread-self/net/netstat")
		if err != nil {
			return fmt.Errorf("read counters of %s: %w", h.Name, err)
		}
		n = counter(b, "TcpExt:", "TCPAutoCorking")
		return nil
	})
	return n, err
}

// counter finds a value in pairs of lines, names above values; 0 where a kernel has none of the name.
func counter(b []byte, group, name string) int64 {
	var names [][]byte
	for line := range bytes.Lines(b) {
		fields := bytes.Fields(line)
		if len(fields) == 0 || string(fields[0]) != group {
			continue
		}
		if names == nil {
			names = fields
			continue
		}
		for i, value := range fields {
			if i < len(names) && string(names[i]) == name {
				n, _ := strconv.ParseInt(string(value), 10, 64)
				return n
			}
		}
	}
	return 0
}

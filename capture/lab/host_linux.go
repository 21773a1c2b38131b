package lab

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"runtime"

	"github.com/safchain/ethtool"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Host is one test host: an anonymous network namespace, held by a thread that stays in it.
type Host struct {
	Name      string
	Interface string // name of its one network interface
	MAC       net.HardwareAddr
	Addr      netip.Addr

	prefix netip.Prefix
	ns     *os.File
	tasks  chan func()
	shared bool // with another host, to whom they belong
}

func newHost(name string, number, ip int) (*Host, error) {
	p := address(ip, number)
	h := &Host{Name: name, Interface: Interface, MAC: hardwareAddr(number), Addr: p.Addr(), prefix: p, tasks: make(chan func())}
	ready := make(chan error)
	onOwnThread(func() {
		err := h.enter()
		ready <- err
		if err != nil {
			return
		}
		for task := range h.tasks {
			task()
		}
	})
	if err := <-ready; err != nil {
		return nil, err
	}
	return h, h.Within(quiet)
}

// enter moves the calling thread into a namespace of its own.
func (h *Host) enter() error {
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		return &NamespaceError{What: "network namespace", Cause: err}
	}
	ns, err := os.Open("/proc/thread-self/ns/net")
	if err != nil {
		return fmt.Errorf("open namespace of %s: %w", h.Name, err)
	}
	h.ns = ns
	return nil
}

// Within runs fn on the host's thread and returns its error. Sockets, devices and captures that fn opens stay in the host's
// namespace wherever they are used later; fn itself must not block.
func (h *Host) Within(fn func() error) error {
	done := make(chan error, 1)
	h.tasks <- func() { done <- fn() }
	return <-done
}

func (h *Host) close() {
	if h.shared {
		return
	}
	close(h.tasks)
	if h.ns != nil {
		h.ns.Close()
	}
}

// onOwnThread runs fn on a thread that no other goroutine will ever use: it is never unlocked, so the runtime ends it with
// fn. It is never the process's main thread, whose namespace is what /proc/PID/ns and /proc/net show as the process's.
func onOwnThread(fn func()) {
	go func() {
		runtime.LockOSThread()
		if unix.Gettid() != unix.Getpid() {
			fn()
			return
		}
		other := make(chan struct{})
		go func() {
			defer close(other)
			runtime.LockOSThread()
			fn()
		}()
		<-other
		runtime.UnlockOSThread()
	}()
}

// sysctls keep a new namespace silent, and trials independent of each other.
var sysctls = []struct{ name, value string }{
	{"ipv6/conf/all/accept_ra", "0"}, {"ipv6/conf/default/accept_ra", "0"},
	{"ipv6/conf/default/router_solicitations", "0"}, {"ipv6/conf/default/autoconf", "0"},
	{"ipv6/conf/default/accept_dad", "0"}, {"ipv6/conf/default/dad_transmits", "0"},
	{"ipv6/conf/default/addr_gen_mode", "1"}, // no link-local address
	{"ipv4/tcp_no_metrics_save", "1"},        // no RTT and ssthresh inherited from the trial before
	// Fragments of packets that lost others stay for 30 s and would leave no room for the next trial's.
	{"ipv4/ipfrag_high_thresh", "1073741824"}, {"ipv6/ip6frag_high_thresh", "1073741824"},
}

// quiet sets what must be set before the first device exists. A kernel without IPv6 has nothing to silence.
func quiet() error {
	for _, s := range sysctls {
		err := os.WriteFile("/proc/sys/net/"+s.name, []byte(s.value), 0)
		if err != nil && !os.IsNotExist(err) {
			return fmt.Errorf("set sysctl net.%s: %w", s.name, err)
		}
	}
	return nil
}

// configure gives the host's interface its addresses and a permanent neighbour, so that neither ARP nor neighbour discovery
// is ever needed, and brings it up.
func (h *Host) configure(c Config, peer *Host) error {
	err := h.Within(func() error {
		if c.IP == 4 {
			// A device without IPv6 sends neither MLD reports nor solicitations.
			if err := os.WriteFile("/proc/sys/net/ipv6/conf/"+h.Interface+"/disable_ipv6", []byte("1"), 0); err != nil && !os.IsNotExist(err) {
				return fmt.Errorf("switch IPv6 off: %w", err)
			}
		}
		link, err := netlink.LinkByName(h.Interface)
		if err != nil {
			return fmt.Errorf("find %s: %w", h.Interface, err)
		}
		if c.Lent == nil {
			if err := h.claim(link, c.Queue); err != nil {
				return err
			}
		}
		neighbour := &netlink.Neigh{
			LinkIndex: link.Attrs().Index, State: netlink.NUD_PERMANENT, IP: peer.Addr.AsSlice(), HardwareAddr: peer.MAC,
		}
		for _, step := range []struct {
			name string
			do   func() error
		}{
			{fmt.Sprintf("set MTU %d", c.MTU), func() error { return netlink.LinkSetMTU(link, c.MTU) }},
			// No solicited-node group to join, so no MLD report.
			{"switch ARP off", func() error { return netlink.LinkSetARPOff(link) }},
			{"add address " + h.prefix.String(), func() error {
				return netlink.AddrAdd(link, &netlink.Addr{IPNet: ipNet(h.prefix), Flags: unix.IFA_F_NODAD})
			}},
			{"bring it up", func() error { return netlink.LinkSetUp(link) }},
			{"add neighbour " + peer.Addr.String(), func() error { return netlink.NeighSet(neighbour) }},
		} {
			if err := step.do(); err != nil {
				return fmt.Errorf("%s: %w", step.name, err)
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("configure interface of %s: %w", h.Name, err)
	}
	return nil
}

// claim gives an interface of the lab's own the host's hardware address and the length of its queue.
func (h *Host) claim(link netlink.Link, queue int) error {
	if err := netlink.LinkSetHardwareAddr(link, h.MAC); err != nil {
		return fmt.Errorf("set address %v: %w", h.MAC, err)
	}
	if err := netlink.LinkSetTxQLen(link, queue); err != nil {
		return fmt.Errorf("set queue length %d: %w", queue, err)
	}
	return nil
}

func ipNet(p netip.Prefix) *net.IPNet {
	return &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
}

// hiding are the features that make a capture show something else than the frames of the wire, by the kernel's names
// (net/ethtool/common.c). Generic segmentation offload is none of them: it is done before the capture.
var hiding = []string{
	"tx-tcp-segmentation", "tx-tcp6-segmentation", "tx-udp-segmentation", "rx-gro", "rx-lro", "rx-gro-list",
	"tx-checksum-ip-generic",
}

// Offloads reads which of the features that hide wire frames are on. A feature the kernel does not know is left out.
func (h *Host) Offloads() (on map[string]bool, err error) {
	err = h.Within(func() error {
		e, err := ethtool.NewEthtool()
		if err != nil {
			return err
		}
		defer e.Close()
		features, err := e.Features(h.Interface)
		if err != nil {
			return err
		}
		on = make(map[string]bool)
		for _, name := range hiding {
			if v, known := features[name]; known {
				on[name] = v
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read features of %s: %w", h.Name, err)
	}
	return on, nil
}

// plainFrames switches off what would make a capture show something else than the frames of the wire. Without checksum
// offload the stack computes checksums itself; TCP segmentation and UDP segmentation offload depend on the feature and go
// with it.
func plainFrames() error {
	e, err := ethtool.NewEthtool()
	if err != nil {
		return fmt.Errorf("open ethtool: %w", err)
	}
	defer e.Close()
	off := map[string]bool{"rx-gro": false, "tx-checksum-ip-generic": false}
	if err := e.Change(Interface, off); err != nil {
		return fmt.Errorf("switch offloads off: %w", err)
	}
	return nil
}

package traffic

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"slices"

	"github.com/vishvananda/netlink"
)

// timestamps is the sysctl net.ipv4.tcp_timestamps (tcp(7)); it holds for IPv6 too.
const timestamps = "/proc/sys/net/ipv4/tcp_timestamps"

// setHosts changes both hosts as the transport asks for, and returns how to undo that.
func (r *run) setHosts() (restore func(), err error) {
	var undo []func() error
	restore = func() {
		for _, u := range slices.Backward(undo) {
			_ = u() // the namespace ends with the experiment anyhow
		}
	}
	set := func(h Host, change func() (func() error, error)) {
		if err != nil {
			return
		}
		err = h.within(func() error {
			back, err := change()
			if err == nil {
				undo = append(undo, func() error { return h.within(back) })
			}
			return err
		})
	}
	for _, ends := range [][2]Host{{r.From, r.To}, {r.To, r.From}} {
		h, peer := ends[0], ends[1]
		if r.via.noAutocork {
			set(h, func() (func() error, error) { return setSysctl(autocorking, "0") })
		}
		if r.via.noTimestamps {
			set(h, func() (func() error, error) { return setSysctl(timestamps, "0") })
		}
		if r.via.initialWindow != 0 || r.via.quickRoute {
			set(h, func() (func() error, error) { return r.setRoute(peer) })
		}
	}
	if err != nil {
		restore()
	}
	return restore, err
}

// setSysctl writes a value and returns how to write back what was there.
func setSysctl(path, value string) (restore func() error, err error) {
	before, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(path, []byte(value), 0); err != nil {
		return nil, err
	}
	return func() error { return os.WriteFile(path, before, 0) }, nil
}

// setRoute adds a route to the peer alone, whose metrics new sockets take (RTAX_INITCWND, RTAX_QUICKACK; ip-route(8)), and
// returns how to take it away.
func (r *run) setRoute(peer Host) (restore func() error, err error) {
	through, err := routeTo(peer)
	if err != nil {
		return nil, err
	}
	bits := peer.Addr.BitLen()
	route := &netlink.Route{
		LinkIndex: through.LinkIndex, Scope: netlink.SCOPE_LINK, InitCwnd: r.via.initialWindow,
		Dst: &net.IPNet{IP: peer.Addr.AsSlice(), Mask: net.CIDRMask(bits, bits)},
	}
	if r.via.quickRoute {
		route.QuickACK = 1
	}
	if err := netlink.RouteAdd(route); err != nil {
		return nil, fmt.Errorf("add route to %v: %w", peer.Addr, err)
	}
	return func() error { return netlink.RouteDel(route) }, nil
}

// routeTo is the route that the calling thread's host takes to a peer.
func routeTo(peer Host) (netlink.Route, error) {
	routes, err := netlink.RouteGet(peer.Addr.AsSlice())
	switch {
	case err != nil:
		return netlink.Route{}, fmt.Errorf("find route to %v: %w", peer.Addr, err)
	case len(routes) == 0:
		return netlink.Route{}, fmt.Errorf("find route to %v: none", peer.Addr)
	}
	return routes[0], nil
}

// readHost adds what the sender's host has set to the options, and fails where the kernel does not do what a variant is
// about.
func (r *run) readHost(options map[string]any, info *TCPInfo) error {
	return r.From.within(func() error {
		if value, err := os.ReadFile(autocorking); err == nil { // an old kernel has none
			options["tcp_autocorking"] = string(bytes.TrimSpace(value)) != "0"
		}
		options["initial_cwnd"] = int(info.SndCwnd)
		if !isVariant(r.via.name) {
			return nil
		}
		route, err := routeTo(r.To)
		if err != nil {
			return err
		}
		options["route_quickack"] = route.QuickACK == 1
		for _, taken := range []struct {
			asked, has bool
			what       string
		}{
			{r.via.noAutocork, options["tcp_autocorking"] == false, "net.ipv4.tcp_autocorking=0"},
			{r.via.noTimestamps, !info.Timestamps, "net.ipv4.tcp_timestamps=0"},
			{r.via.initialWindow != 0, int(info.SndCwnd) == r.via.initialWindow, "route initcwnd"},
			{r.via.quickRoute, route.QuickACK == 1, "route quickack"},
		} {
			if taken.asked && !taken.has {
				return fmt.Errorf("the kernel does not take %s", taken.what)
			}
		}
		return nil
	})
}

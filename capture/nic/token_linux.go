package nic

import (
	"fmt"
	"net/netip"
	"os"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// IFLA_AF_SPEC has what each protocol family says of an interface: attributes in an attribute.
var (
	links  = kind{head: unix.SizeofIfInfomsg}
	nested = kind{}
)

// token reads the interface identifier that IPv6 addresses of the prefixes of routers get (IFLA_INET6_TOKEN).
func token(index int) (string, error) {
	request := nl.NewNetlinkRequest(unix.RTM_GETLINK, unix.NLM_F_ACK)
	m := nl.NewIfInfomsg(unix.AF_UNSPEC)
	m.Index = int32(index)
	request.AddData(m)
	got, err := request.Execute(unix.NETLINK_ROUTE, unix.RTM_NEWLINK)
	if err != nil {
		return "", fmt.Errorf("read IPv6 token: %w", err)
	}
	for _, m := range got {
		if len(m) < links.head {
			continue
		}
		of6 := nested.attribute(links.attribute(m, unix.IFLA_AF_SPEC), unix.AF_INET6)
		ip, ok := netip.AddrFromSlice(nested.attribute(of6, unix.IFLA_INET6_TOKEN))
		if ok && !ip.IsUnspecified() {
			return ip.String(), nil
		}
	}
	return "", nil
}

// writeToken sets the token. The kernel takes one only while the interface listens to routers, which one that forwards does by
// accept_ra 2 alone (inet6_set_iftoken, net/ipv6/addrconf.c).
func (s State) writeToken() error {
	ip, err := netip.ParseAddr(s.Token)
	if err != nil {
		return fmt.Errorf("token %q: %w", s.Token, err)
	}
	of6 := nl.NewRtAttr(unix.AF_INET6, nil)
	of6.AddRtAttr(unix.IFLA_INET6_TOKEN, ip.AsSlice())
	request := attribute{unix.IFLA_AF_SPEC, of6.Serialize()}
	if err = s.set(s.Flags, request); err == unix.EINVAL {
		setting := "/proc/sys/net/ipv6/conf/" + s.Name + "/accept_ra"
		os.WriteFile(setting, []byte("2"), 0)
		err = s.set(s.Flags, request)
		os.WriteFile(setting, []byte(s.Settings["ipv6/conf/accept_ra"]), 0)
	}
	return err
}

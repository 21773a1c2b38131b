package nic

import (
	"bytes"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// nftables knows hooks of single interfaces: chains of family netdev and of the ingress of inet, and flowtables. Older kernels remove
// them when the interface leaves (nf_tables_netdev_event), and what they filtered is filtered no more.
var hookings = []struct {
	what         string
	get, reply   int    // messages (include/uapi/linux/netfilter/nf_tables.h)
	hook         uint16 // attribute
	one, several uint16 // attributes in the hook: a name, and a list of names
}{
	{"chain", unix.NFT_MSG_GETCHAIN, unix.NFT_MSG_NEWCHAIN, unix.NFTA_CHAIN_HOOK, unix.NFTA_HOOK_DEV, 4}, // NFTA_HOOK_DEVS
	{"flowtable", unix.NFT_MSG_GETFLOWTABLE, unix.NFT_MSG_NEWFLOWTABLE, 3, 0, 3},                         // NFTA_FLOWTABLE_HOOK, NFTA_FLOWTABLE_HOOK_DEVS
}

// generic is what has the head of a netfilter message, struct nfgenmsg (include/uapi/linux/netfilter/nfnetlink.h).
var generic = kind{head: nl.SizeofNfgenmsg}

// hooked says which part of the firewall hooks to the interface. A kernel without nftables has none.
func hooked(s State) (why string, err error) {
	for _, h := range hookings {
		request := nl.NewNetlinkRequest(nftables|h.get, unix.NLM_F_DUMP)
		request.AddRawData(make([]byte, generic.head)) // of all families
		got, _ := request.Execute(unix.NETLINK_NETFILTER, uint16(nftables|h.reply))
		on := false
		compare := func(_ uint16, name []byte) bool {
			on = on || string(bytes.TrimRight(name, "\x00")) == s.Name
			return !on
		}
		for _, m := range got {
			if len(m) >= generic.head {
				hook := generic.attribute(m, h.hook)
				compare(h.one, nested.attribute(hook, h.one))
				nested.attributes(nested.attribute(hook, h.several), compare)
			}
		}
		if on {
			return "a " + h.what + " of nftables hooks to it", nil
		}
	}
	return "", nil
}

// nftables is the subsystem in the types of its messages.
const nftables = unix.NFNL_SUBSYS_NFTABLES << 8

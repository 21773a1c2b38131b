package nic

import (
	"encoding/binary"
	"fmt"
	"slices"
	"testing"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// hookChain makes a chain that filters what the interface takes in: nft add chain netdev test in { type filter hook ingress ... }.
func hookChain(t *testing.T, name string) {
	t.Helper()
	text := func(kind int, value string) []byte { return nl.NewRtAttr(kind, nl.ZeroTerminated(value)).Serialize() }
	number := func(kind int) []byte { return nl.NewRtAttr(kind, make([]byte, 4)).Serialize() }
	table := text(unix.NFTA_TABLE_NAME, "test")
	hook := slices.Concat(number(unix.NFTA_HOOK_HOOKNUM), number(unix.NFTA_HOOK_PRIORITY), text(unix.NFTA_HOOK_DEV, name))
	chain := slices.Concat(table, text(unix.NFTA_CHAIN_NAME, "in"), text(unix.NFTA_CHAIN_TYPE, "filter"),
		nl.NewRtAttr(unix.NFTA_CHAIN_HOOK|unix.NLA_F_NESTED, hook).Serialize())
	if err := ask(unix.NFT_MSG_NEWTABLE, table); err != nil {
		t.Skipf("this kernel has no nftables for single interfaces: %v", err)
	}
	t.Cleanup(func() { try(t, ask(unix.NFT_MSG_DELTABLE, table)) })
	try(t, ask(unix.NFT_MSG_NEWCHAIN, chain))
}

// ask sends nftables a message, in a batch: what is asked for is done at its end (nfnetlink_rcv_batch, net/netfilter/nfnetlink.c), and
// answered before the call returns.
func ask(kind int, attributes []byte) error {
	var batch []byte
	for _, m := range []struct {
		kind  int
		flags int
		body  []byte
	}{
		{unix.NFNL_MSG_BATCH_BEGIN, 0, []byte{0, 0, 0, unix.NFNL_SUBSYS_NFTABLES}},
		{nftables | kind, unix.NLM_F_CREATE | unix.NLM_F_ACK, append([]byte{unix.NFPROTO_NETDEV, 0, 0, 0}, attributes...)},
		{unix.NFNL_MSG_BATCH_END, 0, []byte{0, 0, 0, unix.NFNL_SUBSYS_NFTABLES}},
	} {
		request := nl.NewNetlinkRequest(m.kind, m.flags)
		request.AddRawData(m.body)
		batch = append(batch, request.Serialize()...)
	}
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_NETFILTER)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	if err := unix.Sendto(fd, batch, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return err
	}
	answer := make([]byte, 4096)
	n, _, err := unix.Recvfrom(fd, answer, unix.MSG_DONTWAIT)
	if err != nil || n < unix.SizeofNlMsghdr+4 {
		return fmt.Errorf("%d octets of an answer: %w", n, err)
	}
	if code := int32(binary.NativeEndian.Uint32(answer[unix.SizeofNlMsghdr:])); code != 0 { // struct nlmsgerr, netlink(7)
		return unix.Errno(-code)
	}
	return nil
}

func TestBorrowRefusesWhatTheFirewallHooksTo(t *testing.T) {
	was := port(t)
	if why, err := hooked(was); why != "" || err != nil {
		t.Fatalf("without a chain: %q, %v", why, err)
	}
	hookChain(t, was.Name)
	why, err := hooked(was)
	if want := "a chain of nftables hooks to it"; why != want || err != nil {
		t.Errorf("%q, %v, want %q", why, err, want)
	}
	if err := movable(was); err == nil {
		t.Error("it may be moved")
	}
	if why, _ := hooked(State{Name: "port"}); why != "" {
		t.Errorf("another interface: %q", why)
	}
}

package traffic

import (
	"encoding/binary"
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"
)

// Where a socket filter finds the network header, and in it the source address (include/uapi/linux/filter.h, RFC 791 section
// 3.1, RFC 8200 section 3).
const (
	networkHeader = 0x100000000 - 0x100000 // SKF_NET_OFF
	source4       = 12
	source6       = 8
)

// onlyFrom makes the kernel drop whatever comes to the socket from elsewhere, before anything answers it: not even a SYN gets
// a SYN-ACK, so nobody can make this host send to an address that is not his (BCP 38 is not everywhere). MPTCP's listener has
// no such option (mptcp_setsockopt, net/mptcp/sockopt.c), and newer kernels grant it on TCP to CAP_NET_ADMIN alone: a listener
// without it answers a SYN as any does, and a stranger's connection is closed (sockets.accept).
func onlyFrom(fd, kind int, peer netip.Addr) error {
	offset, address := uint32(networkHeader+source6), peer.AsSlice()
	if peer.Is4() {
		offset = networkHeader + source4
	}
	const load, unlessEqual, end = unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, unix.BPF_RET | unix.BPF_K
	var program []unix.SockFilter
	words := len(address) / 4
	for i := range words {
		program = append(program,
			unix.SockFilter{Code: load, K: offset + uint32(4*i)},
			unix.SockFilter{Code: unlessEqual, Jf: uint8(2*(words-i) - 1), K: binary.BigEndian.Uint32(address[4*i:])})
	}
	program = append(program, unix.SockFilter{Code: end, K: 0xffffffff}, unix.SockFilter{Code: end, K: 0})
	err := unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]})
	if err != nil && err != unix.EOPNOTSUPP && (err != unix.EPERM || kind != unix.SOCK_STREAM) {
		return fmt.Errorf("set SO_ATTACH_FILTER: %w", err)
	}
	return nil
}

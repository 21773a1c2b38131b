package lab

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// NoTUNError says that TAP devices cannot be had.
type NoTUNError struct{ Cause error }

func (e *NoTUNError) Error() string { return "open /dev/net/tun: " + e.Cause.Error() }
func (e *NoTUNError) Unwrap() error { return e.Cause }

// openTAP makes a TAP device in the calling thread's namespace and returns its descriptor; the device goes with it. Without
// IFF_VNET_HDR and offload flags the kernel hands over single frames with complete checksums
// (Documentation/networking/tuntap.rst).
func openTAP(name string) (int, error) {
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return -1, &NoTUNError{err}
	}
	req, err := unix.NewIfreq(name)
	if err == nil {
		req.SetUint16(unix.IFF_TAP | unix.IFF_NO_PI)
		err = unix.IoctlIfreq(fd, unix.TUNSETIFF, req)
	}
	if err != nil {
		unix.Close(fd)
		return -1, &NoTUNError{fmt.Errorf("make TAP device: %w", err)}
	}
	return fd, nil
}

// addVeth makes a veth pair in the calling thread's namespace and moves one end to h as its interface.
func addVeth(far string, h *Host) error {
	attrs := netlink.NewLinkAttrs()
	attrs.Name = far
	attrs.MTU = maxMTU
	pair := &netlink.Veth{LinkAttrs: attrs, PeerName: Interface, PeerNamespace: netlink.NsFd(h.ns.Fd())}
	if err := netlink.LinkAdd(pair); err != nil {
		if errors.Is(err, unix.EOPNOTSUPP) {
			err = fmt.Errorf("%w (modprobe veth as root)", err)
		}
		return fmt.Errorf("make veth pair: %w", err)
	}
	return nil
}

// silentUp brings an interface up that has nothing to say by itself.
func silentUp(name string) error {
	link, err := netlink.LinkByName(name)
	if err != nil {
		return fmt.Errorf("find %s: %w", name, err)
	}
	disableIPv6 := "/proc/sys/net/ipv6/conf/" + name + "/disable_ipv6"
	if err := os.WriteFile(disableIPv6, []byte("1"), 0); err != nil && !os.IsNotExist(err) {
		return fmt.Errorf("silence %s: %w", name, err)
	}
	if err := netlink.LinkSetUp(link); err != nil {
		return fmt.Errorf("bring %s up: %w", name, err)
	}
	return nil
}

// maxMTU is what the far end of a veth pair accepts: the largest that a host's end may be given.
const maxMTU = 65521

// portBuffer holds the frames that the wire has not read yet.
const portBuffer = 64 << 20

// openPacket opens a port on a veth: a packet socket (packet(7)) that sees what arrives and not what it sends itself.
func openPacket(name string) (fd int, err error) {
	link, err := netlink.LinkByName(name)
	if err != nil {
		return -1, fmt.Errorf("find %s: %w", name, err)
	}
	// Protocol 0 receives nothing until bind, when the options are set.
	fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return -1, fmt.Errorf("open packet socket: %w", err)
	}
	defer func() {
		if err != nil {
			unix.Close(fd)
		}
	}()
	if err := unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_IGNORE_OUTGOING, 1); err != nil {
		return -1, fmt.Errorf("ignore outgoing frames (Linux 4.20 or newer): %w", err)
	}
	for _, opt := range []int{unix.SO_RCVBUFFORCE, unix.SO_SNDBUFFORCE} {
		if unix.SetsockoptInt(fd, unix.SOL_SOCKET, opt, portBuffer) != nil {
			// Outside the first user namespace only the system's limits are granted; drops are counted and reported.
			unix.SetsockoptInt(fd, unix.SOL_SOCKET, plainBuffer[opt], portBuffer)
		}
	}
	addr := &unix.SockaddrLinklayer{Protocol: hostToNet16(unix.ETH_P_ALL), Ifindex: link.Attrs().Index}
	if err := unix.Bind(fd, addr); err != nil {
		return -1, fmt.Errorf("bind packet socket: %w", err)
	}
	return fd, nil
}

var plainBuffer = map[int]int{unix.SO_RCVBUFFORCE: unix.SO_RCVBUF, unix.SO_SNDBUFFORCE: unix.SO_SNDBUF}

// hostToNet16 is htons(3).
func hostToNet16(v uint16) uint16 {
	return binary.BigEndian.Uint16(binary.NativeEndian.AppendUint16(nil, v))
}

package nic

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// The tests change interfaces: they run in a network namespace of their own, where they are root, and see a /run and a /var/lib of their own.
const (
	insideEnv   = "WIRETAX_TEST_INSIDE"
	borrowerEnv = "WIRETAX_TEST_BORROWER"
)

func TestMain(m *testing.M) {
	os.Setenv("GORACE", "atexit_sleep_ms=0") // every test has processes that end
	switch {
	case Guarding():
		os.Exit(Guard())
	case os.Getenv(borrowerEnv) != "":
		borrower()
	case os.Getenv(insideEnv) != "":
		if err := ownRun(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(m.Run())
	}
	os.Exit(runInside(m))
}

func ownRun() error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("make mounts private: %w", err)
	}
	for _, dir := range []string{"/run", "/var/lib"} {
		if err := unix.Mount("own", dir, "tmpfs", 0, ""); err != nil {
			return fmt.Errorf("mount %s: %w", dir, err)
		}
	}
	return nil
}

// runInside runs the tests once more, inside. Where the system forbids that, those that need it skip.
func runInside(m *testing.M) int {
	runtime.LockOSThread()
	c := exec.Command("/proc/self/exe", os.Args[1:]...)
	c.Env = append(os.Environ(), insideEnv+"=1")
	c.Stdout, c.Stderr = os.Stdout, os.Stderr
	c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNET | unix.CLONE_NEWNS, Pdeathsig: syscall.SIGKILL}
	if os.Getuid() != 0 {
		c.SysProcAttr.Cloneflags |= unix.CLONE_NEWUSER
		c.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}}
		c.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}}
	}
	err := c.Run()
	exit := new(exec.ExitError)
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit):
		return exit.ExitCode()
	}
	return m.Run()
}

func needInside(t *testing.T) {
	t.Helper()
	if os.Getenv(insideEnv) == "" && os.Getenv("CI") == "" {
		t.Skip("no network namespace of its own (run the tests as root)")
	}
	t.Setenv("XDG_STATE_HOME", t.TempDir())
}

// port makes an interface that has all that can be lost, and whose other end is its cable.
func port(t *testing.T) State {
	t.Helper()
	needInside(t)
	const name = "port0"
	attrs := netlink.NewLinkAttrs()
	attrs.Name = name
	pair := &netlink.Veth{LinkAttrs: attrs, PeerName: "cable0"}
	try(t, netlink.LinkAdd(pair))
	t.Cleanup(func() { netlink.LinkDel(pair) })
	link, err := netlink.LinkByName(name)
	try(t, err)
	cable, err := netlink.LinkByName("cable0")
	try(t, err)
	try(t, netlink.LinkSetMTU(link, 1400))
	try(t, netlink.LinkSetTxQLen(link, 321))
	try(t, netlink.SetPromiscOn(link))
	try(t, os.WriteFile("/proc/sys/net/ipv4/conf/port0/rp_filter", []byte("2"), 0))
	try(t, os.WriteFile("/proc/sys/net/ipv4/neigh/port0/retrans_time_ms", []byte("750"), 0))
	if _, err := setFeatures(name, map[string]bool{"tx-tcp6-segmentation": false, "rx-gro": true}); err != nil {
		t.Fatal(err)
	}
	try(t, netlink.LinkSetUp(link))
	try(t, netlink.LinkSetUp(cable))
	for _, a := range []string{"192.0.2.9/24", "192.0.2.4/24", "198.51.100.7/32", "2001:db8::9/64", "2001:db8::a/64"} {
		address, err := netlink.ParseAddr(a)
		try(t, err)
		if a == "198.51.100.7/32" {
			address.ValidLft, address.PreferedLft = 4000, 3000
		}
		try(t, netlink.AddrAdd(link, address))
	}
	_, far, _ := net.ParseCIDR("203.0.113.0/24")
	_, near, _ := net.ParseCIDR("198.51.100.128/25")
	_, far6, _ := net.ParseCIDR("2001:db8:1::/48")
	index := link.Attrs().Index
	for _, r := range []*netlink.Route{
		{LinkIndex: index, Dst: near, Scope: netlink.SCOPE_LINK},
		{LinkIndex: index, Dst: far, Gw: net.IPv4(192, 0, 2, 1), Src: net.IPv4(192, 0, 2, 4), Priority: 50},
		{LinkIndex: index, Dst: far, Gw: net.IPv4(198, 51, 100, 129), Table: 1234},
		{LinkIndex: index, Dst: far6, Gw: net.ParseIP("2001:db8::1"), Priority: 77, MTU: 1300},
	} {
		try(t, netlink.RouteAdd(r))
	}
	other := &netlink.Route{LinkIndex: index, Dst: far, Gw: net.IPv4(192, 0, 2, 3), Priority: 50}
	try(t, netlink.RouteAppend(other))
	local := &netlink.Route{LinkIndex: index, Dst: &net.IPNet{IP: net.IPv4(203, 0, 113, 7), Mask: net.CIDRMask(32, 32)},
		Type: unix.RTN_LOCAL, Table: unix.RT_TABLE_LOCAL, Scope: netlink.SCOPE_HOST}
	try(t, netlink.RouteAdd(local))
	try(t, lastingRoute(index, 500))
	try(t, State{Name: name, Index: index, Flags: unix.IFF_UP | unix.IFF_PROMISC, Token: "::5"}.writeToken())
	try(t, netlink.NeighSet(&netlink.Neigh{LinkIndex: index, Family: unix.AF_BRIDGE, Flags: netlink.NTF_SELF, State: netlink.NUD_PERMANENT,
		HardwareAddr: net.HardwareAddr{2, 0, 0, 0, 0, 9}}))
	try(t, netlink.NeighSet(&netlink.Neigh{LinkIndex: index, State: netlink.NUD_PERMANENT, IP: net.IPv4(192, 0, 2, 1),
		HardwareAddr: net.HardwareAddr{2, 0, 0, 0, 0, 7}}))
	for _, ip := range []net.IP{net.IPv4(192, 0, 2, 77).To4(), net.ParseIP("2001:db8::77")} {
		try(t, netlink.NeighSet(&netlink.Neigh{LinkIndex: index, Flags: netlink.NTF_PROXY, IP: ip}))
	}
	managed(t, link)
	return settled(t, name)
}

// lastingRoute makes a route that ends after some seconds, for which package netlink has no field.
func lastingRoute(index int, seconds uint32) error {
	request := nl.NewNetlinkRequest(unix.RTM_NEWROUTE, unix.NLM_F_CREATE|unix.NLM_F_EXCL|unix.NLM_F_ACK)
	request.AddData(&nl.RtMsg{RtMsg: unix.RtMsg{Family: unix.AF_INET6, Dst_len: 48, Table: unix.RT_TABLE_MAIN,
		Protocol: unix.RTPROT_BOOT, Type: unix.RTN_UNICAST}})
	request.AddData(nl.NewRtAttr(unix.RTA_DST, net.ParseIP("2001:db8:5::")))
	request.AddData(nl.NewRtAttr(unix.RTA_GATEWAY, net.ParseIP("2001:db8::1")))
	request.AddData(nl.NewRtAttr(unix.RTA_OIF, nl.Uint32Attr(uint32(index))))
	request.AddData(nl.NewRtAttr(unix.RTA_EXPIRES, nl.Uint32Attr(seconds)))
	_, err := request.Execute(unix.NETLINK_ROUTE, 0)
	return err
}

// managed gives the interface addresses and routes as a network manager does: the kernel makes no route with the address, and the
// manager says of its own that the kernel made it.
func managed(t *testing.T, link netlink.Link) {
	t.Helper()
	for _, a := range []string{"192.0.2.130/26", "2001:db8:2::9/64"} {
		address, err := netlink.ParseAddr(a)
		try(t, err)
		address.Flags = unix.IFA_F_NOPREFIXROUTE
		try(t, netlink.AddrAdd(link, address))
		network := &net.IPNet{IP: address.IP.Mask(address.Mask), Mask: address.Mask}
		try(t, netlink.RouteAdd(&netlink.Route{LinkIndex: link.Attrs().Index, Dst: network, Scope: netlink.SCOPE_LINK,
			Priority: 100, Protocol: unix.RTPROT_KERNEL}))
	}
}

// settled reads the state when the kernel has added what it adds itself: the link-local address.
func settled(t *testing.T, name string) (s State) {
	t.Helper()
	for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		var err error
		s, err = Read(name)
		try(t, err)
		if len(s.Addresses) == 8 && len(s.Routes) == 9 && len(s.Neighbours) == 4 && s.Token != "" {
			return s
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d addresses, %d routes, %d neighbours: want 8, 9, 4", len(s.Addresses), len(s.Routes), len(s.Neighbours))
		}
	}
}

func try(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// unchanged fails unless the interface is as it was, and nothing is left of the run.
func unchanged(t *testing.T, was State) {
	t.Helper()
	now, err := Read(was.Name)
	try(t, err)
	if d := was.Differences(now); len(d) > 0 {
		t.Errorf("%s: %s", was.Name, strings.Join(d, ", "))
	}
	if was, is := order(was), order(now); was != is {
		t.Errorf("addresses in the order %s, before %s", is, was)
	}
	for _, m := range now.Routes {
		if left := routes.attribute(m, unix.RTA_EXPIRES); left != nil && (nativeUint32(left) > 500 || nativeUint32(left) < 400) {
			t.Errorf("a route of 500 s ends in %d", nativeUint32(left))
		}
	}
	if left := leftovers(); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// order is that of the addresses, from the first of which the kernel sends where several would do.
func order(s State) (all string) {
	for _, m := range s.Addresses {
		all += net.IP(addresses.attribute(m, unix.IFA_ADDRESS)).String() + " "
	}
	return all
}

// leftovers are the files that a run keeps while it has interfaces.
func leftovers() (left []string) {
	for _, pattern := range []string{filepath.Join(os.Getenv("XDG_STATE_HOME"), "wiretax", "interfaces-*"), placesDir} {
		found, _ := filepath.Glob(pattern)
		left = append(left, found...)
	}
	return left
}

// elsewhere is a namespace to move an interface to. It lives until the test ends.
func elsewhere(t *testing.T) *os.File {
	t.Helper()
	made := make(chan *os.File)
	done := make(chan struct{})
	go func() {
		runtime.LockOSThread()
		var namespace *os.File
		if unix.Unshare(unix.CLONE_NEWNET) == nil {
			namespace, _ = os.Open("/proc/thread-self/ns/net")
		}
		made <- namespace
		<-done
	}()
	namespace := <-made
	if namespace == nil {
		t.Fatal("no namespace could be made")
	}
	t.Cleanup(func() { close(done); namespace.Close() })
	return namespace
}

func TestReturnedAsBorrowed(t *testing.T) {
	for condition, terms := range map[string]Terms{
		"in place, offloads kept": {}, "in place, offloads off": {PlainFrames: true},
		"moved, offloads kept": {Move: true}, "moved, offloads off": {PlainFrames: true, Move: true},
	} {
		t.Run(condition, func(t *testing.T) {
			was := port(t)
			l, err := Borrow([]string{was.Name}, terms)
			try(t, err)
			if terms.Move {
				try(t, l.Move(was.Name, elsewhere(t)))
				if _, err := netlink.LinkByName(was.Name); err == nil {
					t.Error("the interface has not moved")
				}
			} else if on, err := Offloads(was.Name); err != nil || on["tx-tcp-segmentation"] == terms.PlainFrames || on["rx-gro"] == terms.PlainFrames {
				t.Errorf("offloads %v, %v", on, err)
			}
			if len(l.Stayed) > 0 {
				t.Errorf("stayed on: %v", l.Stayed)
			}
			try(t, l.Return())
			unchanged(t, was)
		})
	}
}

// Who serves for days meets a new lease: what others set meanwhile, on an interface that stays in use, is theirs.
func TestInPlaceOthersChangesStay(t *testing.T) {
	was := port(t)
	l, err := Borrow([]string{was.Name}, Terms{PlainFrames: true})
	try(t, err)
	link, err := netlink.LinkByName(was.Name)
	try(t, err)
	lease, err := netlink.ParseAddr("198.51.100.7/32")
	try(t, err)
	try(t, netlink.AddrDel(link, lease))
	lease, err = netlink.ParseAddr("198.51.100.8/32")
	try(t, err)
	try(t, netlink.AddrAdd(link, lease))
	try(t, netlink.LinkSetMTU(link, 1300))
	want, err := Read(was.Name)
	try(t, err)
	want.Features = was.Features
	try(t, l.Return())
	now, err := Read(was.Name)
	try(t, err)
	if d := want.Differences(now); len(d) > 0 {
		t.Errorf("%s", strings.Join(d, ", "))
	}
}

// borrower takes the interface, tells its guardian's process and waits to be killed.
func borrower() {
	l, err := Borrow([]string{"port0"}, Terms{PlainFrames: true, Move: true})
	if err == nil {
		runtime.LockOSThread()
		if err = unix.Unshare(unix.CLONE_NEWNET); err == nil {
			var namespace *os.File
			namespace, err = os.Open("/proc/thread-self/ns/net")
			if err == nil {
				err = l.Move("port0", namespace)
			}
		}
	}
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println(l.guardian.Process.Pid)
	time.Sleep(time.Minute)
}

// borrowed starts a borrower and returns it and its guardian's process.
func borrowed(t *testing.T) (c *exec.Cmd, guardian *os.Process) {
	t.Helper()
	c = exec.Command("/proc/self/exe")
	c.Env = append(os.Environ(), borrowerEnv+"=1")
	c.Stderr = os.Stderr
	out, err := c.StdoutPipe()
	try(t, err)
	try(t, c.Start())
	t.Cleanup(func() { c.Process.Kill(); c.Wait() })
	line, _ := bufio.NewReader(out).ReadString('\n')
	pid := 0
	if _, err := fmt.Sscan(line, &pid); err != nil {
		t.Fatalf("borrower: %s", line)
	}
	guardian, err = os.FindProcess(pid)
	try(t, err)
	return c, guardian
}

func TestKilledBorrowerGivesBack(t *testing.T) {
	was := port(t)
	c, _ := borrowed(t)
	try(t, c.Process.Kill())
	c.Wait()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if len(leftovers()) == 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("after 10 s there are still %v", leftovers())
		}
	}
	unchanged(t, was)
}

func TestRepairAfterEverybodyWasKilled(t *testing.T) {
	was := port(t)
	c, guardian := borrowed(t)

	done, err := Repair()
	try(t, err)
	if len(done) != 1 || done[0].Err != nil || !strings.Contains(done[0].What, "left alone") {
		t.Fatalf("repair of a run that goes on: %+v", done)
	}
	if _, err := Borrow([]string{was.Name}, Terms{}); err == nil || !strings.Contains(err.Error(), "in use by wiretax") {
		t.Errorf("borrowed twice: %v", err)
	}
	try(t, guardian.Kill())
	try(t, c.Process.Kill())
	c.Wait()
	for gone := false; !gone; time.Sleep(time.Millisecond) {
		_, err := startOf(guardian.Pid)
		gone = err != nil
	}
	if names, err := Pending(); err != nil || len(names) != 1 || names[0] != was.Name {
		t.Errorf("pending: %v, %v", names, err)
	}
	done, err = Repair()
	try(t, err)
	if len(done) != 1 || done[0].Err != nil || done[0].Interfaces != was.Name {
		t.Fatalf("%+v", done)
	}
	unchanged(t, was)
	if done, err = Repair(); len(done) > 0 || err != nil {
		t.Errorf("second repair: %+v, %v", done, err)
	}
}

func TestRepairOfOtherJournals(t *testing.T) {
	needInside(t)
	dir := filepath.Join(os.Getenv("XDG_STATE_HOME"), "wiretax")
	try(t, os.MkdirAll(dir, 0o755))
	path := filepath.Join(dir, "interfaces-1.json")
	other, ended := inodeOf(t, elsewhere(t)), "has ended"
	if !seesAll() {
		ended = "another network namespace"
	}
	for _, tc := range []struct {
		condition string
		journal   journal
		mode      os.FileMode
		what, err string
		stays     bool
	}{
		{"another boot", journal{Schema: journalSchema, BootID: "another"}, 0o600, "last boot", "", false},
		{"another namespace", journal{Schema: journalSchema, BootID: bootID(), Namespace: other}, 0o600, "another network namespace", "", true},
		{"a namespace that ended", journal{Schema: journalSchema, BootID: bootID(), Namespace: 1}, 0o600, ended, "", !seesAll()},
		{"a later namespace with the inode of one that ended", journal{Schema: journalSchema, BootID: bootID(), Namespace: namespaceInode(),
			Cookie: 1 << 63, Interfaces: []State{{Name: "gone0"}}}, 0o600, ended, "", !seesAll()},
		{"an interface that is gone", journal{Schema: journalSchema, BootID: bootID(), Namespace: namespaceInode(),
			Interfaces: []State{{Name: "gone0"}}}, 0o600, "no longer in this machine: gone0", "", false},
		{"written by anybody", journal{Schema: journalSchema, BootID: bootID()}, 0o622, "", "not written by this user", true},
		{"a later version", journal{Schema: "wiretax-journal/9"}, 0o600, "", "wiretax-journal/9", true},
		{"a message cut off", journal{Schema: journalSchema, Interfaces: []State{{Name: "a", Routes: []message{{2}}}}}, 0o600, "", "message of 1 octets", true},
	} {
		t.Run(tc.condition, func(t *testing.T) {
			b, err := json.Marshal(tc.journal)
			try(t, err)
			try(t, os.WriteFile(path, b, tc.mode))
			try(t, os.Chmod(path, tc.mode))
			if names, _ := Pending(); tc.stays && len(names) > 0 {
				t.Errorf("%v could be mended here", names)
			}
			done, err := Repair()
			switch {
			case tc.err != "":
				if err == nil || !strings.Contains(err.Error(), tc.err) {
					t.Errorf("got %v", err)
				}
			case err != nil || len(done) != 1 || done[0].Err != nil || !strings.Contains(done[0].What, tc.what):
				t.Errorf("got %+v, %v", done, err)
			}
			if _, err := os.Stat(path); (err == nil) != tc.stays {
				t.Errorf("journal: %v", err)
			}
			os.Remove(path)
		})
	}
}

// joinByHand is ip maddress add (SIOCADDMULTI, netdevice(7)).
func joinByHand(name string, group net.HardwareAddr) error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	var request [40]byte // struct ifreq: a name and a struct sockaddr
	copy(request[:unix.IFNAMSIZ-1], name)
	copy(request[unix.IFNAMSIZ+2:], group)
	if _, _, failed := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), unix.SIOCADDMULTI, uintptr(unsafe.Pointer(&request))); failed != 0 {
		return failed
	}
	return nil
}

func inodeOf(t *testing.T, namespace *os.File) uint64 {
	t.Helper()
	var st unix.Stat_t
	try(t, unix.Fstat(int(namespace.Fd()), &st))
	return st.Ino
}

// A namespace lives on while anything keeps it, and has ended when nothing does.
func TestNamespaceEndsWithTheLastThatKeepsIt(t *testing.T) {
	needInside(t)
	var j journal
	var kept *os.File
	try(t, os.MkdirAll(placesDir, 0o755))
	t.Run("a thread", func(t *testing.T) {
		namespace := elsewhere(t)
		j.Namespace = inodeOf(t, namespace)
		if j.ended() {
			t.Error("ended, though a thread is in it")
		}
		fd, err := unix.Dup(int(namespace.Fd()))
		try(t, err)
		kept = os.NewFile(uintptr(fd), "namespace")
	})
	if j.ended() {
		t.Error("ended, though a descriptor keeps it")
	}
	place := placeOf("kept0")
	try(t, keep(kept, place))
	kept.Close()
	if j.ended() {
		t.Error("ended, though a mount keeps it")
	}
	try(t, forget(place))
	if j.ended() != seesAll() { // who does not see every process does not know
		t.Errorf("ended %t, with nothing that keeps it; all processes are seen: %t", j.ended(), seesAll())
	}
}

func TestBorrowRefusesWhatCannotBeGivenBack(t *testing.T) {
	for _, tc := range []struct {
		condition, want string
		make            func(t *testing.T, l netlink.Link)
	}{
		{"default route", "default route", func(t *testing.T, l netlink.Link) {
			try(t, netlink.RouteAdd(&netlink.Route{LinkIndex: l.Attrs().Index, Gw: net.IPv4(192, 0, 2, 1)}))
		}},
		{"a connection over it", "TCP connection to 192.0.2.9", func(t *testing.T, _ netlink.Link) {
			lo, err := netlink.LinkByName("lo")
			try(t, err)
			try(t, netlink.LinkSetUp(lo))
			l, err := net.Listen("tcp", "192.0.2.9:0")
			try(t, err)
			t.Cleanup(func() { l.Close() })
			c, err := net.Dial("tcp", l.Addr().String())
			try(t, err)
			t.Cleanup(func() { c.Close() })
		}},
		{"its address as source elsewhere", "a route over another interface has its address 192.0.2.9", func(t *testing.T, l netlink.Link) {
			cable, err := netlink.LinkByName("cable0")
			try(t, err)
			try(t, netlink.RouteAdd(&netlink.Route{LinkIndex: cable.Attrs().Index, Scope: netlink.SCOPE_LINK, Src: net.IPv4(192, 0, 2, 9),
				Dst: &net.IPNet{IP: net.IPv4(203, 0, 113, 128), Mask: net.CIDRMask(25, 32)}}))
		}},
		{"a nexthop object", "a nexthop object uses it", func(t *testing.T, l netlink.Link) {
			request := nl.NewNetlinkRequest(unix.RTM_NEWNEXTHOP, unix.NLM_F_CREATE|unix.NLM_F_ACK)
			request.AddRawData(slices.Concat([]byte{unix.AF_INET, 0, unix.RTPROT_STATIC, 0, 0, 0, 0, 0},
				nl.NewRtAttr(unix.NHA_ID, nl.Uint32Attr(7)).Serialize(), nl.NewRtAttr(unix.NHA_OIF, nl.Uint32Attr(uint32(l.Attrs().Index))).Serialize()))
			_, err := request.Execute(unix.NETLINK_ROUTE, 0)
			try(t, err)
		}},
		{"a group joined by hand", "listen to 01005e000077 by ip maddress", func(t *testing.T, l netlink.Link) {
			try(t, joinByHand(l.Attrs().Name, net.HardwareAddr{1, 0, 0x5e, 0, 0, 0x77}))
		}},
		{"a neighbour that a program keeps", "a program keeps its neighbours", func(t *testing.T, l netlink.Link) {
			try(t, netlink.NeighSet(&netlink.Neigh{LinkIndex: l.Attrs().Index, State: netlink.NUD_REACHABLE, Flags: netlink.NTF_EXT_LEARNED,
				IP: net.IPv4(192, 0, 2, 80), HardwareAddr: net.HardwareAddr{2, 0, 0, 0, 0, 8}}))
		}},
		{"port of a bridge", "port of bridge9", func(t *testing.T, l netlink.Link) {
			bridge := &netlink.Bridge{LinkAttrs: netlink.LinkAttrs{Name: "bridge9"}}
			try(t, netlink.LinkAdd(bridge))
			t.Cleanup(func() { netlink.LinkDel(bridge) })
			try(t, netlink.LinkSetMaster(l, bridge))
		}},
		{"a VLAN on top", "vlan9 is on top", func(t *testing.T, l netlink.Link) {
			vlan := &netlink.Vlan{LinkAttrs: netlink.LinkAttrs{Name: "vlan9", ParentIndex: l.Attrs().Index}, VlanId: 9}
			if err := netlink.LinkAdd(vlan); err != nil {
				t.Skipf("this kernel makes no VLANs: %v", err)
			}
			t.Cleanup(func() { netlink.LinkDel(vlan) })
		}},
		{"a queueing discipline", "queueing discipline would be lost", func(t *testing.T, l netlink.Link) {
			attrs := netlink.QdiscAttrs{LinkIndex: l.Attrs().Index, Handle: netlink.MakeHandle(1, 0), Parent: netlink.HANDLE_ROOT}
			if err := netlink.QdiscAdd(&netlink.Tbf{QdiscAttrs: attrs, Rate: 1e6, Limit: 1e6, Buffer: 1e5}); err != nil {
				t.Skipf("this kernel has no token bucket: %v", err)
			}
		}},
	} {
		t.Run(tc.condition, func(t *testing.T) {
			was := port(t)
			link, err := netlink.LinkByName(was.Name)
			try(t, err)
			tc.make(t, link)
			if l, err := Borrow([]string{was.Name}, Terms{Move: true}); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v", err)
				if err == nil {
					l.Return()
				}
			}
			if left, err := journals(); len(left) > 0 || err != nil {
				t.Errorf("journals %v, %v", left, err)
			}
		})
	}
}

// Two runs are kept apart by the interface's name.
func TestBorrowRefusesAnotherName(t *testing.T) {
	was := port(t)
	link, err := netlink.LinkByName(was.Name)
	try(t, err)
	if err := netlink.LinkAddAltName(link, "alternative0"); err != nil {
		t.Skipf("this kernel has no alternative names: %v", err)
	}
	if l, err := Borrow([]string{"alternative0"}, Terms{PlainFrames: true}); err == nil || !strings.Contains(err.Error(), "another name of port0") {
		t.Errorf("got %v", err)
		if err == nil {
			l.Return()
		}
	}
	unchanged(t, was)
}

func TestNothingIsKeptThatNoJournalKnows(t *testing.T) {
	was := port(t)
	file := filepath.Join(t.TempDir(), "file")
	try(t, os.WriteFile(file, nil, 0o600))
	g := &guardian{&journal{Interfaces: []State{was}, Places: map[string]string{}, path: filepath.Join(file, "journal")}}
	if err := g.move(was.Name, elsewhere(t)); err == nil || !strings.Contains(err.Error(), "write journal") {
		t.Errorf("got %v", err)
	}
	unchanged(t, was)
}

func TestRestoreAfterAKillBeforeTheMount(t *testing.T) {
	was := port(t)
	place := placeOf(was.Name)
	try(t, os.MkdirAll(placesDir, 0o755))
	try(t, os.WriteFile(place, nil, 0o400))
	j, err := newJournal([]State{was})
	try(t, err)
	j.Places[was.Name] = place
	try(t, j.write())
	if _, err := j.restore(); err != nil {
		t.Error(err)
	}
	unchanged(t, was)
}

func TestRepairPastAJournalThatCannotBeRead(t *testing.T) {
	was := port(t)
	c, guardian := borrowed(t)
	try(t, os.WriteFile(filepath.Join(directories()[0], "interfaces-0.json"), []byte("{"), 0o600))
	try(t, guardian.Kill())
	try(t, c.Process.Kill())
	c.Wait()
	for gone := false; !gone; time.Sleep(time.Millisecond) {
		_, err := startOf(guardian.Pid)
		gone = err != nil
	}
	done, err := Repair()
	if err == nil || !strings.Contains(err.Error(), "interfaces-0.json") {
		t.Errorf("the journal that cannot be read: %v", err)
	}
	if len(done) != 1 || done[0].Err != nil {
		t.Errorf("the other one: %+v", done)
	}
	try(t, os.Remove(filepath.Join(directories()[0], "interfaces-0.json")))
	unchanged(t, was)
}

// Sudo passes no XDG_STATE_HOME on.
func TestRepairFindsTheJournalOfAnotherStateHome(t *testing.T) {
	was := port(t)
	c, guardian := borrowed(t)
	home := os.Getenv("XDG_STATE_HOME")
	t.Setenv("XDG_STATE_HOME", t.TempDir())
	if _, err := Borrow([]string{was.Name}, Terms{}); err == nil || !strings.Contains(err.Error(), "in use by wiretax") {
		t.Errorf("borrowed twice: %v", err)
	}
	try(t, guardian.Kill())
	try(t, c.Process.Kill())
	c.Wait()
	for gone := false; !gone; time.Sleep(time.Millisecond) {
		_, err := startOf(guardian.Pid)
		gone = err != nil
	}
	if done, err := Repair(); err != nil || len(done) != 1 || done[0].Err != nil {
		t.Errorf("%+v, %v", done, err)
	}
	t.Setenv("XDG_STATE_HOME", home)
	unchanged(t, was)
}

// The namespace that it were moved to has one of that name, which cannot be moved back.
func TestLoopbackIsNotMoved(t *testing.T) {
	was := port(t)
	if l, err := Borrow([]string{was.Name, "lo"}, Terms{PlainFrames: true, Move: true}); err == nil || !strings.Contains(err.Error(), "loopback") {
		t.Errorf("got %v", err)
		if err == nil {
			l.Return()
		}
	}
	unchanged(t, was)
}

// Each takes the carrier from the other.
func TestBothEndsOfACableComeBack(t *testing.T) {
	was := port(t)
	l, err := Borrow([]string{was.Name, "cable0"}, Terms{PlainFrames: true, Move: true})
	try(t, err)
	try(t, l.Move(was.Name, elsewhere(t)))
	far := elsewhere(t)
	try(t, l.Move("cable0", far))
	up := make(chan error)
	go func() {
		runtime.LockOSThread() // for ever: the thread ends with the goroutine
		if err := unix.Setns(int(far.Fd()), unix.CLONE_NEWNET); err != nil {
			up <- err
			return
		}
		link, err := netlink.LinkByName("cable0")
		if err == nil {
			err = netlink.LinkSetUp(link)
		}
		up <- err
	}()
	try(t, <-up)
	try(t, l.Return())
	unchanged(t, was)
}

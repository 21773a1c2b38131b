package nic

import (
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// lent is the journal of an interface that is in another namespace.
func lent(t *testing.T, was State) *journal {
	t.Helper()
	j, err := newJournal([]State{was})
	try(t, err)
	g := &guardian{journal: j}
	try(t, g.move(was.Name, elsewhere(t)))
	return j
}

// renamed gives the interface a name as udev does it, by its rules, when the interface appears.
func renamed(t *testing.T, index int, name string) {
	t.Helper()
	link, err := netlink.LinkByIndex(index)
	try(t, err)
	if err := netlink.LinkSetName(link, name); err == unix.EBUSY { // Linux before 6.2: it is up
		try(t, netlink.LinkSetDown(link))
		try(t, netlink.LinkSetName(link, name))
	} else {
		try(t, err)
	}
}

func TestNameIsPutBack(t *testing.T) {
	t.Run("renamed when it came back", func(t *testing.T) {
		was := port(t)
		j := lent(t, was)
		try(t, was.fetch(j.Places[was.Name]))
		renamed(t, was.Index, "udev0")
		if gone, err := j.restore(); len(gone) > 0 || err != nil {
			t.Errorf("gone %v, %v", gone, err)
		}
		unchanged(t, was)
	})
	t.Run("renamed and up", func(t *testing.T) {
		was := port(t)
		link, err := netlink.LinkByIndex(was.Index)
		try(t, err)
		try(t, netlink.LinkSetDown(link))
		renamed(t, was.Index, "udev0")
		try(t, netlink.LinkSetUp(link))
		try(t, was.Restore())
		unchanged(t, was)
	})
	t.Run("renamed by udev after it was found", func(t *testing.T) {
		was := port(t)
		j := lent(t, was)
		try(t, os.MkdirAll("/run/udev", 0o755))
		try(t, os.WriteFile("/run/udev/queue", nil, 0o600))
		restored := make(chan error)
		go func() { _, err := j.restore(); restored <- err }()
		for back := false; !back; time.Sleep(time.Millisecond) {
			now, err := Read(was.Name)
			back = err == nil && len(was.Differences(now)) == 0
		}
		renamed(t, was.Index, "udev0")
		try(t, os.RemoveAll("/run/udev"))
		try(t, <-restored)
		unchanged(t, was)
	})
	t.Run("its name taken", func(t *testing.T) {
		was := port(t)
		j := lent(t, was)
		other := &netlink.Bridge{LinkAttrs: netlink.LinkAttrs{Name: was.Name}}
		try(t, netlink.LinkAdd(other))
		if _, err := j.restore(); err == nil || !strings.Contains(err.Error(), "another interface has that name") {
			t.Errorf("got %v", err)
		}
		try(t, netlink.LinkDel(other))
		if gone, err := j.restore(); len(gone) > 0 || err != nil {
			t.Errorf("gone %v, %v", gone, err)
		}
		unchanged(t, was)
	})
}

// What has the name now was plugged in later, and is nobody's to change.
func TestAnotherOfThatNameIsLeftAlone(t *testing.T) {
	was := port(t)
	link, err := netlink.LinkByIndex(was.Index)
	try(t, err)
	try(t, netlink.LinkDel(link))
	other := &netlink.Bridge{LinkAttrs: netlink.LinkAttrs{Name: was.Name}}
	try(t, netlink.LinkAdd(other))
	t.Cleanup(func() { netlink.LinkDel(other) })
	before, err := Read(was.Name)
	try(t, err)
	j, err := newJournal([]State{was})
	try(t, err)
	try(t, j.write())
	if gone, err := j.restore(); len(gone) != 1 || err != nil {
		t.Errorf("gone %v, %v", gone, err)
	}
	now, err := Read(was.Name)
	try(t, err)
	if d := before.Differences(now); len(d) > 0 {
		t.Errorf("the other one: %v", d)
	}
}

func TestGuardianSaysWhatVanished(t *testing.T) {
	was := port(t)
	errors, write, err := os.Pipe()
	try(t, err)
	stderr := os.Stderr
	os.Stderr = write
	l, err := Borrow([]string{was.Name}, Terms{Move: true})
	os.Stderr = stderr
	try(t, err)
	namespace := elsewhere(t)
	try(t, l.Move(was.Name, namespace))
	cable, err := netlink.LinkByName("cable0")
	try(t, err)
	try(t, netlink.LinkDel(cable)) // takes the port along
	try(t, l.Return())
	write.Close()
	said, err := io.ReadAll(errors)
	try(t, err)
	if want := "wiretax: port0 vanished during the run: nothing is left to give back\n"; string(said) != want {
		t.Errorf("said %q, want %q", said, want)
	}
	if left := leftovers(); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// The kernel keeps what it found out about a path as a route of the destination; a run must not make it one for ever.
func TestWhatTheKernelFoundOutIsNoSetting(t *testing.T) {
	m := make(message, routes.head)
	m[0], m[4], m[5] = unix.AF_INET, unix.RT_TABLE_MAIN, unix.RTPROT_UNSPEC
	if !(State{}).lasting(m) {
		t.Error("a route of the main table is a setting")
	}
	putNativeUint32(m[routeFlags:], unix.RTM_F_CLONED)
	if (State{}).lasting(m) {
		t.Error("a path MTU is taken for a setting")
	}
}

// Only the kernel can say that it made an address from a secret: one that is given back by hand is the same.
func TestStablePrivateAddressIsTheSameWhoeverMadeIt(t *testing.T) {
	m := make(message, addresses.head)
	m[0] = unix.AF_INET6
	kernels := append(m, nl.NewRtAttr(unix.IFA_FLAGS, nl.Uint32Attr(unix.IFA_F_PERMANENT|unix.IFA_F_STABLE_PRIVACY)).Serialize()...)
	ours := append(m[:len(m):len(m)], nl.NewRtAttr(unix.IFA_FLAGS, nl.Uint32Attr(unix.IFA_F_PERMANENT)).Serialize()...)
	if addresses.identity(kernels) != addresses.identity(ours) {
		t.Error("they are taken for different addresses")
	}
}

// The kernel makes the link-local address by the rule that holds when the interface comes up.
func TestLinkLocalAddressOfAnOlderRuleStaysAlone(t *testing.T) {
	was := port(t)
	try(t, os.WriteFile("/proc/sys/net/ipv6/conf/port0/stable_secret", []byte("2001:db8::5ec"), 0)) // sets addr_gen_mode to 2
	was, err := Read(was.Name)
	try(t, err)
	l, err := Borrow([]string{was.Name}, Terms{Move: true})
	try(t, err)
	try(t, l.Move(was.Name, elsewhere(t)))
	try(t, l.Return())
	unchanged(t, was)
}

func TestTokenOfARouterComesBack(t *testing.T) {
	was := port(t)
	try(t, os.WriteFile("/proc/sys/net/ipv6/conf/port0/forwarding", []byte("1"), 0)) // accept_ra is 1: it does not listen any more
	was, err := Read(was.Name)
	try(t, err)
	l, err := Borrow([]string{was.Name}, Terms{Move: true})
	try(t, err)
	try(t, l.Move(was.Name, elsewhere(t)))
	try(t, l.Return())
	unchanged(t, was)
}

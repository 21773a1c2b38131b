package lab

import (
	"errors"
	"os"
	"testing"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// build makes a lab or skips where the system does not let us; in CI it must.
func build(t *testing.T, c Config) *Lab {
	t.Helper()
	l, err := Build(c)
	var refused *NamespaceError
	var missing *NoTUNError
	if (errors.As(err, &refused) || errors.As(err, &missing)) && os.Getenv("CI") == "" {
		t.Skipf("%v (run the tests as root)", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Close)
	return l
}

func TestLinkIsConfigured(t *testing.T) {
	for _, c := range []Config{
		{MTU: 1500, IP: 4, Queue: 1000, Link: TAP}, {MTU: 9000, IP: 6, Queue: 1000, Link: TAP},
		{MTU: 1500, IP: 4, Queue: 1000, Link: Packet}, {MTU: 9000, IP: 6, Queue: 1000, Link: Packet},
		{MTU: 1500, IP: 4, Queue: 1000, Link: Veth}, {MTU: 9000, IP: 6, Queue: 1000, Link: Veth},
	} {
		t.Run(string(c.Link), func(t *testing.T) {
			l := build(t, c)
			for _, h := range []*Host{l.A, l.B} {
				err := h.Within(func() error {
					link, err := netlink.LinkByName(Interface)
					if err != nil {
						return err
					}
					a := link.Attrs()
					if a.MTU != c.MTU || a.HardwareAddr.String() != h.MAC.String() || a.Flags&unix.IFF_UP == 0 {
						t.Errorf("%s: MTU %d, MAC %v, flags %v", h.Name, a.MTU, a.HardwareAddr, a.Flags)
					}
					return nil
				})
				if err != nil {
					t.Fatal(err)
				}
				on, err := h.Offloads()
				if err != nil {
					t.Fatal(err)
				}
				for name, on := range on {
					if on {
						t.Errorf("%s: %s is on", h.Name, name)
					}
				}
			}
		})
	}
}

func TestHostsAreNotTheProcess(t *testing.T) {
	l := build(t, Config{MTU: 1500, IP: 4, Queue: 1000})
	own, err := os.Readlink("/proc/self/ns/net")
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range []*Host{l.A, l.B} {
		err := h.Within(func() error {
			its, err := os.Readlink("/proc/thread-self/ns/net")
			if its == own {
				t.Errorf("%s is in the namespace of the process", h.Name)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	after, err := os.Readlink("/proc/self/ns/net")
	if err != nil || after != own {
		t.Errorf("the process moved from %s to %s (%v)", own, after, err)
	}
}

func TestErrorsOfWithinComeBack(t *testing.T) {
	l := build(t, Config{MTU: 1500, IP: 4, Queue: 1000})
	want := errors.New("no")
	if got := l.A.Within(func() error { return want }); got != want {
		t.Errorf("got %v, want %v", got, want)
	}
}

// Descriptors are what holds a lab: when they are gone, so is the lab.
func TestCloseLeavesNoDescriptor(t *testing.T) {
	build(t, Config{MTU: 1500, IP: 4, Queue: 1000}).Close() // what the runtime opens once is open now
	before := descriptors(t)
	for _, kind := range []Kind{TAP, Packet, Veth} {
		build(t, Config{MTU: 1500, IP: 4, Queue: 1000, Link: kind}).Close()
	}
	if after := descriptors(t); after > before {
		t.Errorf("%d descriptors before, %d after", before, after)
	}
}

func descriptors(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

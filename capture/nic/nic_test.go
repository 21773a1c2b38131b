package nic

import (
	"net"
	"testing"
)

// What the kernel says by netlink and ethtool agrees with what Go's net package knows.
func TestListIsOfAllInterfaces(t *testing.T) {
	want, err := net.Interfaces()
	if err != nil {
		t.Fatal(err)
	}
	got, err := List()
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]Interface{}
	for _, i := range got {
		known[i.Name] = i
	}
	for _, w := range want {
		i, ok := known[w.Name]
		if !ok || i.MTU != w.MTU || i.Up != (w.Flags&net.FlagUp != 0) {
			t.Errorf("%s: got %+v, want MTU %d, flags %v", w.Name, i, w.MTU, w.Flags)
		}
	}
}

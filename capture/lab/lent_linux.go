package lab

import (
	"fmt"
	"os"

	"github.com/vishvananda/netlink"
)

// Lent are two interfaces of this machine that the hosts get for a time. Whoever lends them gives them back.
type Lent struct {
	Names [2]string // sender's and receiver's
	// Move puts an interface into a host's network namespace.
	Move func(name string, namespace *os.File) error
}

// adopt gives the hosts the interfaces. They keep their names and hardware addresses: a switch between them may care.
func (l *Lab) adopt(lent *Lent) error {
	l.MTU = 0
	for i, h := range l.hosts() {
		h.Interface = lent.Names[i]
		if err := lent.Move(h.Interface, h.ns); err != nil {
			return err
		}
		err := h.Within(func() error {
			link, err := netlink.LinkByName(h.Interface)
			if err != nil {
				return fmt.Errorf("find %s of %s: %w", h.Interface, h.Name, err)
			}
			h.MAC = link.Attrs().HardwareAddr
			if l.MTU == 0 || link.Attrs().MTU < l.MTU {
				l.MTU = link.Attrs().MTU
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

package live

import (
	"fmt"

	"github.com/google/gopacket/pcap"
)

// Interface is one that frames can be captured on.
type Interface struct {
	Name        string
	Description string // libpcap's, often empty
	Up, Running bool
	Loopback    bool
	Addresses   []string
}

// The bits of PCAP_IF_ (pcap/pcap.h).
const (
	isLoopback = 1 << iota
	isUp
	isRunning
)

// Interfaces lists what libpcap can open, the most useful first, as tcpdump -D does.
func Interfaces() ([]Interface, error) {
	devices, err := pcap.FindAllDevs()
	if err != nil {
		return nil, fmt.Errorf("list interfaces: %w", err)
	}
	list := make([]Interface, 0, len(devices))
	for _, d := range devices {
		i := Interface{Name: d.Name, Description: d.Description,
			Up: d.Flags&isUp != 0, Running: d.Flags&isRunning != 0, Loopback: d.Flags&isLoopback != 0}
		for _, a := range d.Addresses {
			i.Addresses = append(i.Addresses, a.IP.String())
		}
		list = append(list, i)
	}
	return list, nil
}

package main

import (
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"wiretax/capture"
)

// conditionFlags say what the link does to frames, and how the hosts use it. Each is a list; their product is the links.
type conditionFlags struct {
	rates       list[rate, *rate]
	rtts        spans
	losses      list[probability, *probability]
	mtus        counts
	ips         []string
	congestions []string
}

// Bounds of the flags. The MTU's are IPv6's minimum (RFC 8200 section 5), so that one flag serves both, and that of jumbo
// frames as switches have them.
const (
	minMTU = 1280
	maxMTU = 9216
)

func defaultConditions() conditionFlags {
	return conditionFlags{
		rates: list[rate, *rate]{10e6}, rtts: spans{time.Millisecond}, losses: list[probability, *probability]{0}, mtus: counts{1500},
		ips: []string{"4"}, congestions: []string{"cubic"},
	}
}

func (f *conditionFlags) register(fl *pflag.FlagSet) {
	fl.Var(&f.rates, "rate", "rate of the link in bit/s, with k, M or G; 0: no limit")
	fl.Var(&f.rtts, "rtt", "round-trip time of the link")
	fl.Var(&f.losses, "loss", "probability that the link loses a frame: 0.01 or 1%")
	fl.Var(&f.mtus, "mtu", "largest IP packet on the link, in bytes (with -i, unless given, what both interfaces have)")
	fl.StringSliceVar(&f.ips, "ip", f.ips, "`VERSION,...` of IP: 4, 6, or both")
	fl.StringSliceVar(&f.congestions, "congestion", f.congestions, "`ALGORITHM,...` of TCP congestion control, by name (wiretax doctor lists those here)")
}

// count is the number of combinations.
func (f *conditionFlags) count() float64 {
	total := 1.0
	for _, n := range []int{len(f.rates), len(f.rtts), len(f.losses), len(f.mtus), len(f.ips), len(f.congestions)} {
		total *= float64(n)
	}
	return total
}

// links checks the flags and gives the experiment every combination.
func (f *conditionFlags) links(c *cobra.Command, e *capture.Experiment) error {
	for _, mtu := range f.mtus {
		if mtu < minMTU || mtu > maxMTU {
			return usagef(c, "--mtu %d: want %d to %d", mtu, minMTU, maxMTU)
		}
	}
	for _, ip := range f.ips {
		if ip != "4" && ip != "6" {
			return usagef(c, "--ip %s: want 4 or 6", ip)
		}
	}
	l := capture.Link{}
	for _, rate := range f.rates {
		for _, l.RTT = range f.rtts {
			for _, loss := range f.losses {
				for _, l.MTU = range f.mtus {
					for _, ip := range f.ips {
						for _, l.CongestionControl = range f.congestions {
							l.Rate, l.Loss, l.IP = int64(rate), float64(loss), int(ip[0]-'0')
							e.Links = append(e.Links, l)
						}
					}
				}
			}
		}
	}
	return nil
}

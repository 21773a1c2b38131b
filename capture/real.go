package capture

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"wiretax/capture/lab"
	"wiretax/capture/nic"
	"wiretax/capture/traffic"
	"wiretax/capture/wire"
)

// found reports whether the link is one that was found, and not made: what it is like has to be measured.
func (b *bench) found() bool { return b.lab.Kind == lab.Real || b.lab.Kind == lab.Loopback }

const noEthernet = "lo has no Ethernet: nothing is inferred, wire bytes are the bytes of IP packets (wiretax analyze --as ethernet prices the captures of --out)"

// realLink finds out what an interface's link is like, which nobody chose: its rate as the driver says it, its round-trip time as
// measured, and what stayed on of the offloads that were to be off.
func (b *bench) realLink(ctx context.Context, keepOffloads bool) (err error) {
	b.link.MTU = b.lab.MTU
	for _, h := range b.hosts() {
		err := h.Within(func() error {
			if rate := nic.Speed(h.Interface); b.link.Rate == 0 || rate < b.link.Rate {
				b.link.Rate = rate
			}
			on, err := nic.Offloads(h.Interface)
			maps.DeleteFunc(on, func(_ string, on bool) bool { return !on })
			if len(on) > 0 && !keepOffloads {
				b.superFrames = true
				b.doubts = append(b.doubts, fmt.Sprintf("%s ignored the request to switch off %s: super-frames are expanded", h.Interface,
					strings.Join(slices.Sorted(maps.Keys(on)), ", ")))
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	if err := b.awaitPath(ctx); err != nil {
		return err
	}
	b.link.RTT, err = b.measureRTT(ctx)
	return err
}

// pathPatience is longer than a switch takes that opens a port by the spanning tree protocol: twice its forward delay of 15 s
// (IEEE 802.1D clause 8.10.2).
const pathPatience = 45 * time.Second

// awaitPath waits until frames pass both ways.
func (b *bench) awaitPath(ctx context.Context) (err error) {
	for began := time.Now(); time.Since(began) < pathPatience; {
		if err = b.drain(ctx, 0, 1); err == nil || ctx.Err() != nil {
			return err
		}
	}
	return fmt.Errorf("no frame of %s and %s reaches the other (is the cable between them; do the switches pass unicast of EtherType %#x?): %w",
		b.lab.A.Interface, b.lab.B.Interface, wire.SentinelType, err)
}

// noteRealLink writes down what was found out about the link that stands.
func (r *recorder) noteRealLink() error {
	b := r.bench
	if r.manifest == nil || !b.found() {
		return nil
	}
	facts := r.linkFacts(b.link, b.lab.Kind, nil)
	facts.Kind = "interface"
	for _, h := range b.hosts() {
		facts.Interfaces = append(facts.Interfaces, interfaceFacts{Name: h.Interface})
	}
	if b.lab.Kind == lab.Loopback {
		r.manifest.warn("no_ethernet", noEthernet)
	}
	var err error
	if facts.Offloads, err = realFacts(b.lab, facts.Interfaces); err != nil {
		return err
	}
	for c, w := range r.manifest.Workloads {
		if r.link(c) == b.asked {
			w.Link = &facts
		}
	}
	r.manifest.Link = *r.manifest.Workloads[0].Link
	for _, doubt := range b.doubts {
		r.manifest.warn("offloads_stayed_on", doubt)
	}
	return nil
}

// probes is how many answers the round-trip time is the median of.
const probes = 21

// measureRTT sends small datagrams that are answered. It includes what both hosts' stacks and schedulers take, as every
// latency of the trials does.
func (b *bench) measureRTT(ctx context.Context) (time.Duration, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, tryLimit, fmt.Errorf("no answer in %v", tryLimit))
	defer cancel()
	c := b.config(traffic.Workload{Messages: probes, Size: 16, Pattern: traffic.Echo})
	c.Transport = "udp"
	o, err := traffic.Run(ctx, c)
	if err == nil && !o.Latency.Known {
		err = fmt.Errorf("none of %d datagrams was answered", probes)
	}
	if err != nil {
		return 0, fmt.Errorf("measure round-trip time from %s to %s: %w", b.lab.A.Interface, b.lab.B.Interface, err)
	}
	return o.Latency.P50, nil
}

// own is the filter that keeps what others send out of the captures, in the kernel; in place, also what this machine sends to
// others. ARP between the two passes: it is role other.
func own(a, b *lab.Host, inPlace bool) string {
	filter := fmt.Sprintf("(ether src %v or ether src %v)", a.MAC, b.MAC)
	if inPlace {
		filter += fmt.Sprintf(" and ((host %v and host %v) or ether proto %#x)", a.Addr, b.Addr, wire.SentinelType)
	}
	return filter
}

// slowCounters is how long a driver may take to bring its counters up to date: some ask the hardware once a second or two.
const slowCounters = 3 * time.Second

// interfaceFacts names the interfaces of a real link.
type interfaceFacts struct {
	Name   string `json:"name"`
	Driver string `json:"driver"`
}

// realFacts adds the drivers, and returns which features that make super-frames are on, at either end.
func realFacts(l *lab.Lab, facts []interfaceFacts) (on map[string]bool, err error) {
	on = make(map[string]bool)
	for i, h := range []*lab.Host{l.A, l.B} {
		err := h.Within(func() error {
			facts[i].Driver = nic.Driver(h.Interface)
			here, err := nic.Offloads(h.Interface)
			for name, v := range here {
				on[name] = on[name] || v
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return on, nil
}

package main

import (
	"cmp"
	"slices"

	"github.com/spf13/cobra"

	"wiretax/capture"
	"wiretax/capture/lab"
	"wiretax/capture/traffic"
)

// experiment checks the flags and makes of them what to measure.
func (f *runFlags) experiment(c *cobra.Command) (capture.Experiment, error) {
	e := capture.Experiment{Seed: f.seed, Version: version, Flags: asked(c.Flags())}
	if err := f.real.check(c); err != nil {
		return e, err
	}
	for _, part := range []func(*cobra.Command, *capture.Experiment) error{f.carriers, f.causes, f.trials, f.conditions.links, f.devices, f.messages, f.story} {
		if err := part(c, &e); err != nil {
			return e, err
		}
	}
	return e, nil
}

// devices are what the link is made of.
func (f *runFlags) devices(c *cobra.Command, e *capture.Experiment) error {
	switch f.link {
	case "wire":
	case "tap", "packet":
		e.Devices = lab.Kind(f.link)
	case "veth":
		e.Devices = lab.Veth
		for _, flag := range []string{"rate", "rtt", "loss"} {
			if c.Flags().Changed(flag) {
				return usagef(c, "--link veth has neither rate nor delay nor loss: leave --%s out, or use --link wire", flag)
			}
		}
		for i := range e.Links {
			e.Links[i].Rate, e.Links[i].RTT = 0, 0
		}
	default:
		return usagef(c, "--link %s: want wire, tap, packet or veth", f.link)
	}
	switch {
	case f.offloads == "keep" && f.real.loopback():
		return usagef(c, "--offloads keep: without Ethernet's MTU nothing tells what a super-frame on lo stands for (leave it out)")
	case f.offloads == "keep" && f.link != "veth" && !f.real.chosen():
		return usagef(c, "--offloads keep: a wire has no super-frames (use --link veth)")
	case f.offloads != "keep" && f.offloads != "off":
		return usagef(c, "--offloads %s: want off or keep", f.offloads)
	case f.nicQueue && slices.ContainsFunc(e.Links, func(l capture.Link) bool { return l.Rate == 0 }):
		return usagef(c, "--nic-queue: a queue needs a --rate at which it empties")
	}
	e.KeepOffloads, e.NICQueue = f.offloads == "keep", f.nicQueue
	if f.real.chosen() {
		f.real.apply(c, e)
	}
	return nil
}

// carriers are the transports, in the order of the flag. Those that are there only as members of a set are optional.
func (f *runFlags) carriers(c *cobra.Command, e *capture.Experiment) (err error) {
	if e.Transports, e.Optional, err = f.chosen(c); err != nil {
		return err
	}
	if len(e.Transports) == 0 {
		return usagef(c, "--transports: none given")
	}
	return nil
}

// messages are the workloads, each of which a transport must be able to carry.
func (f *runFlags) messages(c *cobra.Command, e *capture.Experiment) error {
	schedule, err := f.workloads.replay.read(c)
	if err != nil {
		return err
	}
	for w := range f.workloads.all(f.seed) {
		w = scheduled(w, schedule)
		for _, l := range e.Links {
			if err := carried(w, *e, l.IP); err != nil {
				return usagef(c, "%w", err)
			}
		}
		e.Workloads = append(e.Workloads, w)
	}
	return nil
}

// carried reports why a transport that must carry the workload cannot, or why none can.
func carried(w traffic.Workload, e capture.Experiment, ip int) error {
	var misfit error
	some := false
	for _, t := range e.Transports {
		err := w.Check(t, ip)
		if err != nil && !slices.Contains(e.Optional, t) {
			return err
		}
		misfit = cmp.Or(misfit, err)
		some = some || err == nil
	}
	if some {
		return nil
	}
	return misfit
}

// chosen returns the transports in the order of the flag, and those that are there only as members of a set.
func (f *runFlags) chosen(c *cobra.Command) (names, optional []string, err error) {
	for _, name := range f.transports {
		set := traffic.Set(name)
		for _, member := range set {
			if !slices.Contains(names, member) && !slices.Contains(f.transports, member) {
				names, optional = append(names, member), append(optional, member)
			}
		}
		switch {
		case len(set) > 0:
		case slices.Contains(names, name):
			return nil, nil, usagef(c, "--transports: %s is given twice", name)
		default:
			names = append(names, name)
		}
	}
	return names, optional, nil
}

package main

import (
	"cmp"
	"fmt"
	"maps"
	"net"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"wiretax/capture"
	"wiretax/capture/nic"
	"wiretax/capture/peer"
	"wiretax/capture/privilege"
)

// farFlags name the other host of a run.
type farFlags struct {
	to      string
	keyFile string
}

func (f *farFlags) register(fl *pflag.FlagSet) {
	fl.StringVar(&f.to, "to", "", "measure between this host and `HOST[:PORT]`, where wiretax serve runs; needs -i and --key-file too")
	fl.StringVar(&f.keyFile, "key-file", "", "`FILE` with the secret that both hosts share (wiretax serve --new-key makes one)")
}

// address is where the server listens.
func (f *farFlags) address() string {
	if _, _, err := net.SplitHostPort(f.to); err == nil {
		return f.to
	}
	return net.JoinHostPort(strings.Trim(f.to, "[]"), fmt.Sprint(controlPort))
}

// check finds mistakes, and flags that are a made link's.
func (f *farFlags) check(c *cobra.Command, iface string) error {
	switch {
	case f.to == "" && f.keyFile != "":
		return usagef(c, "--key-file: want --to, the host that has it too")
	case f.to == "":
		return nil
	case iface == "":
		return usagef(c, "--to %s: want -i, the interface that the host is reached by", f.to)
	case f.keyFile == "":
		return usagef(c, "--to %s: want --key-file, the secret that both hosts share (wiretax serve --new-key FILE makes one)", f.to)
	}
	for _, flag := range []string{"link", "rate", "rtt", "loss", "mtu", "nic-queue", "peer-if", "in-place"} {
		if c.Flags().Changed(flag) {
			return usagef(c, "--%s is for a link that wiretax makes: leave it out with --to", flag)
		}
	}
	return nil
}

// reads reports whether a capture has the messages, which is no business of root's.
func (f *farFlags) reads(c *cobra.Command) bool { return c.Flags().Changed("from") }

// experiment is what the flags ask to measure between the hosts; the messages of a capture are still to be read.
func (f *farFlags) experiment(c *cobra.Command, r *runFlags, iface string) (capture.Experiment, error) {
	e := capture.Experiment{Seed: r.seed, Version: version, Flags: asked(c.Flags())}
	switch {
	case len(r.conditions.ips) > 1 || len(r.conditions.congestions) > 1:
		return e, usagef(c, "--ip, --congestion: want one value each with --to")
	case r.offloads != "off" && r.offloads != "keep":
		return e, usagef(c, "--offloads %s: want off or keep", r.offloads)
	}
	e.Far = &capture.Far{Place: capture.Place{Interface: iface}, Address: f.address()}
	link := capture.Link{IP: 4, CongestionControl: r.conditions.congestions[0]}
	if !c.Flags().Changed("congestion") { // a host's own is what its programs get, and what may be set without privileges
		own, err := os.ReadFile("/proc/sys/net/ipv4/tcp_congestion_control")
		if err != nil {
			return e, fmt.Errorf("read TCP congestion control: %w", err)
		}
		link.CongestionControl = strings.TrimSpace(string(own))
	}
	if c.Flags().Changed("ip") {
		switch r.conditions.ips[0] {
		case "4":
		case "6":
			link.IP = 6
		default:
			return e, usagef(c, "--ip %s: want 4 or 6", r.conditions.ips[0])
		}
		e.Far.IP = link.IP
	}
	e.Links = []capture.Link{link}
	parts := []func(*cobra.Command, *capture.Experiment) error{r.carriers, r.causes, r.trials}
	if !f.reads(c) {
		parts = append(parts, r.messages, r.story)
	}
	for _, part := range parts {
		if err := part(c, &e); err != nil {
			return e, err
		}
	}
	return e, nil
}

// run measures between the hosts.
func (f *farFlags) run(c *cobra.Command, r *runFlags, here interfaceFlags) (err error) {
	e, err := f.experiment(c, r, here.near)
	if err != nil {
		return err
	}
	if err := known(c, "-i", here.near); err != nil {
		return err
	}
	if e.Far.Key, err = peer.ReadKey(f.keyFile); err != nil {
		return err
	}
	become, err := privilege.Invoker(here.user)
	if err != nil {
		return err
	}
	giveBack, err := plainFrames(here.near, r.offloads)
	if err != nil {
		return err
	}
	defer giveBack(&err)
	if err := e.Far.Open(); err != nil {
		return captureAdvice(err)
	}
	defer e.Far.Close()
	if err := privilege.Drop(become); err != nil {
		return err
	}
	if f.reads(c) {
		if err := r.messages(c, &e); err != nil {
			return err
		}
		if err := r.story(c, &e); err != nil {
			return err
		}
	}
	dir, release, err := r.directory()
	if err != nil {
		return err
	}
	defer release()
	return r.recordAndPrint(c, e, dir)
}

// plainFrames switches off what makes super-frames on an interface and those beneath it, where something does, until giveBack.
func plainFrames(iface, offloads string) (giveBack func(*error), err error) {
	names, on, err := nic.Hides(iface)
	if err != nil {
		return nil, err
	}
	if offloads == "keep" || len(names) == 0 {
		return func(*error) {}, nil
	}
	loan, err := nic.Borrow(names, nic.Terms{PlainFrames: true})
	if err != nil {
		var what []string
		for _, name := range names {
			what = append(what, strings.Join(slices.Sorted(maps.Keys(on[name])), " ")+" of "+name)
		}
		return nil, fmt.Errorf("switch %s off: %w (sudo, or --offloads keep)", strings.Join(what, ", "), err)
	}
	return func(failed *error) { *failed = cmp.Or(*failed, loan.Return()) }, nil
}

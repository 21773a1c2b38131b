package main

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"wiretax/capture"
	"wiretax/capture/traffic"
	"wiretax/report"
)

// preset is a named set of flags, each number with its source.
type preset struct {
	name, about string
	source      string // of the numbers
	assumed     string // what no source determines
	flags       []setting
}

type setting struct{ flag, value string }

// presets is in the order of --preset list.
var presets = [...]preset{
	{
		name: "thread", about: "the claims of a 2008 thread about UDP and TCP on 10 Mb/s Ethernet, each with definition, measurement and verdict",
		source:  "python-list, Problem with writing fast UDP server, November 2008: 90 B, 16 of them in 1440 B, 10 Mb/s Ethernet",
		assumed: "RTT 1 ms. Floods of 1000 datagrams, of the shortest frames and of the thread's size, measure the frame rate",
		flags:   []setting{{"messages", "16"}, {"size", "90"}, {"interval", "0"}, {"rate", "10M"}, {"rtt", "1ms"}, {"mtu", "1500"}, {"ip", "4"}, {"transports", "udp,udp-packed,tcp,tcp-nodelay,tcp-cork"}},
	},
	{
		name: "telemetry", about: "a phasor measurement unit reports 50 times a second",
		source:  "IEEE C37.118.2-2011 clause 6.3, data frame: 14 octets of header, status 2, 4 phasors 16, frequency and its rate 4, 3 analog values 12, a digital word 2, check 2: 52 octets. IEEE C37.118.1-2011: 50 reports a second on 50 Hz grids",
		assumed: "25 reports, RTT 10 ms, 100 Mb/s",
		flags:   []setting{{"messages", "25"}, {"size", "52"}, {"interval", "20ms"}, {"rate", "100M"}, {"rtt", "10ms"}},
	},
	{
		name: "gaming", about: "a game server sends its state each tick",
		source:  "Valve Developer Community, Source Multiplayer Networking: ticks of 15 ms (66.67 a second) by default",
		assumed: "130 octets an update, 32 updates, RTT 30 ms, 10 Mb/s",
		flags:   []setting{{"messages", "32"}, {"size", "130"}, {"interval", "15ms"}, {"rate", "10M"}, {"rtt", "30ms"}},
	},
	{
		name: "rpc", about: "remote procedure calls, one at a time; once in one write and once in two (header, then body)",
		source:  "RFC 5531 section 9 and RFC 1813 section 3.3.1: the reply to a GETATTR of NFS version 3 has 24 + 4 + 84 = 112 octets (over UDP)",
		assumed: "calls as long as replies, 16 calls in two writes or 32 in one, RTT 1 ms, 100 Mb/s",
		flags:   []setting{{"messages", "32"}, {"size", "112"}, {"pattern", "echo,wwr"}, {"rate", "100M"}, {"rtt", "1ms"}, {"transports", "udp,tcp,tcp-nodelay,tcp-cork,tls"}},
	},
	{
		name: "dns", about: "DNS queries: one on a connection of its own, and 16 pipelined on one",
		source:  "RFC 1035 section 4.1: header 12, question www.example.com 17 + 4; RFC 6891 section 6.1.2: OPT 11; in all 44 octets. RFC 7766 section 6.2.1.1: queries are pipelined; RFC 9210: over TCP as well",
		assumed: "answers as long as queries, no length field of TCP, RTT 20 ms, 100 Mb/s",
		flags:   []setting{{"messages", "1,16"}, {"size", "44"}, {"pattern", "echo"}, {"depth", "16"}, {"rate", "100M"}, {"rtt", "20ms"}, {"transports", "udp,tcp,tcp-nodelay,tls"}},
	},
	{
		name: "logs", about: "syslog messages, as they come",
		source:  "RFC 5424 section 6.1: every receiver takes up to 480 octets; RFC 5426 (UDP), RFC 6587 (TCP), RFC 5425 (TLS)",
		assumed: "sizes from 64 octets on, all equally likely; a Poisson process of 1000 a second; 64 messages, RTT 5 ms, 100 Mb/s",
		flags:   []setting{{"messages", "64"}, {"size", "uniform:64-480"}, {"interval", "1ms"}, {"arrivals", "poisson"}, {"rate", "100M"}, {"rtt", "5ms"}, {"transports", "udp,udp-packed,tcp,tcp-nodelay,tcp-buffered,tls"}},
	},
	{
		name: "bulk", about: "a megabyte and a half in full datagrams",
		source:  "RFC 2544 section 9.1: frames of 1518 octets, 1472 of them payload of UDP over IPv4",
		assumed: "1000 messages, RTT 1 ms, 100 Mb/s",
		flags:   []setting{{"messages", "1000"}, {"size", "1472"}, {"interval", "0"}, {"rate", "100M"}, {"rtt", "1ms"}, {"transports", "udp,tcp,tcp-nodelay,quic-stream"}},
	},
}

// presetList is the name that stands for the list of all.
const presetList = "list"

// presetNames are what --preset takes.
func presetNames() []string {
	names := []string{presetList}
	for _, p := range presets {
		names = append(names, p.name)
	}
	return names
}

// applyPreset sets the flags of the preset that were not given.
func (f *runFlags) applyPreset(c *cobra.Command) error {
	if f.preset == "" {
		return nil
	}
	p, ok := presetNamed(f.preset)
	if !ok {
		return usagef(c, "--preset %s: want one of %s", f.preset, strings.Join(presetNames(), ", "))
	}
	return p.fill(c.Flags())
}

// fill sets the flags of the preset that were not given.
func (p preset) fill(flags *pflag.FlagSet) error {
	for _, s := range p.flags {
		flag := flags.Lookup(s.flag)
		if flag.Changed {
			continue
		}
		if err := put(flag.Value, s.value); err != nil { // a mistake in the table, which a test finds
			return fmt.Errorf("preset %s: --%s %s: %w", p.name, s.flag, s.value, err)
		}
	}
	return nil
}

func presetNamed(name string) (preset, bool) {
	i := slices.IndexFunc(presets[:], func(p preset) bool { return p.name == name })
	if i < 0 {
		return preset{}, false
	}
	return presets[i], true
}

// story puts the preset into the experiment, and the floods of the thread, which measure its frame rates.
func (f *runFlags) story(c *cobra.Command, e *capture.Experiment) error {
	p, ok := presetNamed(f.preset)
	if !ok {
		return nil
	}
	facts := &capture.Preset{Name: p.name, Source: p.source, Assumed: p.assumed, Given: []string{}}
	c.Flags().Visit(func(flag *pflag.Flag) {
		if flag.Changed && measures(flag.Name) && flag.Name != "preset" {
			facts.Given = append(facts.Given, "--"+flag.Name+" "+strings.Trim(flag.Value.String(), "[]"))
		}
	})
	e.Preset = facts
	if p.name == "thread" {
		f.flood(e)
	}
	return nil
}

// flood adds datagrams back to back of the shortest frames and of the story's size, for each link.
func (f *runFlags) flood(e *capture.Experiment) {
	const messages = 1000
	sizes := []int{int(math.Round(e.Workloads[0].MeanSize()))} // as the recording has it
	for _, l := range e.Links {
		if l.Rate > 0 {
			sizes = append(sizes, shortestPayload(l.IP))
		}
	}
	slices.Sort(sizes)
	for _, size := range slices.Compact(sizes) {
		w := traffic.Workload{Messages: messages, Size: size, Seed: f.seed}
		same := func(o traffic.Workload) bool { return o.String() == w.String() }
		if !slices.ContainsFunc(e.Workloads, same) {
			e.Workloads = append(e.Workloads, w)
		}
	}
}

// shortestPayload is the largest payload of a datagram in a frame of the least length: 60 octets without FCS less 14 of
// Ethernet, 20 or 40 of IP, 8 of UDP. Over IPv6 none is so short.
func shortestPayload(ip int) int {
	if ip == 6 {
		return 1
	}
	return 18
}

// printPresets writes what --preset takes.
func printPresets(c *cobra.Command) error {
	var list []report.Preset
	for _, p := range presets {
		var flags []string
		for _, s := range p.flags {
			flags = append(flags, "--"+s.flag+" "+s.value)
		}
		list = append(list, report.Preset{Name: p.name, About: p.about, Flags: strings.Join(flags, " "), Source: p.source, Assumed: p.assumed})
	}
	return report.Presets(c.OutOrStdout(), list)
}

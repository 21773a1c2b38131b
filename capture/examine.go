package capture

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"wiretax/capture/lab"
	"wiretax/capture/live"
	"wiretax/capture/nic"
	"wiretax/capture/traffic"
)

// Check is one thing that this machine has or lacks.
type Check struct {
	Area   string `json:"area"`
	Name   string `json:"name"`
	State  string `json:"state"`
	Needed bool   `json:"needed"` // an experiment cannot run without it
	Found  string `json:"found"`
	Fix    string `json:"fix"` // what to do about it, empty where there is nothing to do
}

// The states of a check.
const (
	present = "ok"
	missing = "missing"
	unusual = "note" // works, but not as on most machines
)

// The areas of checks.
const (
	areaSystem     = "system"
	areaPrivileges = "privileges"
	areaLink       = "test link"
	areaTransports = "transports"
	areaSettings   = "TCP settings that the test hosts get"
	areaInterfaces = "interfaces of this machine (run uses those of -i only)"
)

// Examine finds out what this machine can do, by trying. Where the test hosts need a user namespace, it runs this program
// once more inside one, with the arguments given: that process has to print ExamineLab as JSON.
func Examine(ctx context.Context, inside ...string) []Check {
	checks := append(system(), privileges()...)
	_, err := lab.Output("--version")
	root := lab.Privileged()
	checks = append(checks, outcome(Check{Area: areaPrivileges, Name: "user namespaces", Needed: !root, Found: "can be made"}, err))
	switch {
	case root:
		checks = append(checks, ExamineLab(ctx)...)
	case err == nil:
		checks = append(checks, examineInside(inside)...)
	}
	return append(checks, interfaces()...)
}

func examineInside(args []string) (checks []Check) {
	b, err := lab.Output(args...)
	if err == nil {
		err = json.Unmarshal(b, &checks)
	}
	if err != nil {
		return []Check{outcome(Check{Area: areaLink, Name: "test hosts", Needed: true}, err)}
	}
	return checks
}

// ExamineLab builds test links and sends messages over each transport. The caller needs what lab.Build needs.
func ExamineLab(ctx context.Context) []Check {
	var checks []Check
	for _, kind := range []lab.Kind{lab.TAP, lab.Packet, lab.Veth} {
		c := Check{Area: areaLink, Name: string(kind) + " devices", Found: "two hosts connected"}
		l, err := lab.Build(lab.Config{MTU: 1500, IP: 4, Queue: 1000, Link: kind})
		if err == nil {
			l.Close()
		}
		checks = append(checks, outcome(c, err))
	}
	b, err := newBench(Experiment{}, Link{MTU: 1500, IP: 4})
	c := Check{Area: areaLink, Name: "captured wire", Needed: true}
	if err != nil {
		return append(checks, outcome(c, err))
	}
	defer b.close()
	c.Found = fmt.Sprintf("%s devices, libpcap on both ends, packet sockets", b.lab.Kind)
	return append(append(append(checks, outcome(c, nil)), b.transports(ctx)...), b.settings()...)
}

// outcome is the check with what trying it gave.
func outcome(c Check, err error) Check {
	if err == nil {
		c.State = present
		return c
	}
	c.State, c.Found, c.Fix = missing, err.Error(), remedy(err)
	return c
}

// remedy is what to do about an error, as far as the kernel's answer tells.
func remedy(err error) string {
	var namespace *lab.NamespaceError
	var tun *lab.NoTUNError
	switch {
	case errors.As(err, &namespace):
		return namespace.Remedy()
	case errors.As(err, &tun) && errors.Is(err, unix.EACCES):
		return "sudo chmod a+rw /dev/net/tun; without, packet devices take its place"
	case errors.As(err, &tun):
		return "sudo modprobe tun; in a container add --device /dev/net/tun; without, packet devices take its place"
	case errors.Is(err, unix.EOPNOTSUPP):
		return "sudo modprobe veth"
	case errors.Is(err, unix.EPERM), errors.Is(err, unix.EACCES):
		return "run with sudo"
	}
	return ""
}

func system() []Check {
	h := thisHost()
	room, err := os.ReadFile("/proc/sys/net/core/rmem_max")
	return []Check{
		{Area: areaSystem, Name: "kernel", State: present, Found: h.Kernel + ", " + h.OS},
		{Area: areaSystem, Name: "libpcap", State: present, Found: live.Version()},
		outcome(Check{Area: areaSystem, Name: "net.core.rmem_max",
			Found: strings.TrimSpace(string(room)) + " octets: the room of an ordinary user's UDP receiver"}, err),
	}
}

// privileges tries what the capabilities are for.
func privileges() []Check {
	user := Check{Area: areaPrivileges, Name: "user", State: present, Found: fmt.Sprintf("uid %d", os.Geteuid())}
	if os.Geteuid() == 0 {
		user.Found += " (root)"
	}
	sysAdmin := Check{Area: areaPrivileges, Name: "CAP_SYS_ADMIN", Found: "may make network namespaces"}
	var refused error
	if !lab.Privileged() {
		refused = unix.EPERM
	}
	checks := []Check{user,
		outcome(Check{Area: areaPrivileges, Name: "CAP_NET_RAW", Found: "may capture on this machine's interfaces"},
			trySocket(unix.AF_PACKET, unix.SOCK_RAW, 0, nil)),
		outcome(Check{Area: areaPrivileges, Name: "CAP_NET_ADMIN", Found: "may change offloads and exceed buffer limits"},
			trySocket(unix.AF_INET, unix.SOCK_DGRAM, 0, func(fd int) error {
				return unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 1<<16)
			})),
		outcome(sysAdmin, refused)}
	for i := range checks {
		if checks[i].State == missing {
			checks[i].Fix = "sudo; where user namespaces can be made, run does without"
		}
	}
	if c := &checks[1]; c.State == missing {
		c.Fix = "for watch: sudo setcap cap_net_raw=ep $(command -v wiretax); run does without"
	}
	return checks
}

func trySocket(family, kind, protocol int, try func(fd int) error) error {
	fd, err := unix.Socket(family, kind|unix.SOCK_CLOEXEC, protocol)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	if try == nil {
		return nil
	}
	return try(fd)
}

// transportFixes are for transports that not every kernel has.
var transportFixes = map[string]string{
	"mptcp":   "a kernel with CONFIG_MPTCP (Linux 5.6 or newer), then sudo sysctl -w net.mptcp.enabled=1",
	"udp-gso": "Linux 6.11 or newer: UDP_SEGMENT without checksum offload",
}

// transports sends two messages over each transport. An experiment needs the base and TCP.
func (b *bench) transports(ctx context.Context) []Check {
	var checks []Check
	for _, name := range traffic.Names() {
		c := Check{Area: areaTransports, Name: name, Needed: name == "udp" || name == "tcp", Found: "two messages sent"}
		if c = outcome(c, b.try(ctx, name)); c.State == missing {
			c.Fix = transportFixes[name]
			if c.Fix == "" {
				c.Fix = "leave it out of --transports"
			}
		}
		checks = append(checks, c)
	}
	return checks
}

// tcpSettings are the sysctls net.ipv4.* that change what TCP puts on the wire, with Linux's defaults (Documentation/networking/ip-sysctl.rst).
var tcpSettings = []struct{ name, usual, effect string }{
	{"tcp_timestamps", "1", "12 octets in every segment"},
	{"tcp_sack", "1", "SACK blocks in ACKs after a loss"},
	{"tcp_window_scaling", "1", "windows above 64 KiB"},
	{"tcp_autocorking", "1", "small writes wait while segments are in the device queue"},
	{"tcp_ecn", "2", "ECN when the peer asks for it"},
	{"tcp_slow_start_after_idle", "1", "the window starts anew after a pause"},
}

// settings reads what a test host has: a new namespace does not inherit everything.
func (b *bench) settings() (checks []Check) {
	read := func(name string) (value string, err error) {
		err = b.lab.A.Within(func() error {
			text, err := os.ReadFile("/proc/sys/net/ipv4/" + name)
			value = strings.TrimSpace(string(text))
			return err
		})
		return value, err
	}
	available, err := read("tcp_available_congestion_control")
	checks = append(checks, outcome(Check{Area: areaSettings, Name: "congestion control", Found: available}, err))
	for _, s := range tcpSettings {
		value, err := read(s.name)
		c := Check{Area: areaSettings, Name: s.name, Found: value + ": " + s.effect}
		if c = outcome(c, err); err == nil && value != s.usual {
			c.State, c.Found = unusual, fmt.Sprintf("%s, usual is %s (%s)", value, s.usual, s.effect)
			c.Fix = "sudo sysctl -w net.ipv4." + s.name + "=" + s.usual
		}
		checks = append(checks, c)
	}
	return checks
}

// leftChanged says which interfaces a run that was killed did not give back.
func leftChanged() []Check {
	c := Check{Area: areaInterfaces, Name: "given back", State: present, Found: "no run has left an interface changed"}
	names, err := nic.Pending()
	switch {
	case errors.Is(err, os.ErrPermission):
		c.State, c.Found, c.Fix = unusual, "a journal of changed interfaces that only root may read", "sudo wiretax doctor"
	case err != nil:
		c = outcome(c, err)
	case len(names) > 0:
		c.State, c.Found, c.Fix = missing, "left changed by a run that was killed: "+strings.Join(names, ", "), "sudo wiretax doctor --restore"
	}
	return []Check{c}
}

// interfaces lists the real interfaces that are up.
func interfaces() (checks []Check) {
	checks = leftChanged()
	list, err := nic.List()
	if err != nil {
		return []Check{outcome(Check{Area: areaInterfaces, Name: "all"}, err)}
	}
	for _, i := range list {
		if !i.Up {
			continue
		}
		c := Check{Area: areaInterfaces, Name: i.Name, State: present, Found: fmt.Sprintf("MTU %d, txqueuelen %d", i.MTU, i.Queue)}
		if i.Driver != "" {
			c.Found += ", driver " + i.Driver
		}
		if len(i.Hiding) > 0 {
			c.State = unusual
			c.Found += "; captures show super-frames: " + strings.Join(i.Hiding, ", ")
			c.Fix = "sudo ethtool -K " + i.Name + " " + strings.Join(i.Hiding, " off ") + " off (only if you capture there)"
		}
		checks = append(checks, c)
	}
	return checks
}

package main

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/safchain/ethtool"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"wiretax/analyze"
	"wiretax/capture/nic"
)

// station is a machine with one interface, eth1, on a switch that it shares with another.
type station struct {
	*machine
	addr string
	was  nic.State
}

// onSwitch makes two machines with a bridge between them, as users have them: offloads on, addresses of both IP versions.
func onSwitch(t *testing.T) (here, there *station, between *machine) {
	t.Helper()
	stations := []*station{{addr: "192.0.2.1"}, {addr: "192.0.2.2"}}
	var namespaces []*os.File
	for _, s := range stations {
		s.machine = newMachine(t, func() error {
			ns, err := os.Open("/proc/thread-self/ns/net")
			namespaces = append(namespaces, ns)
			// The link-local address is there at once (RFC 4862 section 5.4).
			return errors.Join(err, os.WriteFile("/proc/sys/net/ipv6/conf/default/dad_transmits", []byte("0"), 0))
		})
	}
	between = newMachine(t, func() error { return plugIn(namespaces) })
	for i, s := range stations {
		namespaces[i].Close()
		if err := s.within(func() error { return s.configure() }); err != nil {
			t.Fatal(err)
		}
	}
	for _, s := range stations {
		s.was = s.await(t)
	}
	return stations[0], stations[1], between
}

// plugIn makes a switch of the calling thread's namespace, a port of it for each of the others.
func plugIn(others []*os.File) error {
	attrs := netlink.NewLinkAttrs()
	attrs.Name = "switch0"
	between := &netlink.Bridge{LinkAttrs: attrs}
	if err := netlink.LinkAdd(between); err != nil {
		return err
	}
	for i, ns := range others {
		far := "far" + string(rune('1'+i))
		if err := addPair("eth1", far); err != nil {
			return err
		}
		near, err := netlink.LinkByName("eth1")
		if err != nil {
			return err
		}
		if err := netlink.LinkSetNsFd(near, int(ns.Fd())); err != nil {
			return err
		}
		port, err := netlink.LinkByName(far)
		if err != nil {
			return err
		}
		if err := netlink.LinkSetMaster(port, between); err != nil {
			return err
		}
		if err := netlink.LinkSetUp(port); err != nil {
			return err
		}
	}
	return netlink.LinkSetUp(between)
}

func (s *station) configure() error {
	link, err := netlink.LinkByName("eth1")
	if err != nil {
		return err
	}
	for _, a := range []string{s.addr + "/24", s.ip6() + "/64"} {
		address, err := netlink.ParseAddr(a)
		if err != nil {
			return err
		}
		address.Flags |= unix.IFA_F_NODAD
		if err := netlink.AddrAdd(link, address); err != nil {
			return err
		}
	}
	return netlink.LinkSetUp(link)
}

func (s *station) ip6() string { return "2001:db8::" + s.addr[len(s.addr)-1:] }

// await reads the interface's state when the kernel has added its link-local address and that has proved to be unique.
func (s *station) await(t *testing.T) (state nic.State) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		ready := false
		err := s.within(func() (err error) {
			link, err := netlink.LinkByName("eth1")
			if err != nil {
				return err
			}
			addresses, err := netlink.AddrList(link, netlink.FAMILY_ALL)
			if err != nil {
				return err
			}
			tentative := slices.ContainsFunc(addresses, func(a netlink.Addr) bool { return a.Flags&unix.IFA_F_TENTATIVE != 0 })
			ready = len(addresses) == 3 && !tentative && link.Attrs().OperState == netlink.OperUp
			state, err = nic.Read("eth1")
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if ready {
			return state
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s is not ready", s.addr)
		}
	}
}

// asBefore fails unless the interface is as it was, and nothing is left of a run.
func (s *station) asBefore(t *testing.T) {
	t.Helper()
	s.awaitReturn()
	if d := s.was.Differences(s.await(t)); len(d) > 0 {
		t.Errorf("%s: %s", s.addr, strings.Join(d, ", "))
	}
	if left := s.journals(); len(left) > 0 {
		t.Errorf("%s: left behind: %v", s.addr, left)
	}
}

// fifteen messages of 90 octets fit into a segment of either IP version.
const fifteen = 15

// verifiedDataFrames are the data frames by transport, of a result every trial of which must be verified and have all messages.
func verifiedDataFrames(t *testing.T, b []byte) map[string][]int64 {
	t.Helper()
	var r analyze.Run
	if err := json.Unmarshal(b, &r); err != nil {
		t.Fatal(err)
	}
	frames := map[string][]int64{}
	for _, transport := range r.Workloads[0].Transports {
		for i, trial := range transport.Trials {
			if !trial.Verified() || trial.UniquePayloadBytes != fifteen*90 || trial.MessagesDelivered != fifteen {
				t.Errorf("%s, trial %d: %d messages, %d bytes: %v, drops %v", transport.Name, i+1, trial.MessagesDelivered,
					trial.UniquePayloadBytes, trial.Witnesses.Disagree, trial.Drops)
			}
			frames[transport.Name] = append(frames[transport.Name], trial.DataFrames)
		}
	}
	return frames
}

// TestABridgeBetweenTwoHosts: frames are those of the lab's link without delay, and both hosts are as before.
func TestABridgeBetweenTwoHosts(t *testing.T) {
	here, there, _ := onSwitch(t)
	key := keyFile(t)
	c, stdout, stderr := here.start(t, "run", "--link", "veth", "--messages", strconv.Itoa(fifteen), "--runs", "2", "--json")
	if err := c.Wait(); err != nil {
		t.Fatalf("%v: %s", err, stderr)
	}
	lab := verifiedDataFrames(t, stdout.Bytes())
	for name, tc := range map[string]struct {
		to    string
		flags []string
	}{
		"ipv4, offloads off":  {there.addr, nil},
		"ipv4, offloads kept": {there.addr, []string{"--offloads", "keep"}},
		"ipv6, offloads off":  {there.ip6(), nil},
	} {
		t.Run(name, func(t *testing.T) {
			server, log := there.serve(t, key, append([]string{"-1"}, tc.flags...)...)
			c, stdout, stderr := here.start(t, append([]string{"run", "--to", tc.to, "-i", "eth1", "--key-file", key, "--messages", strconv.Itoa(fifteen),
				"--runs", "2", "--json"}, tc.flags...)...)
			if err := c.Wait(); err != nil {
				t.Fatalf("%v: %s%s; server: %s", err, stderr, stdout, log)
			}
			if err := server.Wait(); err != nil {
				t.Errorf("server: %v: %s", err, log)
			}
			for transport, frames := range verifiedDataFrames(t, stdout.Bytes()) {
				switch least, most := slices.Min(frames), slices.Max(frames); transport {
				case "tcp", "tcp-nodelay": // a race of two CPUs where there is no delay, in the lab too
					if least < 1 || most > fifteen {
						t.Errorf("%s: %d data frames of %d messages", transport, frames, fifteen)
					}
				default:
					if least < slices.Min(lab[transport]) || most > slices.Max(lab[transport]) {
						t.Errorf("%s: %d data frames, %d in the lab", transport, frames, lab[transport])
					}
				}
			}
			here.asBefore(t)
			there.asBefore(t)
		})
	}
}

// serve starts a server that listens.
func (s *station) serve(t *testing.T, key string, flags ...string) (*exec.Cmd, *output) {
	t.Helper()
	c := s.program(append([]string{"serve", "-i", "eth1", "--key-file", key}, flags...)...)
	log := new(output)
	c.Stderr = log
	if err := s.within(c.Start); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Process.Kill() })
	log.await(t, "listening on")
	return c, log
}

// TestFramesPutTogetherOnTheWayAreNotLost: the switch does what neither host's interface does, as that of a hypervisor.
func TestFramesPutTogetherOnTheWayAreNotLost(t *testing.T) {
	here, there, between := onSwitch(t)
	err := between.within(func() error {
		e, err := ethtool.NewEthtool()
		if err != nil {
			return err
		}
		defer e.Close()
		return errors.Join(e.Change("far1", map[string]bool{"rx-gro": true}), e.Change("far2", map[string]bool{"rx-gro": true}))
	})
	if err != nil {
		t.Fatal(err)
	}
	key := keyFile(t)
	_, log := there.serve(t, key, "-1")
	c, stdout, stderr := here.start(t, "run", "--to", there.addr, "-i", "eth1", "--key-file", key, "--runs", "1", "--json",
		"-t", "tcp-cork", "--size", "20000")
	if err := c.Wait(); err != nil {
		t.Fatalf("%v: %s%s; server: %s", err, stderr, stdout, log)
	}
	var r analyze.Run
	if err := json.Unmarshal(stdout.Bytes(), &r); err != nil {
		t.Fatal(err)
	}
	for _, transport := range r.Workloads[0].Transports {
		for _, trial := range transport.Trials {
			if !trial.Verified() || trial.Drops["lost_on_path"] != 0 {
				t.Errorf("%s: %v, drops %v", transport.Name, trial.Witnesses.Disagree, trial.Drops)
			}
		}
	}
	for _, w := range r.Warnings { // whether the kernel does it is a matter of its timing
		t.Logf("%d x %s: %s", w.Count, w.Code, w.Message)
	}
}

// TestInterfaceOnTopOfAnother: what the one beneath would put together is switched off too, and back on.
func TestInterfaceOnTopOfAnother(t *testing.T) {
	for name, make := range map[string]func(netlink.LinkAttrs) netlink.Link{
		"a VLAN": func(a netlink.LinkAttrs) netlink.Link { return &netlink.Vlan{LinkAttrs: a, VlanId: 5} },
		"a macvlan": func(a netlink.LinkAttrs) netlink.Link {
			return &netlink.Macvlan{LinkAttrs: a, Mode: netlink.MACVLAN_MODE_BRIDGE}
		},
	} {
		t.Run(name, func(t *testing.T) {
			here, there, _ := onSwitch(t)
			var was [2]nic.State
			for i, s := range []*station{here, there} {
				err := s.within(func() (err error) { was[i], err = s.stack(t, make); return err })
				if errors.Is(err, unix.EOPNOTSUPP) {
					t.Skipf("this kernel makes none: %v", err)
				}
				if err != nil {
					t.Fatal(err)
				}
				s.was = s.await(t)
			}
			key := keyFile(t)
			server, log := there.serve(t, key, "-1", "-i", "top0")
			there.within(func() error {
				if now, err := nic.Read("eth1"); err != nil || now.Features["rx-gro"] {
					t.Errorf("eth1 reassembles: %v", err)
				}
				return nil
			})
			c, stdout, stderr := here.start(t, "run", "--to", "198.51.100.2", "-i", "top0", "--key-file", key, "--messages", strconv.Itoa(fifteen), "--runs", "1", "--json")
			if err := c.Wait(); err != nil {
				t.Fatalf("%v: %s%s; server: %s", err, stderr, stdout, log)
			}
			server.Wait()
			verifiedDataFrames(t, stdout.Bytes())
			for i, s := range []*station{here, there} {
				s.asBefore(t)
				s.within(func() error {
					now, err := nic.Read("top0")
					if d := was[i].Differences(now); err != nil || len(d) > 0 {
						t.Errorf("top0: %v %v", d, err)
					}
					return nil
				})
			}
		})
	}
}

// stack makes top0 on eth1, which puts together what arrives.
func (s *station) stack(t *testing.T, make func(netlink.LinkAttrs) netlink.Link) (state nic.State, err error) {
	under, err := netlink.LinkByName("eth1")
	if err != nil {
		return state, err
	}
	attrs := netlink.NewLinkAttrs()
	attrs.Name, attrs.ParentIndex = "top0", under.Attrs().Index
	top := make(attrs)
	if err := netlink.LinkAdd(top); err != nil {
		return state, err
	}
	e, err := ethtool.NewEthtool()
	if err != nil {
		return state, err
	}
	defer e.Close()
	if err := e.Change("eth1", map[string]bool{"rx-gro": true}); err != nil {
		return state, err
	}
	address, err := netlink.ParseAddr("198.51.100." + s.addr[len(s.addr)-1:] + "/24")
	if err != nil {
		return state, err
	}
	err = errors.Join(
		// Else eth1 answers for an address of a macvlan, whose broadcasts it hears too.
		os.WriteFile("/proc/sys/net/ipv4/conf/all/arp_ignore", []byte("1"), 0),
		os.WriteFile("/proc/sys/net/ipv6/conf/top0/disable_ipv6", []byte("1"), 0))
	if err := errors.Join(err, netlink.AddrAdd(top, address), netlink.LinkSetUp(top)); err != nil {
		return state, err
	}
	return nic.Read("top0")
}

// TestTwoHostsComeBackWhateverEndsTheRun: offloads are on again at both ends.
func TestTwoHostsComeBackWhateverEndsTheRun(t *testing.T) {
	here, there, _ := onSwitch(t)
	key := keyFile(t)
	for signal, code := range map[syscall.Signal]int{syscall.SIGINT: exitInterrupted, syscall.SIGTERM: exitInterrupted, syscall.SIGKILL: -1} {
		t.Run(signal.String(), func(t *testing.T) {
			out := filepath.Join(publicDir(t), "out")
			server, log := there.serve(t, key)
			client, _, stderr := here.start(t, "run", "--to", there.addr, "-i", "eth1", "--key-file", key, "--runs", "10000", "--out", out)
			for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
				if captures, _ := filepath.Glob(filepath.Join(out, "*.pcapng")); len(captures) > 3 {
					break
				}
				if time.Now().After(deadline) {
					client.Process.Kill()
					client.Wait()
					t.Fatalf("no trial after 20 s: %s; server: %s", stderr, log)
				}
			}
			for _, s := range []*station{here, there} {
				if len(s.journals()) != 1 {
					t.Errorf("%s: journals of a run that goes on: %v", s.addr, s.journals())
				}
			}
			if info, err := os.Stat(filepath.Join(out, "run.json")); err != nil || info.Sys().(*syscall.Stat_t).Uid != asSudo {
				t.Errorf("run.json does not belong to the user who called sudo: %v", err)
			}
			client.Process.Signal(signal)
			client.Wait()
			if got := client.ProcessState.ExitCode(); got != code {
				t.Errorf("exit code %d, want %d: %s", got, code, stderr)
			}
			here.asBefore(t)
			server.Process.Signal(signal)
			server.Wait()
			there.asBefore(t)
		})
	}
}

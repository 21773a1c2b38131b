package main

import (
	"os/exec"
	"strings"
	"testing"
)

func TestWrongInterfaceNamesThoseThereAre(t *testing.T) {
	m := newMachine(t, cable)
	const there = ": no such interface; there are port2, port1, lo "
	for _, tc := range []struct{ line, want string }{
		{"watch -i nope", "-i nope" + there + "(wiretax watch -i port2)"},
		{"watch -i prt1", "-i prt1" + there + "(wiretax watch -i port1)"},
		{"run -i nope", "-i nope" + there + "(wiretax run -i port2 --peer-if port1)"},
		{"run -i port1 --peer-if nope --in-place", "--peer-if nope" + there + "(wiretax run -i port1 --peer-if port2 --in-place)"},
		{"run -i nope --to 192.0.2.1 --key-file k", "-i nope" + there + "(wiretax run -i port2 --to 192.0.2.1)"},
		{"serve -i nope --key-file k", "-i nope" + there + "(wiretax serve -i port2)"},
	} {
		for who, as := range map[string]func(*exec.Cmd) *exec.Cmd{"root": func(c *exec.Cmd) *exec.Cmd { return c }, "a user": unprivileged} {
			c, said := as(program(strings.Fields(tc.line)...)), new(strings.Builder)
			c.Stderr = said
			if err := m.within(c.Start); err != nil {
				t.Fatal(err)
			}
			c.Wait()
			if code := c.ProcessState.ExitCode(); code != exitFailure || said.String() != "wiretax: "+tc.want+"\n" {
				t.Errorf("%s, by %s: exit code %d: %s", tc.line, who, code, said)
			}
		}
	}
}

func TestOneInterfaceAloneWantsItsOtherEnd(t *testing.T) {
	m := newMachine(t, cable)
	c, _, stderr := m.start(t, "run", "-i", "port1")
	c.Wait()
	if code := c.ProcessState.ExitCode(); code != exitUsage || !strings.Contains(stderr.String(), "-i port1: want --peer-if, the interface at the other end") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
}

func TestInterfaceThatIsDownSaysHowToBringItUp(t *testing.T) {
	m := newMachine(t, func() error { return addPair("port1", "port2") })
	c, said := program("watch", "-i", "port1"), new(strings.Builder)
	c.Stderr = said
	if err := m.within(c.Start); err != nil {
		t.Fatal(err)
	}
	c.Wait()
	if want := "wiretax: open port1 for capture: the interface is down (sudo ip link set port1 up)\n"; said.String() != want {
		t.Errorf("said %q, want %q", said, want)
	}
}

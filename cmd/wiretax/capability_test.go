package main

import (
	"encoding/binary"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"wiretax/capture/nic"
)

// publish makes a program that every user of the machine may call, with CAP_NET_ADMIN for all of them.
func (m *machine) publish(t *testing.T) (path string) {
	t.Helper()
	dir := publicDir(t)
	path = filepath.Join(dir, "wiretax")
	err := m.within(func() error {
		if err := unix.Mount("own", dir, "tmpfs", 0, "mode=0755"); err != nil { // other file systems may allow no capabilities
			return err
		}
		to, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o755)
		if err != nil {
			return err
		}
		defer to.Close()
		from, err := os.Open("/proc/self/exe")
		if err != nil {
			return err
		}
		defer from.Close()
		if _, err := io.Copy(to, from); err != nil {
			return err
		}
		const revision2, effective = 2 << 24, 1 // struct vfs_cap_data (include/uapi/linux/capability.h)
		capability := make([]byte, 20)
		binary.LittleEndian.PutUint32(capability, revision2|effective)
		binary.LittleEndian.PutUint32(capability[4:], 1<<unix.CAP_NET_ADMIN)
		return unix.Setxattr(path, "security.capability", capability, 0)
	})
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// asNobody is the program called by an ordinary user.
func asNobody(path, state string, args ...string) *exec.Cmd {
	c := exec.Command(path, args...)
	c.Args[0] = "wiretax"
	c.Env = append(os.Environ(), "XDG_STATE_HOME="+state, "GORACE=atexit_sleep_ms=0")
	return unprivileged(c)
}

// Who may call a program that has capabilities of its own may switch offloads, and write a journal; nothing else in the journal is
// done for that.
func TestFileCapabilitiesPutBackOffloadsAlone(t *testing.T) {
	m := newMachine(t, cable)
	path, was := m.publish(t), m.ports(t)
	forged := was[0]
	forged.MTU, forged.Queue, forged.Features = 1234, 77, map[string]bool{"rx-gro": !was[0].Features["rx-gro"]}
	forged.Settings = map[string]string{"ipv4/conf/forwarding": "1"}
	forged.Addresses = nil
	state := publicDir(t)
	if err := m.within(func() error { return forge(filepath.Join(state, "wiretax"), forged) }); err != nil {
		t.Fatal(err)
	}
	c := asNobody(path, state, "doctor", "--restore")
	said := new(strings.Builder)
	c.Stdout, c.Stderr = said, said
	if err := m.within(c.Start); err != nil {
		t.Fatal(err)
	}
	c.Wait()
	now := m.ports(t)
	if d := was[0].Differences(now[0]); len(d) != 1 || !strings.HasPrefix(d[0], "rx-gro o") {
		t.Errorf("changed: %s (%s)", strings.Join(d, ", "), said)
	}
}

// forge writes a journal as nobody's.
func forge(dir string, s nic.State) error {
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return err
	}
	var namespace unix.Stat_t
	if err := unix.Stat("/proc/thread-self/ns/net", &namespace); err != nil {
		return err
	}
	b, err := json.Marshal(map[string]any{"Schema": "wiretax-journal/1", "BootID": strings.TrimSpace(string(boot)),
		"Namespace": namespace.Ino, "Interfaces": []nic.State{s}})
	if err != nil {
		return err
	}
	file := filepath.Join(dir, "interfaces-1.json")
	for _, step := range []error{os.Mkdir(dir, 0o755), os.WriteFile(file, b, 0o600), os.Chown(dir, nobody, nobody), os.Chown(file, nobody, nobody),
		os.Chown(filepath.Dir(dir), nobody, nobody), os.Chmod(filepath.Dir(dir), 0o755)} {
		if step != nil {
			return step
		}
	}
	return nil
}

// The guardian is the same program, and anybody can start it as such.
func TestFileCapabilitiesMoveNothing(t *testing.T) {
	m := newMachine(t, cable)
	path, was := m.publish(t), m.ports(t)
	sockets, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(sockets[0])
	far := os.NewFile(uintptr(sockets[1]), "guardian")
	c := asNobody(path, publicDir(t))
	c.Env = append(c.Env, "WIRETAX_GUARDIAN=1")
	c.ExtraFiles = []*os.File{far}
	err = m.within(c.Start)
	far.Close()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Process.Signal(syscall.SIGKILL); c.Wait() })
	for _, request := range []string{`{"Borrow":["port1"],"ForMove":true}`, `{"Move":"port1"}`} {
		if err := unix.Sendmsg(sockets[0], []byte(request), nil, nil, unix.MSG_NOSIGNAL); err != nil {
			t.Fatal(err)
		}
		answer := make([]byte, 4096)
		n, err := unix.Read(sockets[0], answer)
		if err != nil || !strings.Contains(string(answer[:max(n, 0)]), "not with the capabilities of the program's file") {
			t.Errorf("%s: %s, %v", request, answer[:max(n, 0)], err)
		}
	}
	m.unchanged(t, was)
}

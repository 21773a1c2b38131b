package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"wiretax/analyze"
)

// pty is a terminal of 80 x 24 whose user is a test.
type pty struct {
	t             *testing.T
	master, slave *os.File

	lock   sync.Mutex
	screen bytes.Buffer // all that was written to it
}

func newPTY(t *testing.T) *pty {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	number, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0)
	}
	if err == nil {
		err = unix.IoctlSetWinsize(int(master.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: 80})
	}
	if err != nil {
		t.Fatal(err)
	}
	slave, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	p := &pty{t: t, master: master, slave: slave}
	t.Cleanup(func() { slave.Close(); master.Close() })
	go func() {
		for buffer := make([]byte, 4096); ; {
			n, err := master.Read(buffer)
			p.lock.Lock()
			p.screen.Write(buffer[:n])
			p.lock.Unlock()
			if err != nil {
				return
			}
		}
	}()
	return p
}

func (p *pty) written() string {
	p.lock.Lock()
	defer p.lock.Unlock()
	return p.screen.String()
}

// await waits until something was written.
func (p *pty) await(want string) {
	p.t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !strings.Contains(p.written(), want); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			all := p.written()
			p.t.Fatalf("no %q on the terminal, at last: %q", want, all[max(0, len(all)-1000):])
		}
	}
}

func (p *pty) modes() unix.Termios {
	p.t.Helper()
	modes, err := unix.IoctlGetTermios(int(p.slave.Fd()), unix.TCGETS)
	if err != nil {
		p.t.Fatal(err)
	}
	return *modes
}

const (
	alternateScreen = "\x1b[?1049h"
	usualScreen     = "\x1b[?1049l"
)

// However it ends, the terminal is as it was, and the report stands below.
func TestWatchOnATerminal(t *testing.T) {
	t.Parallel()
	needNamespaces(t)
	for name, end := range map[string]struct {
		do   func(p *pty, job int)
		code int
		args []string
	}{
		"q":           {func(p *pty, _ int) { p.master.WriteString("q") }, 0, nil},
		"Ctrl-C":      {func(p *pty, _ int) { p.master.WriteString("\x03") }, 0, nil},
		"SIGINT":      {func(_ *pty, job int) { syscall.Kill(-job, syscall.SIGINT) }, 0, nil},
		"q too early": {func(p *pty, _ int) { p.master.WriteString("q") }, exitInterrupted, []string{"-c", "1000000"}},
		"SIGTERM":     {func(_ *pty, job int) { syscall.Kill(-job, syscall.SIGTERM) }, 0, nil},
		"count":       {func(*pty, int) {}, 0, []string{"-c", "300"}},
		"Ctrl-Z where no shell wakes it": {func(p *pty, _ int) {
			p.master.WriteString("\x1a")
			p.await(usualScreen)
			for deadline := time.Now().Add(10 * time.Second); strings.Count(p.written(), alternateScreen) < 2 && time.Now().Before(deadline); {
				time.Sleep(10 * time.Millisecond)
			}
			p.master.WriteString("q")
		}, 0, nil},
		"keys before the end": {func(p *pty, _ int) {
			for _, keys := range []string{"s", "/udp\r", "j", "\r", "\x1b[A", "q", "?", "q", "f", "q", "pp"} {
				p.master.WriteString(keys)
				time.Sleep(20 * time.Millisecond)
			}
			unix.IoctlSetWinsize(int(p.master.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 10, Col: 40})
			p.await("\x1b[10;1H\x1b[m\x1b[7mq quit  ? help") // the last line is another one
			p.master.WriteString("q")
		}, 0, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			runtime.LockOSThread() // Pdeathsig is that of the thread
			p := newPTY(t)
			before := p.modes()
			c := watched{terminal: true, args: append([]string{"--every", "100ms"}, end.args...)}.command(t)
			c.Stdin, c.Stdout, c.Stderr = p.slave, p.slave, p.slave
			c.Env = append(c.Env, "TERM=xterm-256color", "LC_ALL=C.UTF-8")
			c.SysProcAttr.Setsid, c.SysProcAttr.Setctty = true, true
			if err := c.Start(); err != nil {
				t.Fatal(err)
			}
			p.await(alternateScreen)
			p.await("192.0.2.1:4000")
			end.do(p, c.Process.Pid)
			c.Wait()
			p.await("frames on the wire")
			if code := c.ProcessState.ExitCode(); code != end.code {
				t.Errorf("exit code %d, want %d", code, end.code)
			}
			if p.modes() != before {
				t.Errorf("the terminal's modes are %+v, were %+v", p.modes(), before)
			}
			if all := p.written(); strings.LastIndex(all, usualScreen) < strings.LastIndex(all, alternateScreen) ||
				strings.LastIndex(all, usualScreen) > strings.LastIndex(all, "frames on the wire") {
				t.Errorf("the usual screen did not come back before the report: %q", all)
			}
		})
	}
}

func TestWatchSavesOnDemand(t *testing.T) {
	t.Parallel()
	needNamespaces(t)
	runtime.LockOSThread()
	p := newPTY(t)
	c := watched{terminal: true, args: []string{"--every", "100ms"}}.command(t)
	c.Dir = t.TempDir()
	c.Stdin, c.Stdout, c.Stderr = p.slave, p.slave, p.slave
	c.Env = append(c.Env, "TERM=xterm", "LC_ALL=C.UTF-8")
	c.SysProcAttr.Setsid, c.SysProcAttr.Setctty = true, true
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	p.await("192.0.2.1:4000")
	p.master.WriteString("w")
	p.await("saved wiretax-watch-")
	p.master.WriteString("q")
	c.Wait()
	files, _ := filepath.Glob(filepath.Join(c.Dir, "*"))
	if len(files) != 1 {
		t.Fatalf("files %v", files)
	}
	var r analyze.Result
	b, err := os.ReadFile(files[0])
	if err = errors.Join(err, json.Unmarshal(b, &r), validate(bytes.NewReader(b))); err != nil {
		t.Error(err)
	}
	if len(r.Flows) != 1 || r.Totals.WireBytes != 156*r.Totals.Frames {
		t.Errorf("saved %+v", r.Totals)
	}
}

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"wiretax/report"
)

// forbidden is wiretax for an ordinary user of a system that forbids user namespaces. It is started as root of a user
// namespace of its own.
func forbidden() {
	err := os.WriteFile("/proc/sys/user/max_user_namespaces", []byte("0"), 0)
	if err == nil {
		err = syscall.Setresgid(nobody, nobody, nobody)
	}
	if err == nil {
		err = syscall.Setresuid(nobody, nobody, nobody)
	}
	if err == nil {
		err = syscall.Exec("/proc/self/exe", append([]string{"wiretax"}, os.Args[1:]...), os.Environ())
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(99)
}

// withoutNamespaces makes the command that of a user who may not make user namespaces.
func withoutNamespaces(c *exec.Cmd) *exec.Cmd {
	c.Args[0] = "forbidden"
	ids := []syscall.SysProcIDMap{{ContainerID: 0, HostID: 0, Size: 1}, {ContainerID: nobody, HostID: nobody, Size: 1}}
	c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER, UidMappings: ids, GidMappings: ids}
	return c
}

// examine runs the doctor and returns its exit code and what it says.
func examine(t *testing.T, c *exec.Cmd) (code int, checkup report.Checkup) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	c.Stdout, c.Stderr = &stdout, &stderr
	err := c.Run()
	code = c.ProcessState.ExitCode()
	if e := json.Unmarshal(stdout.Bytes(), &checkup); e != nil {
		t.Fatalf("%v, %v: %s", err, e, &stderr)
	}
	if err := validate(&stdout); err != nil {
		t.Error(err)
	}
	if stderr.Len() > 0 {
		t.Errorf("stderr: %s", &stderr)
	}
	return code, checkup
}

func find(t *testing.T, c report.Checkup, name string) report.Check {
	t.Helper()
	for _, k := range c.Checks {
		if k.Name == name {
			return k
		}
	}
	t.Fatalf("no check of %s in %+v", name, c.Checks)
	return report.Check{}
}

// What the doctor promises, run keeps.
func TestDoctorAgreesWithRun(t *testing.T) {
	for name, as := range users() {
		t.Run(name, func(t *testing.T) {
			code, c := examine(t, as(program("doctor", "--json")))
			if c.RunWorks != (code == 0) {
				t.Errorf("run works: %t, exit code %d", c.RunWorks, code)
			}
			out, err := as(program("run", "--runs", "1", "--transports", "udp,tcp")).CombinedOutput()
			if c.RunWorks != (err == nil) {
				t.Errorf("doctor: run works: %t; run: %v: %s", c.RunWorks, err, out)
			}
			for _, k := range c.Checks {
				if k.State == "missing" && k.Fix == "" {
					t.Errorf("%s is missing (%s), and no fix is given", k.Name, k.Found)
				}
			}
		})
	}
}

func TestDoctorWhereUserNamespacesAreForbidden(t *testing.T) {
	needRoot(t) // to map two users
	code, c := examine(t, withoutNamespaces(program("doctor", "--json")))
	k := find(t, c, "user namespaces")
	if code != exitFailure || c.RunWorks || k.State != "missing" || !k.Needed || !strings.Contains(k.Fix, "user.max_user_namespaces") {
		t.Errorf("exit code %d, run works: %t, %+v", code, c.RunWorks, k)
	}
	out, err := withoutNamespaces(program("run")).CombinedOutput()
	if err == nil || !strings.Contains(string(out), "user.max_user_namespaces") || strings.Count(string(out), "\n") != 1 {
		t.Errorf("run: %v: %s", err, out)
	}
}

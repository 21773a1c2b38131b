package lab

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// NamespaceError says which kind of namespace the system refused.
type NamespaceError struct {
	What  string // "network namespace" or "user namespace"
	Cause error
}

func (e *NamespaceError) Error() string { return "make " + e.What + ": " + e.Cause.Error() }
func (e *NamespaceError) Unwrap() error { return e.Cause }

// Remedy is what to do about it, a phrase for the end of an error line.
func (e *NamespaceError) Remedy() string {
	switch {
	case errors.Is(e.Cause, unix.ENOSPC):
		return "this system's limit is used up or 0: sysctl user.max_user_namespaces user.max_net_namespaces; or run with sudo"
	case setting("/proc/sys/kernel/unprivileged_userns_clone") == "0":
		return "unprivileged user namespaces are switched off here: run with sudo, or sysctl -w kernel.unprivileged_userns_clone=1"
	case setting("/proc/sys/kernel/apparmor_restrict_unprivileged_userns") == "1":
		return "AppArmor restricts user namespaces here: run with sudo, or sysctl -w kernel.apparmor_restrict_unprivileged_userns=0"
	}
	return "run with sudo; in a container add --cap-add SYS_ADMIN --cap-add NET_ADMIN, or allow user namespaces in its seccomp profile"
}

func setting(path string) string {
	b, _ := os.ReadFile(path)
	return strings.TrimSpace(string(b))
}

// insideEnv marks the process that Reexec started.
const insideEnv = "WIRETAX_INSIDE_USER_NAMESPACE"

// Privileged reports whether this process may make network namespaces and devices, by trying.
func Privileged() bool {
	result := make(chan error)
	onOwnThread(func() {
		err := unix.Unshare(unix.CLONE_NEWNET)
		if err == nil { // a container may have the right to the one and not to the other
			err = netlink.LinkAdd(&netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: "wire0"}, PeerName: "wire1"})
		}
		result <- err
	})
	return <-result == nil
}

// Inside reports whether this process was started by Reexec.
func Inside() bool { return os.Getenv(insideEnv) != "" }

// Inner says what is special about the process inside; the zero value is nothing.
type Inner struct {
	// UID and GID are who it is outside: whose files it may open, and whom those belong to that it writes. Zero is who this
	// process is; only root may be somebody else.
	UID, GID int
	Files    []*os.File   // descriptors 3, 4 and so on
	Started  func() error // called when it runs: this process has to do no more than wait
}

// Reexec runs this program again, with the same arguments, inside a new user namespace in which it is root
// (user_namespaces(7)), and returns its exit code. The child is killed when this process dies, and interrupted when ctx
// ends: it may get that signal twice. Files that it writes belong to the invoking user, or to the one of Inner.
func Reexec(ctx context.Context, i Inner) (code int, err error) {
	runtime.LockOSThread() // Pdeathsig watches the thread that forked, not the process
	defer runtime.UnlockOSThread()

	cmd := inside(os.Args[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.ExtraFiles = i.Files
	i.become(cmd.SysProcAttr)
	if err := cmd.Start(); err != nil {
		return 0, &NamespaceError{What: "user namespace", Cause: err}
	}
	if i.Started != nil {
		if err := i.Started(); err != nil {
			cmd.Process.Kill()
			cmd.Wait()
			return 0, err
		}
	}
	// A terminal sends its signals to both processes; one that was sent to this process alone is passed on.
	defer context.AfterFunc(ctx, func() { cmd.Process.Signal(syscall.SIGINT) })()
	err = cmd.Wait()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return 0, nil
	case !errors.As(err, &exit):
		return 0, fmt.Errorf("run inside user namespace: %w", err)
	case exit.ExitCode() < 0:
		return 0, fmt.Errorf("run inside user namespace: killed by signal: %v", exit.Sys().(syscall.WaitStatus).Signal())
	}
	return exit.ExitCode(), nil
}

// become makes root of the namespace the other user: outside it has no rights but that user's, and no groups.
func (i Inner) become(a *syscall.SysProcAttr) {
	if i.UID == 0 {
		return
	}
	a.UidMappings[0].HostID, a.GidMappings[0].HostID = i.UID, i.GID
	a.GidMappingsEnableSetgroups = true
	a.Credential = &syscall.Credential{}
}

// Output runs this program inside a new user namespace like Reexec, with other arguments and without standard input, and
// returns what it prints.
func Output(args ...string) ([]byte, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	cmd := inside(args...)
	var stdout bytes.Buffer
	cmd.Stdout = &stdout
	if err := cmd.Start(); err != nil {
		return nil, &NamespaceError{What: "user namespace", Cause: err}
	}
	if err := cmd.Wait(); err != nil {
		return nil, fmt.Errorf("run inside user namespace: %w", err)
	}
	return stdout.Bytes(), nil
}

// inside is this program inside a new user namespace, to be started by a locked thread.
func inside(args ...string) *exec.Cmd {
	cmd := exec.Command("/proc/self/exe", args...)
	cmd.Args[0] = os.Args[0]
	cmd.Env = append(os.Environ(), insideEnv+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  unix.CLONE_NEWUSER | unix.CLONE_NEWNET | unix.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
		Pdeathsig:   syscall.SIGKILL,
	}
	return cmd
}

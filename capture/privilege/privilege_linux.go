// Package privilege gives up what a process was started with and needs no more: the user root, and the capabilities.
package privilege

import (
	"errors"
	"fmt"
	"os"
	"os/user"
	"runtime"
	"strconv"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
	"kernel.org/pub/linux/libs/security/libcap/psx"
)

// User is who a process becomes.
type User struct {
	UID, GID int
	Groups   []int // supplementary
}

// Invoker is who should own what root makes: the user of the given name or number, or, without a name, the user who called
// sudo (SUDO_UID, SUDO_GID). Nil where there is nobody else to become: root itself called, or an ordinary user.
func Invoker(name string) (*User, error) {
	switch {
	case name == "" && (os.Geteuid() != 0 || os.Getenv("SUDO_UID") == ""):
		return nil, nil
	case name == "":
		return invoker(os.Getenv("SUDO_UID"), os.Getenv("SUDO_GID"))
	case os.Geteuid() != 0:
		return nil, fmt.Errorf("become %s: only root can", name)
	}
	u, err := user.Lookup(name)
	if err != nil {
		if u, err = user.LookupId(name); err != nil {
			return nil, fmt.Errorf("find user %s: %w", name, err)
		}
	}
	return invoker(u.Uid, u.Gid)
}

func invoker(uid, gid string) (*User, error) {
	u := new(User)
	var errs [2]error
	u.UID, errs[0] = strconv.Atoi(uid)
	u.GID, errs[1] = strconv.Atoi(gid)
	if err := errors.Join(errs[:]...); err != nil || u.UID < 0 || u.GID < 0 {
		return nil, fmt.Errorf("find invoking user: uid %q, gid %q: want numbers", uid, gid)
	}
	if u.UID == 0 {
		return nil, nil // sudo called by root
	}
	u.Groups = []int{u.GID}
	if known, err := user.LookupId(uid); err == nil { // a container may have a user without an entry
		if ids, err := known.GroupIds(); err == nil {
			for _, id := range ids {
				if n, err := strconv.Atoi(id); err == nil && n != u.GID {
					u.Groups = append(u.Groups, n)
				}
			}
		}
	}
	return u, nil
}

// As calls fn with the user's rights to files, and none of root's: what fn makes is the user's, where the user may make it. A nil
// user changes nothing. fn runs on a thread of its own, which ends with it: it starts no goroutine whose rights matter.
func As(u *User, fn func() error) error {
	if u == nil {
		return fn()
	}
	result := make(chan error)
	go func() {
		runtime.LockOSThread() // for ever: no other goroutine gets this thread
		result <- func() error {
			if err := unix.Setgroups(u.Groups); err != nil { // x/sys sets the thread's alone, unlike package syscall
				return fmt.Errorf("act as user %d: set groups: %w", u.UID, err)
			}
			unix.Setfsgid(u.GID)
			unix.Setfsuid(u.UID) // the file capabilities go with it (capabilities(7))
			// The calls tell no failure, but who it was before.
			if gid, _ := unix.SetfsgidRetGid(-1); gid != u.GID {
				return fmt.Errorf("act as user %d: the group is %d", u.UID, gid)
			}
			if uid, _ := unix.SetfsuidRetUid(-1); uid != u.UID {
				return fmt.Errorf("act as user %d: the user is %d", u.UID, uid)
			}
			return fn()
		}()
	}()
	return <-result
}

// Drop takes from every thread of this process all capabilities, and the way to any others (no_new_privs, prctl(2)), and
// makes it the user's. A nil user keeps the one it is. What was opened before stays open: captures, sockets, files. There is
// no way back.
func Drop(u *User) error {
	if u != nil {
		// Go applies these to all threads (syscall.AllThreadsSyscall); the groups first, which only root may set.
		if err := syscall.Setgroups(u.Groups); err != nil {
			return fmt.Errorf("drop privileges: set groups: %w", err)
		}
		if err := syscall.Setresgid(u.GID, u.GID, u.GID); err != nil {
			return fmt.Errorf("drop privileges: set group %d: %w", u.GID, err)
		}
		if err := syscall.Setresuid(u.UID, u.UID, u.UID); err != nil {
			return fmt.Errorf("drop privileges: set user %d: %w", u.UID, err)
		}
	}
	return shed(0)
}

// Confine takes from every thread of a process that is root only of its own user namespace (user_namespaces(7)) all capabilities
// there but CAP_NET_ADMIN, and the way to any others. That one is over the namespace's own network alone: it lets sockets choose
// their congestion control and their buffers.
func Confine() error { return shed(1 << unix.CAP_NET_ADMIN) }

// shed leaves every thread no capabilities but those to keep, a bit each. Capabilities and no_new_privs belong to threads, not to processes
// (capabilities(7)); with cgo only libcap's psx reaches all of them.
func shed(keep uint32) error {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	left := [2]unix.CapUserData{{Effective: keep, Permitted: keep}}
	if _, _, errno := psx.Syscall3(unix.SYS_CAPSET, uintptr(unsafe.Pointer(&header)), uintptr(unsafe.Pointer(&left[0])), 0); errno != 0 {
		return fmt.Errorf("drop capabilities: %w", errno)
	}
	if _, _, errno := psx.Syscall6(unix.SYS_PRCTL, unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0, 0); errno != 0 {
		return fmt.Errorf("set no_new_privs: %w", errno)
	}
	return nil
}

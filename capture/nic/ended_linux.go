package nic

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"golang.org/x/sys/unix"
)

// The initial namespaces have fixed inodes (include/linux/proc_ns.h).
const (
	initialPIDs  = 0xEFFFFFFC
	initialUsers = 0xEFFFFFFD
)

// seesAll reports whether this process sees every process of the machine, and what each has open.
func seesAll() bool {
	var pids, users unix.Stat_t
	return os.Geteuid() == 0 && unix.Stat("/proc/self/ns/pid", &pids) == nil && pids.Ino == initialPIDs &&
		unix.Stat("/proc/self/ns/user", &users) == nil && users.Ino == initialUsers
}

// ended reports whether the journal's network namespace is known to be no more: no process is in it, no descriptor and no mount
// keeps it (namespaces(7)).
func (j *journal) ended() bool {
	if !seesAll() {
		return false
	}
	for range 2 { // a process may have passed it on to its child while the processes were looked through
		processes, err := filepath.Glob("/proc/[0-9]*")
		if err != nil || len(processes) == 0 {
			return false
		}
		for _, process := range processes {
			if j.keptBy(process) {
				return false
			}
		}
	}
	return true
}

// link is what the kernel shows where something keeps the namespace.
func (j *journal) link() string { return fmt.Sprintf("net:[%d]", j.Namespace) }

// keptBy reports whether the process, a directory of /proc, keeps the journal's namespace, or may do so. One that ends is none.
func (j *journal) keptBy(process string) bool {
	link := j.link()
	for _, pattern := range []string{"task/*/ns/net", "fd/*"} {
		paths, _ := filepath.Glob(filepath.Join(process, pattern))
		for _, path := range paths {
			if to, err := os.Readlink(path); err == nil && to == link && j.isOf(path) {
				return true
			}
		}
	}
	mounts, _ := os.ReadFile(filepath.Join(process, "mountinfo"))
	for line := range strings.Lines(string(mounts)) {
		const root, point = 3, 4 // fields of a line (proc_pid_mountinfo(5)), counted from 0
		f := strings.Fields(line)
		if len(f) <= point || f[root] != link {
			continue
		}
		path := process + "/root" + f[point]
		if _, err := os.Stat(path); err != nil { // below another mount, or a name with blanks: it is kept, out of sight
			_, err := os.Stat(process)
			return err == nil
		}
		if j.isOf(path) {
			return true
		}
	}
	return false
}

// isOf reports whether the journal's namespace is the one at path, which has its inode. Where that cannot be told, it may be.
func (j *journal) isOf(path string) bool {
	namespace, err := os.Open(path)
	if err != nil {
		to, err := os.Readlink(path) // a thread ends, a descriptor is closed, its number is another's
		return err == nil && to == j.link()
	}
	defer namespace.Close()
	var st unix.Stat_t
	if unix.Fstat(int(namespace.Fd()), &st) == nil && st.Ino != j.Namespace {
		return false
	}
	result := make(chan uint64)
	go func() {
		runtime.LockOSThread() // for ever: the thread ends with the goroutine
		var cookie uint64
		if unix.Setns(int(namespace.Fd()), unix.CLONE_NEWNET) == nil {
			cookie = namespaceCookie()
		}
		result <- cookie
	}()
	cookie := <-result
	return j.Cookie == 0 || cookie == 0 || cookie == j.Cookie
}

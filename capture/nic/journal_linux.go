package nic

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// journal is what is on disk while interfaces are not as they were: enough to put them back, by whoever comes later.
type journal struct {
	Schema     string
	BootID     string    // /proc/sys/kernel/random/boot_id: another boot has undone everything
	Namespace  uint64    // inode of the network namespace that the interfaces belong to
	Cookie     uint64    `json:",omitempty"` // of that namespace: inodes are used again within a boot, cookies are not
	Holders    []process // while one of them lives, the run goes on
	Interfaces []State
	Places     map[string]string // where the namespace of an interface that was moved is kept, by the interface's name
	path       string
}

const journalSchema = "wiretax-journal/1"

// process is a process of this boot: numbers are used again, but not with the same start.
type process struct {
	PID   int
	Start uint64 // clock ticks since boot
}

const (
	systemDir    = "/var/lib/wiretax"
	journalNames = "interfaces-*.json"
)

// directories are where journals are: the first is written to. All survive a reboot (XDG Base Directory Specification; FHS).
// Root does not write where another user could put something else in the place of a file.
func directories() []string {
	home := os.Getenv("XDG_STATE_HOME")
	var st unix.Stat_t
	if !filepath.IsAbs(home) || unix.Stat(home, &st) != nil || int(st.Uid) != os.Geteuid() || st.Mode&0o022 != 0 {
		return []string{systemDir}
	}
	return []string{filepath.Join(home, "wiretax"), systemDir}
}

func startOf(pid int) (process, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return process{}, err
	}
	_, rest, _ := bytes.Cut(b, []byte(") ")) // the name in front may hold anything
	const start, state = 22, 3               // fields of proc_pid_stat(5), counted from 1
	fields := strings.Fields(string(rest))
	if len(fields) <= start-state || fields[0] == "Z" || fields[0] == "X" {
		return process{}, fmt.Errorf("process %d: %w", pid, os.ErrNotExist)
	}
	ticks, err := strconv.ParseUint(fields[start-state], 10, 64)
	return process{pid, ticks}, err
}

func (p process) alive() bool {
	now, err := startOf(p.PID)
	return err == nil && now == p
}

// liveHolder returns a process that still holds the interfaces.
func (j *journal) liveHolder() (process, bool) {
	for _, p := range j.Holders {
		if p.alive() {
			return p, true
		}
	}
	return process{}, false
}

func bootID() string {
	b, _ := os.ReadFile("/proc/sys/kernel/random/boot_id")
	return strings.TrimSpace(string(b))
}

// namespaceInode names the calling thread's network namespace; 0 if that cannot be told.
func namespaceInode() uint64 {
	var st unix.Stat_t
	if unix.Stat("/proc/thread-self/ns/net", &st) != nil {
		return 0
	}
	return st.Ino
}

// namespaceCookie is the number of the calling thread's network namespace that no other has in this boot (SO_NETNS_COOKIE,
// Linux 5.14); 0 where the kernel tells none.
func namespaceCookie() uint64 {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0
	}
	defer unix.Close(fd)
	cookie, err := unix.GetsockoptUint64(fd, unix.SOL_SOCKET, unix.SO_NETNS_COOKIE)
	if err != nil {
		return 0
	}
	return cookie
}

// here reports whether the interfaces are those of the calling thread's network namespace.
func (j *journal) here() bool {
	cookie := namespaceCookie()
	return j.Namespace == namespaceInode() && (j.Cookie == cookie || j.Cookie == 0 || cookie == 0)
}

// newJournal is of this process and the one that started it.
func newJournal(states []State) (*journal, error) {
	j := &journal{
		Schema: journalSchema, BootID: bootID(), Namespace: namespaceInode(), Cookie: namespaceCookie(),
		Interfaces: states, Places: map[string]string{},
		path: filepath.Join(directories()[0], fmt.Sprintf("interfaces-%d.json", os.Getpid())),
	}
	for _, pid := range []int{os.Getpid(), os.Getppid()} {
		p, err := startOf(pid)
		if err != nil {
			return nil, fmt.Errorf("read start of process: %w", err)
		}
		j.Holders = append(j.Holders, p)
	}
	return j, nil
}

// pointers are symbolic links to journals that are not where every wiretax looks: a later one may be called without this
// one's XDG_STATE_HOME, as sudo does it. They are gone after a reboot, which has undone what the journals say.
const pointers = placesDir + "/" + journalNames

func (j *journal) pointer() string { return filepath.Join(placesDir, filepath.Base(j.path)) }

// announce points to the journal. Who may not write there changes nothing that others see.
func (j *journal) announce() {
	if filepath.Dir(j.path) == systemDir || os.MkdirAll(placesDir, 0o755) != nil {
		return
	}
	os.Remove(j.pointer()) // of a process that had the same number
	os.Symlink(j.path, j.pointer())
}

// withdraw takes the pointer away.
func (j *journal) withdraw() {
	if to, err := os.Readlink(j.pointer()); err == nil && to == j.path {
		os.Remove(j.pointer())
		os.Remove(placesDir) // when it is empty
	}
}

// write puts the journal on the disk: when it returns, a loss of power does not lose it.
func (j *journal) write() error {
	b, err := json.Marshal(j)
	if err == nil {
		err = os.MkdirAll(filepath.Dir(j.path), 0o755)
	}
	if err == nil {
		err = writeSynced(j.path, b)
	}
	if err != nil {
		return fmt.Errorf("write journal %s: %w", j.path, err)
	}
	return nil
}

func writeSynced(path string, b []byte) error {
	f, err := os.OpenFile(path+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return err
	}
	defer os.Remove(path + ".new")
	_, err = f.Write(b)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(path+".new", path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

func (j *journal) remove() error {
	if err := os.Remove(j.path); err != nil && !errors.Is(err, os.ErrNotExist) { // its guardian may have been the first
		return fmt.Errorf("remove journal: %w", err)
	}
	j.withdraw()
	return syncDir(filepath.Dir(j.path))
}

// maxJournal bounds what is read of a journal, in octets: a thousand routes take far less.
const maxJournal = 64 << 20

// journals reads all journals. One that cannot be read is an error, and keeps nobody from the others.
func journals() (all []*journal, err error) {
	paths, err := journalPaths()
	if err != nil {
		return nil, err
	}
	var failures []error
	for _, path := range paths {
		j, err := readJournal(path)
		if errors.Is(err, os.ErrNotExist) {
			continue // restored just now
		}
		if err != nil {
			failures = append(failures, fmt.Errorf("read journal %s: %w", path, err))
			continue
		}
		all = append(all, j)
	}
	return all, errors.Join(failures...)
}

// journalPaths are the journals of the directories, and those that are pointed to.
func journalPaths() (paths []string, err error) {
	for _, dir := range directories() {
		found, err := filepath.Glob(filepath.Join(dir, journalNames))
		if err != nil {
			return nil, err
		}
		paths = append(paths, found...)
	}
	found, err := filepath.Glob(pointers)
	for _, pointer := range found {
		if path, err := os.Readlink(pointer); err == nil && !slices.Contains(paths, path) {
			paths = append(paths, path)
		}
	}
	return paths, err
}

// readJournal believes no journal that somebody else may have written: what it says is done as root.
func readJournal(path string) (*journal, error) {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	f := os.NewFile(uintptr(fd), path)
	defer f.Close()
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return nil, err
	}
	if st.Mode&unix.S_IFMT != unix.S_IFREG || int(st.Uid) != os.Geteuid() || st.Mode&0o022 != 0 || st.Size > maxJournal {
		return nil, fmt.Errorf("owner %d, mode %#o, %d octets: not written by this user's wiretax", st.Uid, st.Mode, st.Size)
	}
	j := &journal{path: path}
	if err := json.NewDecoder(f).Decode(j); err != nil {
		return nil, err
	}
	if j.Schema != journalSchema {
		return nil, fmt.Errorf("schema %q: want %q", j.Schema, journalSchema)
	}
	if rightsOfFile() {
		j.Places = nil // what has not been moved gets its offloads back, no more
	}
	return j, j.check()
}

// check refuses messages that are none: they are taken apart without further care.
func (j *journal) check() error {
	for _, s := range j.Interfaces {
		for k, list := range map[*kind][]message{&addresses: s.Addresses, &routes: s.Routes, &neighbours: s.Neighbours} {
			for _, m := range list {
				if len(m) < k.head {
					return fmt.Errorf("%s: message of %d octets: want %d or more", s.Name, len(m), k.head)
				}
			}
		}
	}
	return nil
}

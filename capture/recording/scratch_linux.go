package recording

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// Scratch makes a directory for a recording that nobody keeps. Where the system allows it, it is a memory file system that
// is mounted nowhere (fsmount(2), Linux 5.2): only this process's descriptor holds it, so that it goes with the process,
// whatever ends it. Elsewhere it is a temporary directory, which a kill leaves behind.
func Scratch() (dir string, remove func(), err error) {
	if fd, err := detachedTmpfs(); err == nil {
		return fmt.Sprintf("/proc/self/fd/%d", fd), func() { unix.Close(fd) }, nil
	}
	dir, err = os.MkdirTemp("", "wiretax-")
	if err != nil {
		return "", nil, fmt.Errorf("make temporary directory: %w", err)
	}
	return dir, func() { os.RemoveAll(dir) }, nil
}

func detachedTmpfs() (fd int, err error) {
	fs, err := unix.Fsopen("tmpfs", unix.FSOPEN_CLOEXEC)
	if err != nil {
		return -1, err
	}
	defer unix.Close(fs)
	if err := unix.FsconfigCreate(fs); err != nil {
		return -1, err
	}
	return unix.Fsmount(fs, unix.FSMOUNT_CLOEXEC, unix.MOUNT_ATTR_NODEV|unix.MOUNT_ATTR_NOEXEC|unix.MOUNT_ATTR_NOSUID)
}

// openUnnamed opens a file in the directory that has no name there (O_TMPFILE, open(2)). Not every file system has them.
func openUnnamed(dir string) (*os.File, error) {
	return os.OpenFile(dir, os.O_WRONLY|unix.O_TMPFILE, 0o666)
}

// nameFile gives an unnamed file a name, in place of whatever had it.
func nameFile(f *os.File, name string) error {
	err := os.Remove(name)
	if err != nil && !os.IsNotExist(err) {
		return err
	}
	// Naming it by its descriptor alone, with AT_EMPTY_PATH, would need a capability (linkat(2)).
	return unix.Linkat(unix.AT_FDCWD, fmt.Sprintf("/proc/self/fd/%d", f.Fd()), unix.AT_FDCWD, name, unix.AT_SYMLINK_FOLLOW)
}

// lock takes the file for this process, or fails at once (flock(2)).
func lock(f *os.File) error {
	err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return errors.New("another run is recording there")
	}
	return err
}

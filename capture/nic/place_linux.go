package nic

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// A namespace that holds an interface which was moved is kept by a mount, as ip netns does it. Without one it would end with the
// last process in it, and take virtual interfaces along: the kernel gives only physical ones back (default_device_exit_net,
// net/core/dev.c).

// placesDir is gone after a reboot, as the namespaces are (file-hierarchy(7)).
const placesDir = "/run/wiretax"

// placeOf is where this process keeps the namespace of an interface.
func placeOf(name string) string {
	return filepath.Join(placesDir, fmt.Sprintf("%d-%s", os.Getpid(), name))
}

// vacant refuses a place that something of another process is at.
func vacant(place string) error {
	if _, err := os.Lstat(place); !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("keep namespace: %s: %w", place, cmp.Or(err, os.ErrExist))
	}
	return nil
}

// keep mounts the namespace at the place.
func keep(namespace *os.File, place string) error {
	if err := os.MkdirAll(placesDir, 0o755); err != nil {
		return fmt.Errorf("keep namespace: %w", err)
	}
	f, err := os.OpenFile(place, os.O_CREATE|os.O_EXCL, 0o400)
	if err != nil {
		return fmt.Errorf("keep namespace: %w", err)
	}
	f.Close()
	if err := unix.Mount(fmt.Sprintf("/proc/self/fd/%d", namespace.Fd()), place, "", unix.MS_BIND, ""); err != nil {
		return fmt.Errorf("keep namespace at %s: %w", place, err)
	}
	return nil
}

// forget takes the mount away. One that is gone is no error.
func forget(place string) error {
	if filepath.Dir(place) != placesDir {
		return fmt.Errorf("unmount %s: not below %s", place, placesDir)
	}
	err := unix.Unmount(place, unix.MNT_DETACH|unix.UMOUNT_NOFOLLOW)
	if err != nil && !errors.Is(err, unix.EINVAL) && !errors.Is(err, unix.ENOENT) {
		return fmt.Errorf("unmount %s: %w", place, err)
	}
	if err := os.Remove(place); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("remove %s: %w", place, err)
	}
	os.Remove(placesDir) // when it is empty
	return nil
}

// move puts an interface of the calling thread's namespace into another.
func move(name string, namespace *os.File) error {
	link, err := netlink.LinkByName(name)
	if err != nil {
		return fmt.Errorf("find %s: %w", name, err)
	}
	if err := netlink.LinkSetNsFd(link, int(namespace.Fd())); err != nil {
		return fmt.Errorf("move %s to a namespace of its own: %w (wireless and some virtual interfaces cannot be moved: use --in-place)", name, err)
	}
	return nil
}

// fetch moves an interface back from the namespace that is kept at place to the calling thread's. One that is not there
// has come back already.
func (s State) fetch(place string) error {
	home, err := os.Open("/proc/thread-self/ns/net")
	if err != nil {
		return err
	}
	defer home.Close()
	kept, err := os.Open(place)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer kept.Close()
	var fs unix.Statfs_t
	if err := unix.Fstatfs(int(kept.Fd()), &fs); err != nil {
		return fmt.Errorf("find out what is kept at %s: %w", place, err)
	}
	if fs.Type != unix.NSFS_MAGIC { // killed before the namespace was mounted there: nothing has been moved
		return nil
	}
	result := make(chan error)
	go func() {
		runtime.LockOSThread() // for ever: the thread ends with the goroutine
		result <- func() error {
			if err := unix.Setns(int(kept.Fd()), unix.CLONE_NEWNET); err != nil {
				return fmt.Errorf("enter namespace of %s: %w", s.Name, err)
			}
			link, err := s.find()
			if errors.Is(err, errGone) {
				return nil
			}
			if err != nil {
				return err
			}
			err = netlink.LinkSetNsFd(link, int(home.Fd()))
			if errors.Is(err, unix.EEXIST) {
				return fmt.Errorf("move %s back: another interface has that name: %w", s.Name, err)
			}
			if err != nil {
				return fmt.Errorf("move %s back: %w", s.Name, err)
			}
			return nil
		}()
	}()
	return <-result
}

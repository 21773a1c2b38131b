package nic

import (
	"errors"
	"slices"

	"golang.org/x/sys/unix"
)

// rightsOfFile reports whether this process has rights that its caller has not: those of the program's file (setcap(8), a
// set-user-ID bit), as the kernel says at its start (AT_SECURE, getauxval(3)). Whoever may call the program has them then. They are
// good for what a run that measures on an interface needs, the offloads, and for nothing else: not for what a journal says, which
// is the caller's to write.
func rightsOfFile() bool {
	const atSecure = 23 // AT_SECURE (include/uapi/linux/auxvec.h)
	auxiliary, err := unix.Auxv()
	return err != nil || slices.ContainsFunc(auxiliary, func(v [2]uintptr) bool { return v[0] == atSecure && v[1] != 0 })
}

var errRightsOfFile = errors.New("not with the capabilities of the program's file, which everybody has (sudo)")

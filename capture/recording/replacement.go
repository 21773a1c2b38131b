package recording

import (
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// Replacement is a file that takes the place of another when it is complete. One that never is leaves nothing behind.
type Replacement struct {
	*os.File
	target  string // "" when the file is written directly
	unnamed bool   // the file has no name yet, and goes with the process if it never gets one
}

// Replace opens a temporary file beside the one that it is to become. A symbolic link stays one; what is no regular file is
// written directly: a rename would put a file in the place of /dev/null. The error is the cause alone.
func Replace(name string) (*Replacement, error) {
	if target, err := filepath.EvalSymlinks(name); err == nil {
		name = target
	}
	if info, err := os.Stat(name); err == nil && !info.Mode().IsRegular() {
		f, err := os.OpenFile(name, os.O_WRONLY, 0)
		return &Replacement{File: f}, plain(err)
	}
	if f, err := openUnnamed(filepath.Dir(name)); err == nil {
		return &Replacement{f, name, true}, nil
	}
	f, err := createPart(partOf(name))
	return &Replacement{f, name, false}, plain(err)
}

// createPart makes a new file in place of what a kill left under the name. It follows no link that somebody else put there: the
// file may be root's, in a directory of another user's.
func createPart(name string) (*os.File, error) {
	if err := os.Remove(name); err != nil && !os.IsNotExist(err) {
		return nil, err
	}
	return os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
}

// Replaceable reports why Replace would fail. It neither opens a pipe, whose reader would take that for the end, nor
// changes anything.
func Replaceable(name string) error {
	info, err := os.Stat(name)
	switch {
	case err == nil && info.IsDir():
		return unix.EISDIR
	case err == nil && !info.Mode().IsRegular():
		return unix.Access(name, unix.W_OK)
	}
	r, err := Replace(name)
	if err != nil {
		return err
	}
	r.Abort()
	return nil
}

// partOf is the name under which a file is written where it cannot be without one.
func partOf(name string) string {
	dir, base := filepath.Split(name)
	return filepath.Join(dir, "."+base+".part")
}

// Commit closes the file and gives it its name.
func (r *Replacement) Commit() error {
	var err error
	if r.unnamed {
		err = nameFile(r.File, partOf(r.target))
	}
	if closeErr := r.File.Close(); err == nil {
		err = closeErr
	}
	if err == nil && r.target != "" {
		err = os.Rename(partOf(r.target), r.target)
	}
	if err != nil {
		r.Abort()
	}
	return err
}

// Abort closes the file and removes it.
func (r *Replacement) Abort() {
	r.File.Close()
	if r.target != "" {
		os.Remove(partOf(r.target))
	}
}

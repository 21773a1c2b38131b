package recording

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

// ManifestName is the file that makes a directory a recording: the run without the figures that the analysis adds.
const ManifestName = "run.json"

// CreateDir makes the directory of a recording and keeps it for this process until release. It refuses one that holds
// anything, or that another process records into: recordings are never mixed.
func CreateDir(dir string) (release func(), err error) {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, err
	}
	d, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	if err := claim(d); err != nil {
		d.Close()
		advice := "choose another --out"
		if _, missing := os.Stat(filepath.Join(dir, ManifestName)); missing == nil {
			advice += ", or --resume it"
		}
		return nil, fmt.Errorf("%s: %w (%s)", dir, err, advice)
	}
	return func() { d.Close() }, nil
}

// ReopenDir keeps the directory of a recording for this process until release, to add to it.
func ReopenDir(dir string) (release func(), err error) {
	d, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	err = lock(d)
	for deadline := time.Now().Add(lastBreath); err != nil && time.Now().Before(deadline); err = lock(d) {
		time.Sleep(lastBreath / 20)
	}
	if err != nil {
		d.Close()
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	return func() { d.Close() }, nil
}

// lastBreath is how long a killed run may need to let its directory go: the kernel takes its network namespaces apart first.
const lastBreath = 2 * time.Second

// claim locks an empty directory; the lock goes with its descriptor.
func claim(d *os.File) error {
	if err := lock(d); err != nil {
		return err
	}
	switch _, err := d.Readdirnames(1); {
	case err == nil:
		return errors.New("directory is not empty")
	case !errors.Is(err, io.EOF):
		return err
	}
	return nil
}

// WriteManifest writes run.json, whole or not at all.
func WriteManifest(dir string, json []byte) error {
	name := filepath.Join(dir, ManifestName)
	f, err := Replace(name)
	if err != nil {
		return fmt.Errorf("create %s: %w", name, err)
	}
	if _, err = f.Write(json); err == nil {
		err = f.Commit()
	}
	if err != nil {
		f.Abort()
		return fmt.Errorf("write %s: %w", name, plain(err))
	}
	return nil
}

// maxManifest bounds what is read of a run.json, in octets: 10,000 trials of each of 17 transports take less.
const maxManifest = 256 << 20

// ReadManifest reads run.json. The error for a directory that is no recording says so.
func ReadManifest(dir string) ([]byte, error) {
	name := filepath.Join(dir, ManifestName)
	f, err := os.Open(name)
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("%s: not a recording: it holds no %s: %w", dir, ManifestName, os.ErrNotExist)
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxManifest+1))
	if len(b) > maxManifest {
		return nil, fmt.Errorf("%s: larger than any run's: %d MiB", name, maxManifest>>20)
	}
	return b, err
}

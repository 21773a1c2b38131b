package privilege

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

const asChild = "WIRETAX_TEST_DROP"

// In the child, Drop is tried: it cannot be undone.
func TestMain(m *testing.M) {
	if name := os.Getenv(asChild); name != "" {
		if err := dropAndTell(name); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// dropAndTell prints what every thread is after Drop, threads that are in use and locked among them.
func dropAndTell(name string) error {
	stop := make(chan struct{})
	for range 8 {
		started := make(chan struct{})
		go func() { runtime.LockOSThread(); close(started); <-stop }()
		<-started
	}
	if name == "invoker" {
		name = ""
	}
	u, err := Invoker(name)
	if err != nil {
		return err
	}
	if err := Drop(u); err != nil {
		return err
	}
	files, err := filepath.Glob("/proc/self/task/*/status")
	for _, file := range files {
		b, readErr := os.ReadFile(file)
		if readErr != nil {
			return readErr
		}
		os.Stdout.Write(b)
	}
	return err
}

func TestDropReachesEveryThread(t *testing.T) {
	needRoot(t)
	for _, tc := range []struct {
		condition, name string
		sudo            []string
		uid, gid        int
	}{
		{"called by sudo", "invoker", []string{"SUDO_UID=1234", "SUDO_GID=1235"}, 1234, 1235},
		{"a user's name", "nobody", []string{"SUDO_UID=1234", "SUDO_GID=1235"}, 65534, 65534},
		{"root itself keeps its user and no capability", "invoker", []string{"SUDO_UID="}, 0, 0},
		{"sudo called by root", "invoker", []string{"SUDO_UID=0", "SUDO_GID=0"}, 0, 0},
	} {
		t.Run(tc.condition, func(t *testing.T) {
			c := exec.Command("/proc/self/exe")
			c.Env = append(append(os.Environ(), asChild+"="+tc.name, "GORACE=atexit_sleep_ms=0"), tc.sudo...)
			c.Stderr = os.Stderr
			out, err := c.Output()
			if err != nil {
				t.Fatal(err)
			}
			threads := bytes.Count(out, []byte("\nPid:"))
			id := func(n int) string { s := strconv.Itoa(n); return s + "\t" + s + "\t" + s + "\t" + s }
			for name, want := range map[string]string{
				"Uid": id(tc.uid), "NoNewPrivs": "1",
				"CapEff": "0000000000000000", "CapPrm": "0000000000000000", "CapInh": "0000000000000000", "CapAmb": "0000000000000000",
			} {
				if got := strings.Count(string(out), "\n"+name+":\t"+want+"\n"); got != threads || threads < 8 {
					t.Errorf("%s is %q in %d of %d threads: %s", name, want, got, threads, grep(out, name))
				}
			}
			if want := strconv.Itoa(tc.gid) + "\t"; !strings.HasPrefix(grep(out, "Gid"), want) {
				t.Errorf("gid %s, want %s", grep(out, "Gid"), want)
			}
		})
	}
}

// grep returns the first value of a name.
func grep(status []byte, name string) string {
	_, rest, _ := strings.Cut(string(status), "\n"+name+":\t")
	value, _, _ := strings.Cut(rest, "\n")
	return value
}

func TestInvokerRefuses(t *testing.T) {
	needRoot(t)
	t.Setenv("SUDO_UID", "1234; rm")
	t.Setenv("SUDO_GID", "1")
	if u, err := Invoker(""); err == nil {
		t.Errorf("got %+v", u)
	}
	if u, err := Invoker("no-such-user"); err == nil {
		t.Errorf("got %+v", u)
	}
}

func TestAsHasNoRightsOfRoot(t *testing.T) {
	needRoot(t)
	roots, public := t.TempDir(), filepath.Join(t.TempDir(), "public")
	for dir, mode := range map[string]os.FileMode{roots: 0o755, public: 0o777, filepath.Dir(public): 0o755, filepath.Dir(roots): 0o755} {
		if err := errors.Join(os.MkdirAll(dir, mode), os.Chmod(dir, mode)); err != nil {
			t.Fatal(err)
		}
	}
	u := &User{UID: 1234, GID: 1235, Groups: []int{1235}}
	made := filepath.Join(public, "made")
	err := As(u, func() error {
		if err := os.Mkdir(filepath.Join(roots, "made"), 0o777); !errors.Is(err, os.ErrPermission) {
			t.Errorf("in a directory of root's: %v", err)
		}
		if err := os.Chown(public, u.UID, u.GID); !errors.Is(err, os.ErrPermission) {
			t.Errorf("a directory of root's is given away: %v", err)
		}
		return os.Mkdir(made, 0o777)
	})
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(made)
	if err != nil {
		t.Fatal(err)
	}
	if st := info.Sys().(*syscall.Stat_t); st.Uid != 1234 || st.Gid != 1235 {
		t.Errorf("made by %d:%d", st.Uid, st.Gid)
	}
	if err := os.Mkdir(filepath.Join(roots, "after"), 0o777); err != nil {
		t.Errorf("root is root no longer: %v", err)
	}
}

// needRoot skips where there is nothing to drop and nobody to become; CI is root.
func needRoot(t *testing.T) {
	t.Helper()
	if os.Getuid() != 0 && os.Getenv("CI") == "" {
		t.Skip("needs rights to give up: run the tests as root")
	}
}

package main

import (
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// pkg is what go list tells about a package.
type pkg struct {
	ImportPath string
	Imports    []string
	Standard   bool
}

// goList asks the go command.
func goList(t *testing.T, args ...string) (packages []pkg) {
	t.Helper()
	c := exec.Command("go", append([]string{"list", "-json=ImportPath,Imports,Standard"}, args...)...)
	c.Env = append(os.Environ(), "CGO_ENABLED=1")
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	for d := json.NewDecoder(out); ; {
		var p pkg
		err := d.Decode(&p)
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		packages = append(packages, p)
	}
	if err := c.Wait(); err != nil {
		t.Fatalf("go list %v: %v", args, err)
	}
	return packages
}

// under reports whether a path is the package of that name or below it.
func under(path, name string) bool { return path == name || strings.HasPrefix(path, name+"/") }

// TestRooms keeps the rooms of the house apart: who may import whom, and why not.
func TestRooms(t *testing.T) {
	own := goList(t, "wiretax/...")
	for _, rule := range []struct {
		from, to string
		except   string // the packages that may
		why      string
	}{
		{"wiretax/analyze", "wiretax/capture", "", "a saved recording is the only thing between capture and analysis"},
		{"wiretax/capture", "wiretax/analyze", "", "a saved recording is the only thing between capture and analysis"},
		{"wiretax/capture", "wiretax/report", "", "capture touches the kernel, not text"},
		{"wiretax/analyze", "wiretax/report", "", "analysis touches bytes, not text"},
		{"wiretax/report", "wiretax/capture", "", "a report is made of results"},
		{"wiretax", "github.com/google/gopacket/pcap", "wiretax/capture/live", "live is the only room with cgo"},
		{"wiretax", "C", "wiretax/capture/live", "live is the only room with cgo"},
		{"wiretax", "kernel.org/pub/linux/libs/security/libcap/psx", "wiretax/capture/privilege", "one room changes what threads may do"},
		{"wiretax", "github.com/olekukonko/tablewriter", "wiretax/report", "one renderer knows the table library"},
		{"wiretax", "github.com/gdamore/tcell", "wiretax/report/screen", "one room knows the terminal library"},
		{"wiretax", "github.com/spf13/cobra", "wiretax/cmd/wiretax", "the command line is cmd's"},
		{"wiretax", "github.com/quic-go/quic-go", "wiretax/capture/traffic", "traffic is the only room that speaks QUIC"},
		{"wiretax", "crypto/tls", "wiretax/capture/traffic wiretax/capture/peer", "TLS is measured in traffic and protects the control connection"},
		{"wiretax/analyze", "github.com", "", "analysis needs the standard library only"},
		{"wiretax/analyze", "golang.org", "", "analysis needs the standard library only"},
		{"wiretax/capture/recording", "github.com/google/gopacket/pcap", "", "files are read without libpcap"},
	} {
		for _, p := range own {
			if !under(p.ImportPath, rule.from) || slices.Contains(strings.Fields(rule.except), p.ImportPath) {
				continue
			}
			for _, i := range p.Imports {
				if under(i, rule.to) {
					t.Errorf("%s imports %s: %s", p.ImportPath, i, rule.why)
				}
			}
		}
	}
	// The rooms under capture meet only in capture.
	for _, p := range own {
		if !strings.HasPrefix(p.ImportPath, "wiretax/capture/") {
			continue
		}
		for _, i := range p.Imports {
			if strings.HasPrefix(i, "wiretax/capture") {
				t.Errorf("%s imports %s: the rooms under capture meet only in capture", p.ImportPath, i)
			}
		}
	}
}

// Without a C compiler, captures can still be analysed by programs that use these packages.
func TestNoCgoOutsideLive(t *testing.T) {
	for _, p := range goList(t, "-deps", "wiretax/analyze/...", "wiretax/report/...", "wiretax/capture/recording/...") {
		if p.Standard {
			continue
		}
		for _, i := range p.Imports {
			if i == "C" {
				t.Errorf("%s needs cgo", p.ImportPath)
			}
		}
	}
}

package recording

import (
	"os"
	"path/filepath"
	"testing"
)

func TestPartFollowsNoLink(t *testing.T) {
	dir := t.TempDir()
	precious, part := filepath.Join(dir, "precious"), partOf(filepath.Join(dir, "report.json"))
	for _, link := range []func(string, string) error{os.Symlink, os.Link} {
		if err := os.WriteFile(precious, []byte("precious"), 0o600); err != nil {
			t.Fatal(err)
		}
		os.Remove(part)
		if err := link(precious, part); err != nil {
			t.Fatal(err)
		}
		f, err := createPart(part)
		if err != nil {
			t.Fatal(err)
		}
		f.Close()
		if b, err := os.ReadFile(precious); string(b) != "precious" {
			t.Errorf("%q, %v", b, err)
		}
	}
}

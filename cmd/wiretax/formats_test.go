package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"wiretax/report"
)

// alike is what every page for a browser has, whatever it reports.
var alike = regexp.MustCompile(`(?s)<style>.*</style>|<script>.*</script>|sha256-[^']*|<details class="section" id="words">.*</details>`)

// TestEveryFormat holds what the program writes about stored captures, in each format, against testdata/golden/formats.
// UPDATE=1 writes it instead. As table the run is in the README.
func TestEveryFormat(t *testing.T) {
	t.Chdir("../..")
	t.Setenv("LC_ALL", "C.UTF-8")
	captures := []string{"testdata/pcap/super-frames.pcapng", "testdata/pcap/loss-ip6.pcapng"}
	for name, args := range map[string][]string{
		"run":      {"testdata/thread"},
		"analysis": append([]string{"--frames"}, captures...),
	} {
		for _, format := range report.Formats {
			t.Run(name+"."+string(format), func(t *testing.T) {
				var stdout, stderr bytes.Buffer
				if code := wiretax(t.Context(), strings.NewReader(""), &stdout, &stderr, append([]string{"analyze", "--format", string(format)}, args...)); code != 0 {
					t.Fatalf("exit code %d: %s", code, &stderr)
				}
				got := alike.ReplaceAll(stdout.Bytes(), nil)
				file := filepath.Join("testdata", "golden", "formats", name+"."+string(format))
				if os.Getenv("UPDATE") != "" {
					if err := os.WriteFile(file, got, 0o644); err != nil {
						t.Fatal(err)
					}
				}
				if want, err := os.ReadFile(file); err != nil || !bytes.Equal(got, want) {
					t.Errorf("%s is not what the program writes (UPDATE=1 go test ./cmd/wiretax -run EveryFormat): %v", file, err)
				}
			})
		}
	}
}

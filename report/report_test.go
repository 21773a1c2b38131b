package report

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"wiretax/analyze"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// golden compares what a report says with testdata/golden/report/NAME.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("..", "testdata", "golden", "report", name)
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v (go test ./report -update writes it)", err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs (go test ./report -update accepts it)\n--- got\n%s--- want\n%s", path, got, want)
	}
}

func TestRunGolden(t *testing.T) {
	for _, c := range []struct {
		file   string
		run    *analyze.Run
		format Format
		style  Style
	}{
		{"run.txt", sixteenMessages(), Table, Style{Width: 80}},
		{"run-wide.txt", sixteenMessages(), Table, Style{Wide: true}},
		{"run-color.txt", sixteenMessages(), Table, Style{Width: 80, Color: true}},
		{"run-60.txt", sixteenMessages(), Table, Style{Width: 60}},
		{"run.md", sixteenMessages(), Markdown, Style{}},
		{"run.csv", sixteenMessages(), CSV, Style{}},
		{"run.json", sixteenMessages(), JSON, Style{}},
	} {
		t.Run(c.file, func(t *testing.T) {
			var b bytes.Buffer
			if err := Run(&b, c.run, c.format, c.style); err != nil {
				t.Fatal(err)
			}
			golden(t, c.file, b.Bytes())
		})
	}
}

func TestAnalysisGolden(t *testing.T) {
	for _, c := range []struct {
		file   string
		result *analyze.Result
		format Format
		style  Style
	}{
		{"analysis.txt", onePlusOne(), Table, Style{Width: 80}},
		{"analysis-color.txt", onePlusOne(), Table, Style{Width: 80, Color: true}},
		{"analysis.md", onePlusOne(), Markdown, Style{}},
		{"analysis.csv", onePlusOne(), CSV, Style{}},
		{"analysis.json", onePlusOne(), JSON, Style{}},
		{"analysis-busy.txt", busyServer(), Table, Style{Width: 80}},
		{"analysis-busy-wide.txt", busyServer(), Table, Style{Wide: true, Top: 3}},
		{"analysis-findings.txt", withFindings(onePlusOne()), Table, Style{Width: 80}},
		{"analysis-findings.md", withFindings(onePlusOne()), Markdown, Style{}},
		{"analysis-by-host.txt", byHost(), Table, Style{Width: 80}},
		{"analysis-by-host-wide.txt", byHost(), Table, Style{Wide: true}},
		{"analysis-by-flow.txt", byFlow(), Table, Style{Width: 80}},
		{"analysis-by-flow.md", byFlow(), Markdown, Style{}},
		{"analysis-by-flow.csv", byFlow(), CSV, Style{}},
		{"analysis-by-flow.json", byFlow(), JSON, Style{}},
		{"analysis-by-time.txt", byTime(), Table, Style{Width: 80}},
		{"analysis-by-time-midnight.txt", acrossMidnight(), Table, Style{Width: 80}},
		{"analysis-frames.txt", withFrames(onePlusOne()), Table, Style{Width: 80}},
		{"analysis-frames.csv", withFrames(onePlusOne()), CSV, Style{}},
	} {
		t.Run(c.file, func(t *testing.T) {
			var b bytes.Buffer
			if err := Analysis(&b, c.result, c.format, c.style); err != nil {
				t.Fatal(err)
			}
			golden(t, c.file, b.Bytes())
		})
	}
}

func TestExplainGolden(t *testing.T) {
	var b bytes.Buffer
	if err := Explain(&b); err != nil {
		t.Fatal(err)
	}
	if most, l := widest(b.String()); most > 80 {
		t.Errorf("%d columns wide: %q", most, l)
	}
	golden(t, "explain.txt", b.Bytes())
}

// widest returns the longest line of a text in columns of the terminal.
func widest(text string) (int, string) {
	most, which := 0, ""
	for l := range strings.SplitSeq(text, "\n") {
		if w := displayWidth(l); w > most {
			most, which = w, l
		}
	}
	return most, which
}

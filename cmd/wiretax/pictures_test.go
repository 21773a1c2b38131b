package main

import (
	"bytes"
	"context"
	"fmt"
	"html"
	"os"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"wiretax/analyze"
	"wiretax/report"
)

// TestPictures holds the README's pictures against what the program draws. UPDATE=1 (make pictures) writes them.
func TestPictures(t *testing.T) {
	t.Chdir("../..")
	for file, draw := range map[string]func(*testing.T) []byte{"testdata/pictures/frames.svg": drawnThread, "testdata/pictures/terminal.svg": drawnTerminal} {
		got := draw(t)
		if os.Getenv("UPDATE") != "" {
			if err := os.WriteFile(file, got, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if want, err := os.ReadFile(file); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s is not what the program draws (make pictures): %v", file, err)
		}
	}
}

// drawnThread is the picture of the stored answer to the thread.
func drawnThread(t *testing.T) []byte {
	var stdout, stderr bytes.Buffer
	if code := wiretax(context.Background(), strings.NewReader(""), &stdout, &stderr, []string{"analyze", "testdata/thread", "--format", "svg"}); code != 0 {
		t.Fatalf("exit code %d: %s", code, &stderr)
	}
	return stdout.Bytes()
}

// drawnTerminal is what a terminal of 80 columns with colours shows of one connection, frame by frame.
func drawnTerminal(t *testing.T) []byte {
	const file = "testdata/thread/tcp-01.pcapng"
	var frames []analyze.FrameRow
	result, err := wholeCapture(t.Context(), file, analyze.Options{EachFrame: func(row analyze.FrameRow) error {
		frames = append(frames, row)
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	result.Frames = frames
	var b bytes.Buffer
	if err := report.Analysis(&b, result, report.Table, report.Style{Color: true}); err != nil {
		t.Fatal(err)
	}
	return terminalSVG("$ wiretax analyze --frames " + file + "\n" + b.String())
}

// Sizes of a character cell of the picture, and the colours of its SGR parameters.
const cellWidth, cellHeight = 7.83, 17

var (
	sgr       = regexp.MustCompile("\x1b\\[([0-9]*)m")
	sgrClass  = map[string]string{"1": "bold", "2": "dim", "31": "red", "32": "green", "33": "yellow", "34": "blue", "35": "magenta"}
	blockLook = map[rune]string{'█': "1", '▚': ".8", '▒': ".7", '░': ".5", '·': ".3"}
)

// terminalSVG draws coloured text. Blocks are rectangles: no font is sure to have them in the right size.
func terminalSVG(text string) []byte {
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	var b bytes.Buffer
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 660 %[1]d" width="660" height="%[1]d" font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, DejaVu Sans Mono, monospace" font-size="13">
<title>%[2]s in a terminal</title>
<style>rect{fill:#16191d}text{fill:#d7dce2;white-space:pre}.bold{fill:#fff;font-weight:700}.dim{fill:#97a1ac}.red{fill:#ff7b7b}.green{fill:#7fdba3}.yellow{fill:#f0a04b}.blue{fill:#62aeea}.magenta{fill:#c39af0}</style>
<rect width="660" height="%[1]d" rx="8"/>
`, cellHeight*len(lines)+24, html.EscapeString(lines[0]))
	for i, line := range lines {
		column, class := 0, ""
		for len(line) > 0 {
			at := sgr.FindStringSubmatchIndex(line)
			run := line
			if at != nil {
				run = line[:at[0]]
			}
			drawRun(&b, run, class, column, i)
			column += utf8.RuneCountInString(run)
			if at == nil {
				break
			}
			class, line = sgrClass[line[at[2]:at[3]]], line[at[1]:]
		}
	}
	b.WriteString("</svg>\n")
	return b.Bytes()
}

// drawRun draws text of one colour.
func drawRun(b *bytes.Buffer, run, class string, column, line int) {
	length := utf8.RuneCountInString(run)
	first, _ := utf8.DecodeRuneInString(run)
	x, y := 16+cellWidth*float64(column), 12+cellHeight*line
	switch opacity := blockLook[first]; {
	case strings.TrimSpace(run) == "":
	case opacity != "" && strings.Trim(run, string(first)) == "":
		fmt.Fprintf(b, `<rect class="%s" x="%.1f" y="%d" width="%.1f" height="12" style="opacity:%s"/>`+"\n", class, x, y+3, cellWidth*float64(length), opacity)
	default:
		fmt.Fprintf(b, `<text class="%s" x="%.1f" y="%d" textLength="%.1f" xml:space="preserve">%s</text>`+"\n",
			class, x, y+13, cellWidth*float64(length), html.EscapeString(run))
	}
}

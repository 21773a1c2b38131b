package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"wiretax/capture"
)

// statusLine shows on a terminal how far a run is, in one line that is overwritten. It writes nothing elsewhere.
type statusLine struct {
	w     io.Writer
	start time.Time
	shown bool
}

func newStatusLine(w io.Writer) *statusLine {
	l := &statusLine{start: time.Now()}
	if f, ok := w.(*os.File); ok && !dumbTerminal() {
		if _, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS); err == nil {
			l.w = f
		}
	}
	return l
}

func (l *statusLine) show(p capture.Progress) {
	if l.w == nil {
		return
	}
	left := ""
	if p.Done > 0 {
		each := time.Since(l.start) / time.Duration(p.Done)
		left = fmt.Sprintf(", %v left", (each * time.Duration(p.Trials-p.Done)).Round(time.Second))
	}
	fmt.Fprintf(l.w, "\r\x1b[Ktrial %d of %d: %s, %d x %s B%s", p.Done+1, p.Trials, p.Transport, p.Workload.Messages, p.Workload.Bytes(), left)
	l.shown = true
}

func (l *statusLine) clear() {
	if l.shown {
		fmt.Fprint(l.w, "\r\x1b[K")
	}
}

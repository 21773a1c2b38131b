package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"wiretax/capture"
)

// statusLine shows on a terminal how far a command is, in one line that is overwritten. It writes nothing elsewhere.
type statusLine struct {
	w     io.Writer
	start time.Time
	first capture.Progress // that was shown
	shown bool
}

func newStatusLine(w io.Writer) *statusLine {
	l := &statusLine{start: time.Now()}
	if isTerminal(w) && !dumbTerminal() {
		l.w = w
	}
	return l
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	_, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	return err == nil
}

func (l *statusLine) show(p capture.Progress) {
	if l.w == nil {
		return
	}
	if !l.shown {
		l.first = p
	}
	of := "of"
	if p.AtMost {
		of = "of at most"
	}
	link := ""
	if p.Link.RTT > 0 {
		link = fmt.Sprintf(", RTT %v", p.Link.RTT)
	}
	fmt.Fprintf(l.w, "\r\x1b[Ktrial %d %s %d: %s, %d x %s B%s%s", p.Done+1, of, p.Trials, p.Transport, p.Workload.Messages, p.Workload.Bytes(), link, l.left(p))
	l.shown = true
}

// patience is how long a reading takes before its progress is shown, and how often that is shown then.
const (
	patience = time.Second
	refresh  = 200 * time.Millisecond
)

// follow shows how far a feed is until finished is called.
func (l *statusLine) follow(f *feed) (finished func()) {
	if l == nil || l.w == nil {
		return func() {}
	}
	end, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		defer l.clear()
		for wait := patience; ; wait = refresh {
			select {
			case <-end:
				return
			case <-time.After(wait):
				p := progress{octets: f.in.Offset(), size: f.in.Size(), records: f.records.Load(), since: time.Since(l.start)}
				fmt.Fprintf(l.w, "\r\x1b[K%v", p)
				l.shown = true
			}
		}
	}()
	return func() {
		close(end)
		<-ended
	}
}

// progress is how far a reading is.
type progress struct {
	octets, size int64 // of the files on disk; size is -1 where nobody knows
	records      int64
	since        time.Duration
}

// String is what the status line shows: octets, records a second, and the time left if the rest takes as long as what was.
func (p progress) String() string {
	text := fmt.Sprintf("%.1f MB", float64(p.octets)/1e6)
	if p.size > 0 {
		text = fmt.Sprintf("%.1f of %.1f MB", float64(p.octets)/1e6, float64(p.size)/1e6)
	}
	text += fmt.Sprintf(", %.2f M records/s", float64(p.records)/1e6/p.since.Seconds())
	if p.size > p.octets && p.octets > 0 {
		left := time.Duration(float64(p.since) * float64(p.size-p.octets) / float64(p.octets))
		text += fmt.Sprintf(", %v left", left.Round(time.Second))
	}
	return text
}

// left is about how much longer the run takes: as the trials before this one took, by what was expected of them.
func (l *statusLine) left(p capture.Progress) string {
	gone := p.Share - l.first.Share
	if gone <= 0 {
		return ""
	}
	left := time.Duration(float64(time.Since(l.start)) * (1 - p.Share) / gone)
	return fmt.Sprintf(", %v left", left.Round(time.Second))
}

func (l *statusLine) clear() {
	if l.shown {
		fmt.Fprint(l.w, "\r\x1b[K")
	}
}

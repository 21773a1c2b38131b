// Package screen shows a live analysis on a terminal: totals, sparklines, and a table of flows that keys sort, filter and
// open.
package screen

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"

	"github.com/gdamore/tcell/v3"
)

// Screen is a terminal that has been taken over.
type Screen struct {
	terminal tcell.Screen
	samples  chan Sample
	said     chan string

	lock  sync.Mutex
	query Query // for other goroutines
}

// Actions are what keys ask of the program.
type Actions struct {
	Ask  func()                 // for a sample: the query has changed. It must not block
	Save func() (string, error) // the result so far; the name of the file
}

// Open takes over the terminal of the process. It must be given back by Close.
func Open() (*Screen, error) {
	// A terminal that does not answer questions about itself is not waited for.
	terminal, err := tcell.NewScreen(tcell.OptNegotiation(false), tcell.OptKeyboardProtocol(tcell.LegacyKeyboard), tcell.OptSanitizeContent(true))
	if err != nil {
		return nil, fmt.Errorf("open terminal: %w", err)
	}
	return open(terminal)
}

func open(terminal tcell.Screen) (*Screen, error) {
	if err := terminal.Init(); err != nil {
		return nil, fmt.Errorf("open terminal: %w", err)
	}
	for bar, plain := range map[rune]string{'▁': "_", '▂': ".", '▃': ".", '▄': "-", '▅': "-", '▆': "=", '▇': "=", '█': "#", '…': "~"} {
		terminal.RegisterRuneFallback(bar, plain) // where the locale has no UTF-8
	}
	return &Screen{terminal: terminal, samples: make(chan Sample, 1), said: make(chan string, 1)}, nil
}

// Close gives the terminal back as it was.
func (s *Screen) Close() { s.terminal.Fini() }

// Query is which flows the next sample should have.
func (s *Screen) Query() Query {
	s.lock.Lock()
	defer s.lock.Unlock()
	return s.query
}

// Show hands over a sample, in the place of one that has not been drawn yet. It does not wait. One goroutine may call it.
func (s *Screen) Show(sample Sample) {
	select {
	case <-s.samples:
	default:
	}
	s.samples <- sample
}

// Say shows a line until the next key.
func (s *Screen) Say(text string) {
	select {
	case s.said <- text:
	default: // enough is being said
	}
}

// Run draws samples and follows keys until the user quits or the context ends.
func (s *Screen) Run(ctx context.Context, do Actions) error {
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTSTP)
	defer signal.Stop(stop)
	m := &model{}
	for {
		m.draw(s.terminal)
		s.terminal.Show()
		next := none
		select {
		case <-ctx.Done():
			return nil
		case sample := <-s.samples:
			m.take(sample)
		case m.notice = <-s.said:
		case <-stop:
			next = suspend
		case event := <-s.terminal.EventQ():
			switch e := event.(type) {
			case nil: // the terminal is gone
				return nil
			case *tcell.EventKey:
				next = m.press(e)
			case *tcell.EventResize:
				next = redraw
			}
		}
		if next == quit {
			return nil
		}
		if err := s.act(m, next, do); err != nil {
			return err
		}
	}
}

// act does what a key asked for.
func (s *Screen) act(m *model, next action, do Actions) error {
	switch next {
	case ask:
		s.lock.Lock()
		s.query = m.query
		s.lock.Unlock()
		do.Ask()
	case save:
		file, err := do.Save()
		m.notice = "saved " + file
		if err != nil {
			m.notice = err.Error()
		}
	case redraw:
		s.terminal.Sync()
	case suspend:
		return s.suspend()
	}
	return nil
}

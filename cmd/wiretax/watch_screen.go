package main

import (
	"context"
	"io"
	"time"

	"github.com/spf13/cobra"

	"wiretax/analyze"
	"wiretax/report"
	"wiretax/report/screen"
)

// open takes over the terminal, if the watch is to be on one. Lines need less of a terminal than a screen does, so they are
// what is left where there is none.
func (f *watchFlags) open(c *cobra.Command) *screen.Screen {
	if f.plain || f.write == "-" || dumbTerminal() || !isTerminal(c.OutOrStdout()) {
		return nil
	}
	view, err := screen.Open()
	if err != nil {
		return nil
	}
	return view
}

// screen counts until the end, or until the user has seen enough.
func (f *watchFlags) screen(ctx context.Context, c *cobra.Command, m *meter, view *screen.Screen) error {
	defer view.Close()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var before *analyze.Result
	show := func(now time.Time, regular bool) {
		s := m.sample(now, view.Query())
		if regular {
			i := s.Result.Since(before, now)
			s.Interval, before = &i, s.Result
		}
		view.Show(s)
	}
	defer f.onRequest(ctx, m, view.Say)()
	counted := make(chan error, 1)
	go func() {
		counted <- m.run(ctx, f.every, func(now time.Time) { show(now, true) })
		cancel()
	}()
	ask := func() { go m.ask(ctx, func() { show(time.Now(), false) }) }
	ask()
	failed := view.Run(ctx, screen.Actions{Ask: ask, Save: func() (string, error) { return save(ctx, c, m) }})
	view.Close()
	cancel()
	if err := <-counted; failed == nil {
		failed = err
	}
	return failed
}

// sample is what the screen shows of the count so far.
func (m *meter) sample(now time.Time, q screen.Query) screen.Sample {
	return screen.Sample{Result: m.result(now, 0), Flows: m.counted.Rank(q.By, screen.MostFlows, screen.Matches(q.Filter))}
}

// save writes the result so far to a file of its own.
func save(ctx context.Context, c *cobra.Command, m *meter) (file string, err error) {
	now := time.Now()
	file = now.Format("wiretax-watch-20060102-150405.json")
	to := outputFlags{file: file, format: string(report.JSON)}
	m.ask(ctx, func() {
		err = to.write(c, func(w io.Writer, format report.Format, s report.Style) error {
			return report.NewStream(w, format, s).End(m.result(now, 0))
		})
	})
	return file, err
}

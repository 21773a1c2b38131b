package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"wiretax/analyze"
	"wiretax/capture/recording"
	"wiretax/capture/traffic"
)

// replayFlags name a flow of a capture whose messages are to be sent again.
type replayFlags struct {
	from      string
	flow      int
	direction string
}

func (f *replayFlags) register(fl *pflag.FlagSet) {
	fl.StringVar(&f.from, "from", "", "send the messages of a flow of a capture, `FILE`, with their sizes and times: UDP datagrams; of TCP what lies between segments with PSH, sent once")
	fl.IntVar(&f.flow, "flow", 1, "number `N` of the flow, as wiretax analyze prints it")
	fl.StringVar(&f.direction, "from-direction", "", "`ab|ba` of the flow (default: the one with more payload)")
}

// read takes the messages out of the capture; nil where none is given.
func (f *replayFlags) read(c *cobra.Command) (*traffic.Schedule, error) {
	changed := c.Flags().Changed
	if !changed("from") {
		for _, flag := range []string{"flow", "from-direction"} {
			if changed(flag) {
				return nil, usagef(c, "--%s is about a capture: give it --from", flag)
			}
		}
		return nil, nil
	}
	for _, flag := range []string{"messages", "size", "interval", "arrivals"} {
		if changed(flag) {
			return nil, usagef(c, "--from has the messages of the capture: leave --%s out", flag)
		}
	}
	switch {
	case f.from == "" || f.from == "-":
		return nil, usagef(c, "--from %q: want a file", f.from)
	case f.flow < 1:
		return nil, usagef(c, "--flow %d: want 1 or more", f.flow)
	case changed("from-direction") && f.direction != "ab" && f.direction != "ba":
		return nil, usagef(c, "--from-direction %s: want ab or ba", f.direction)
	}
	return f.messages(c.Context(), c.ErrOrStderr())
}

// messages reads the capture.
func (f *replayFlags) messages(ctx context.Context, stderr io.Writer) (*traffic.Schedule, error) {
	conversation := analyze.NewConversation(f.flow, affordableFlows())
	if err := converse(ctx, f.from, conversation, stderr); err != nil {
		return nil, err
	}
	if n := conversation.Flows(); f.flow > n {
		return nil, fmt.Errorf("replay %s: no flow %d; the capture has %d (wiretax analyze %[1]s lists them)", f.from, f.flow, n)
	}
	aToB := f.direction == "ab" || f.direction == "" && conversation.Larger()
	m := conversation.Direction(aToB)
	direction := "b to a"
	if aToB {
		direction = "a to b"
	}
	if len(m.Sizes) == 0 {
		return nil, fmt.Errorf("replay %s: flow %d has no messages from %s (wiretax analyze %[1]s lists the flows)", f.from, f.flow, direction)
	}
	if m.Empty > 0 {
		fmt.Fprintf(stderr, "wiretax: replay %s: %d datagrams without payload left out\n", f.from, m.Empty)
	}
	if m.Divided > 0 {
		fmt.Fprintf(stderr, "wiretax: replay %s: %d datagrams came in super-frames: their sizes are assumed to be equal\n", f.from, m.Divided)
	}
	unit := "UDP datagrams"
	if m.Proto == "tcp" {
		unit = "TCP payload up to each PSH"
		fmt.Fprintf(stderr, "wiretax: replay %s: writes that TCP coalesced count as one message: the frames saved are a lower bound\n", f.from)
	}
	return &traffic.Schedule{Sizes: m.Sizes, Due: m.Times,
		Origin: fmt.Sprintf("flow %d of %s, %s, %s", f.flow, filepath.Base(f.from), direction, unit)}, nil
}

// converse reads a capture into the conversation. One that is cut off counts as far as it goes.
func converse(ctx context.Context, file string, conversation *analyze.Conversation, stderr io.Writer) error {
	in, err := recording.OpenAll(ctx, []string{file}, nil)
	if err != nil {
		return err
	}
	defer in.Close()
	for batch := make([]recording.Record, 256); ; {
		n, err := in.Next(batch)
		for i := range batch[:n] {
			if err := conversation.Add((*analyze.Record)(&batch[i])); err != nil {
				return fmt.Errorf("replay %s: %w", file, err)
			}
		}
		var cut *recording.CutError
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case errors.As(err, &cut):
			fmt.Fprintf(stderr, "wiretax: replay: %v\n", err)
			return nil
		case err != nil:
			return err
		}
	}
}

// scheduled is the workload with the messages of the schedule, if there is one.
func scheduled(w traffic.Workload, s *traffic.Schedule) traffic.Workload {
	if s == nil {
		return w
	}
	w.Schedule, w.Messages, w.Size = s, len(s.Sizes), 0
	if n := w.Messages - 1; n > 0 {
		w.Interval = time.Duration(s.Due[n]) / time.Duration(n) // the mean: how long it will take is reckoned from it
	}
	return w
}

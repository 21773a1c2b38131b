package main

import (
	"context"
	"errors"
	"io"

	"wiretax/analyze"
	"wiretax/capture/recording"
)

// feed hands the chosen records of captures to an analysis.
type feed struct {
	ctx     context.Context
	in      *recording.Merge
	chosen  *selection // nil: all records
	copier  *copier    // nil: none
	batches []laneBatch
	cut     error // says where files ended before their end
	ended   bool
}

// laneBatch is the batch that a lane of the analysis works on.
type laneBatch struct {
	recording.Batch
	chosen []*analyze.Record
}

// maxLanes is the number of lanes from which on reading alone, one batch after the other, keeps them waiting.
const maxLanes = 8

// open makes room for so many lanes, and returns how many that are.
func (f *feed) open(lanes int) int {
	f.batches = make([]laneBatch, min(lanes, maxLanes))
	return len(f.batches)
}

// Next implements analyze.Input.
func (f *feed) Next(lane int) ([]*analyze.Record, error) {
	if f.ended {
		return nil, io.EOF
	}
	if f.ctx.Err() != nil {
		return nil, context.Cause(f.ctx)
	}
	b := &f.batches[lane]
	err := f.in.Fill(&b.Batch)
	var end *recording.CutError
	switch {
	case errors.As(err, &end):
		f.cut = err // of every file that is cut
		return nil, io.EOF
	case err != nil:
		return nil, err
	}
	b.chosen = b.chosen[:0]
	for i := range b.Records {
		r := &b.Records[i]
		if f.chosen != nil {
			if ok, err := f.chosen.takes(r); err != nil {
				return nil, err
			} else if !ok {
				continue
			}
		}
		b.chosen = append(b.chosen, (*analyze.Record)(r))
		if err := f.copier.write(r); err != nil {
			return nil, err
		}
		if f.chosen != nil && f.chosen.full() {
			f.ended = true
			break
		}
	}
	return b.chosen, nil
}

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"sync/atomic"

	"wiretax/analyze"
	"wiretax/capture/recording"
	"wiretax/report"
)

// reading is one pass over captures.
type reading struct {
	files    []string
	stdin    io.Reader
	options  analyze.Options
	rows     int64      // most records that options.EachFrame is called for; 0 for all
	top      int        // flows that the result holds; all where it is negative
	chosen   *selection // nil: all records
	write    string     // capture to write the chosen records to; empty: none
	annotate bool       // comment each record that is written
	stdout   io.Writer
	status   *statusLine // nil: none
}

// analyze counts what is in the files. A file that is cut off counts as far as it goes, and everything does when the context
// ends: the result's warnings say so.
func (r reading) analyze(ctx context.Context) (*analyze.Result, error) {
	in, err := recording.OpenAll(ctx, r.files, r.stdin)
	switch {
	case err != nil && ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case err != nil:
		return nil, err
	}
	defer in.Close()
	take, err := r.sink(in)
	if err != nil {
		return nil, err
	}
	lanes := runtime.GOMAXPROCS(0)
	if r.annotate {
		lanes = 1 // records are written when they have been judged, before more are read
	}
	a := analyze.New(r.rowOptions(take))
	feed := &feed{ctx: ctx, in: in, chosen: r.chosen, copier: take, steps: newSteps(r.options.View)}
	finished := r.status.follow(feed)
	err = a.Take(feed, feed.open(lanes))
	finished()
	if err != nil {
		take.abort()
		return nil, err
	}
	if err := take.close(); err != nil {
		return nil, err
	}
	result := a.Outline(r.top)
	describeSource(result, in)
	if left := result.Totals.Records - r.rows; r.rows == maxRows && left > 0 {
		result.Warnings = append(result.Warnings, analyze.Warning{
			Code: "rows_left_out", Message: fmt.Sprintf("only the first %d records have a row (csv and json have all)", maxRows), Count: left,
		})
	}
	switch {
	case ctx.Err() != nil:
		result.Warnings = append(result.Warnings, analyze.Warning{
			Code: "interrupted", Message: "the analysis was interrupted: later records are not counted", Count: 1, Distrust: true,
		})
	case feed.cut != nil:
		result.Source.TruncatedFile = true
		result.Warnings = append(result.Warnings, cutWarning(feed.cut))
	}
	return result, nil
}

// cutWarning says where files end before their end: the first ones, of many.
func cutWarning(cut error) analyze.Warning {
	const named = 3
	cuts := []error{cut}
	if joined, ok := cut.(interface{ Unwrap() []error }); ok {
		cuts = joined.Unwrap()
	}
	var texts []string
	for _, c := range cuts[:min(len(cuts), named)] {
		texts = append(texts, c.Error())
	}
	if more := len(cuts) - named; more > 0 {
		texts = append(texts, fmt.Sprintf("and %d more", more))
	}
	return analyze.Warning{Code: "file_cut_off", Message: strings.Join(texts, "; "), Count: int64(len(cuts)), Distrust: true}
}

// sink makes the copier of the chosen records, if there is to be one.
func (r reading) sink(in *recording.Merge) (*copier, error) {
	const comment = "records selected by wiretax analyze"
	switch r.write {
	case "":
		return nil, nil
	case "-":
		return &copier{in: in, out: recording.NewWriter(r.stdout, nil, comment), comment: r.annotate}, nil
	}
	if target, err := os.Stat(r.write); err == nil && target.Mode().IsRegular() {
		for _, file := range r.files {
			if source, err := os.Stat(file); err == nil && os.SameFile(source, target) {
				return nil, fmt.Errorf("write %s: it is what is being read (choose another file)", r.write)
			}
		}
	}
	out, err := recording.Create(r.write, nil, comment)
	if err != nil {
		return nil, err
	}
	return &copier{in: in, out: out, comment: r.annotate}, nil
}

// rowOptions are the options with what is to be done with rows: the first ones are passed on, each comments a record.
func (r *reading) rowOptions(take *copier) analyze.Options {
	o := r.options
	pass, passed := o.EachFrame, int64(0)
	if pass != nil && r.rows > 0 {
		o.EachFrame = func(row analyze.FrameRow) error {
			if passed++; passed > r.rows {
				return nil
			}
			return pass(row)
		}
	}
	if r.annotate {
		limited := o.EachFrame
		o.FrameOwners = true
		o.EachFrame = func(row analyze.FrameRow) error {
			if err := take.commented(report.FrameComment(&row)); err != nil || limited == nil {
				return err
			}
			return limited(row)
		}
	}
	return o
}

func describeSource(r *analyze.Result, in *recording.Merge) {
	r.Source.Files = in.Files()
	r.Source.Format, r.Source.Compression = in.Format(), in.Compression()
	seen := map[string]bool{}
	unlimited := false
	for _, i := range in.Interfaces() {
		if name := recording.LinkName(i.Link); !seen[name] {
			seen[name] = true
			r.Source.LinkTypes = append(r.Source.LinkTypes, name)
		}
		unlimited = unlimited || i.SnapLen == 0
		r.Source.SnapLen = max(r.Source.SnapLen, int64(i.SnapLen))
	}
	if unlimited {
		r.Source.SnapLen = 0
	}
}

// feed hands the chosen records of captures to an analysis.
type feed struct {
	ctx     context.Context
	in      *recording.Merge
	chosen  *selection // nil: all records
	copier  *copier    // nil: none
	steps   *steps     // nil: not counted
	batches []laneBatch
	records atomic.Int64 // read so far
	cut     error        // says where files ended before their end
	ended   bool
}

// laneBatch is the batch that a lane of the analysis works on.
type laneBatch struct {
	recording.Batch
	chosen []*analyze.Record // nil for those that are not
}

// all chooses all records. Batches have their records at the same place every time, so there is rarely anything to do.
func (b *laneBatch) all() []*analyze.Record {
	if len(b.chosen) > 0 && len(b.Records) > 0 && b.chosen[0] != (*analyze.Record)(&b.Records[0]) {
		b.chosen = b.chosen[:0]
	}
	for i := len(b.chosen); i < len(b.Records); i++ {
		b.chosen = append(b.chosen, (*analyze.Record)(&b.Records[i]))
	}
	return b.chosen[:len(b.Records)]
}

// maxLanes is the number of lanes from which on reading alone, one batch after the other, keeps them waiting.
const maxLanes = 8

// open makes room for so many lanes, and returns how many that are.
func (f *feed) open(lanes int) int {
	f.batches = make([]laneBatch, min(lanes, maxLanes))
	return len(f.batches)
}

// Next implements analyze.Input. The records end where the context does.
func (f *feed) Next(lane int) ([]*analyze.Record, error) {
	if f.ended || f.ctx.Err() != nil {
		return nil, io.EOF
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
	f.records.Add(int64(len(b.Records)))
	return f.choose(b)
}

// choose picks and copies the records of a batch that were asked for.
func (f *feed) choose(b *laneBatch) ([]*analyze.Record, error) {
	if f.chosen.all() && f.copier == nil && f.steps == nil {
		return b.all(), nil
	}
	b.chosen = b.chosen[:0]
	for i := range b.Records {
		r := &b.Records[i]
		if f.chosen != nil {
			if ok, err := f.chosen.takes(r); err != nil {
				return nil, err
			} else if !ok {
				b.chosen = append(b.chosen, nil)
				continue
			}
		}
		b.chosen = append(b.chosen, (*analyze.Record)(r))
		if err := f.steps.take(r.Nanos); err != nil {
			return nil, err
		}
		if err := f.copier.take(r); err != nil {
			return nil, err
		}
		if f.chosen != nil && f.chosen.full() {
			f.ended = true
			break
		}
	}
	return b.chosen, nil
}

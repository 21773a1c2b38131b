package report

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"

	"wiretax/analyze"
)

// Stream writes the accounting of a capture whose rows, one a record, come while the capture is still being read. JSON,
// NDJSON and CSV hold none of them in memory; the other formats need them all to lay out a table.
//
// As ndjson each line is an object with a kind: the frames first, then the flows, then the analysis without either.
type Stream struct {
	w      io.Writer
	format Format
	style  Style
	out    *bufio.Writer
	frames []analyze.FrameRow // of a format that needs them all
	csv    *csv.Writer
	piece  bytes.Buffer
	rows   int // written
}

// NewStream starts a report. Nothing is written before the first row or the end.
func NewStream(w io.Writer, f Format, s Style) *Stream {
	out := bufio.NewWriterSize(w, 64<<10)
	return &Stream{w: w, format: f, style: s, out: out, csv: csv.NewWriter(out)}
}

// Frame takes the next row.
func (s *Stream) Frame(row analyze.FrameRow) error {
	s.rows++
	switch s.format {
	case JSON:
		separator := ",\n    "
		if s.rows == 1 {
			separator = fmt.Sprintf("{\n  \"schema\": %q,\n  \"kind\": \"analysis\",\n  \"frames\": [\n    ", analyze.Schema)
		}
		s.out.WriteString(separator)
		return s.object("    ", row)
	case NDJSON:
		return s.line(struct {
			Kind string `json:"kind"`
			*analyze.FrameRow
		}{"frame", &row})
	case CSV:
		if s.rows == 1 {
			s.csv.Write(frameColumns[:])
		}
		return s.failed(s.csv.Write(frameCells(&row)))
	}
	s.frames = append(s.frames, row)
	return nil
}

// End writes what the rows, the result's own ones last, add up to. The result's flows come from EachFlow where that is set.
func (s *Stream) End(r *analyze.Result) error {
	for _, row := range r.Frames {
		if err := s.Frame(row); err != nil {
			return err
		}
	}
	var err error
	switch s.format {
	case JSON:
		err = s.endJSON(r)
	case NDJSON:
		err = s.endLines(r)
	case CSV:
		err = s.endCSV(r)
	default:
		whole := *r
		whole.Frames = s.frames
		return Analysis(s.w, &whole, s.format, s.style)
	}
	if err != nil {
		return err
	}
	return s.failed(s.out.Flush())
}

// only writes a report that is one line.
func (s *Stream) only(v any) error {
	if err := s.line(v); err != nil {
		return err
	}
	return s.failed(s.out.Flush())
}

// endJSON writes the object, or what is left of it behind the frames, and its flows one by one.
func (s *Stream) endJSON(r *analyze.Result) error {
	whole := withoutNullLists(*r)
	whole.Flows, whole.Frames = []analyze.Flow{}, nil
	var b bytes.Buffer
	if err := writeJSON(&b, whole); err != nil {
		return err
	}
	document := b.Bytes()
	if s.rows > 0 {
		const next = "\n  \"source\": "
		s.out.WriteString("\n  ],")
		_, rest, _ := bytes.Cut(document, []byte(next))
		s.out.WriteString(next)
		document = rest
	}
	const flows = "\n  \"flows\": ["
	before, after, _ := bytes.Cut(document, []byte(flows))
	s.out.Write(before)
	s.out.WriteString(flows)
	separator, end := "\n    ", ""
	for f := range r.AllFlows() {
		s.out.WriteString(separator)
		if err := s.object("    ", f); err != nil {
			return err
		}
		separator, end = ",\n    ", "\n  "
	}
	s.out.WriteString(end)
	_, err := s.out.Write(after)
	return s.failed(err)
}

// endLines writes a line for each flow, and the analysis without flows and frames.
func (s *Stream) endLines(r *analyze.Result) error {
	for f := range r.AllFlows() {
		err := s.line(struct {
			Kind string `json:"kind"`
			*analyze.Flow
		}{"flow", f})
		if err != nil {
			return err
		}
	}
	whole := withoutNullLists(*r)
	return s.line(struct {
		*analyze.Result
		Flows  *struct{} `json:"flows,omitempty"`
		Frames *struct{} `json:"frames,omitempty"`
	}{Result: &whole})
}

// endCSV writes the one table that fits a csv file: groups or frames where they were asked for, otherwise the flows.
func (s *Stream) endCSV(r *analyze.Result) error {
	switch {
	case s.rows > 0:
	case r.By != "":
		return writeCSV(s.out, groupRecords(r))
	default:
		s.csv.Write(flowColumns())
		for f := range r.AllFlows() {
			if err := s.csv.Write(flowCells(f)); err != nil {
				return s.failed(err)
			}
		}
	}
	s.csv.Flush()
	return s.failed(s.csv.Error())
}

// object writes a value of a list, indented as the document is.
func (s *Stream) object(prefix string, v any) error {
	e := json.NewEncoder(&s.piece)
	e.SetEscapeHTML(false)
	e.SetIndent(prefix, "  ")
	return s.encode(e, v, false)
}

// line writes a value on a line of its own.
func (s *Stream) line(v any) error {
	e := json.NewEncoder(&s.piece)
	e.SetEscapeHTML(false)
	return s.encode(e, v, true)
}

func (s *Stream) encode(e *json.Encoder, v any, newline bool) error {
	s.piece.Reset()
	if err := e.Encode(v); err != nil {
		return s.failed(err)
	}
	text := s.piece.Bytes()
	if !newline {
		text = bytes.TrimSuffix(text, []byte("\n"))
	}
	_, err := escaper{s.out}.Write(text)
	return s.failed(err)
}

func (s *Stream) failed(err error) error {
	if err != nil {
		return fmt.Errorf("write %s: %w", s.format, err)
	}
	return nil
}

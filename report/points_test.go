package report

import (
	"slices"
	"testing"
)

func TestPointsStandBelowEachOther(t *testing.T) {
	for _, c := range []struct {
		name       string
		cells      []string
		room       int
		want       []string
		leftColumn bool
	}{
		{"three digits each", []string{"0.0458", "10.6", "~0.733"}, 80, []string{"0.0458", "10.6   ", "~0.733 "}, false},
		{"an integer and nothing among them", []string{"100", "0.222", "-", ""}, 80, []string{"100    ", "0.222", "-    ", ""}, false},
		{"equally long already", []string{"1.49", "1.89"}, 80, []string{"1.49", "1.89"}, false},
		{"integers", []string{"1,440", "16"}, 80, []string{"1,440", "16"}, false},
		{"ranges", []string{"1.46..1.71", "2.1"}, 80, []string{"1.46..1.71", "2.1"}, false},
		{"no room", []string{"0.0458", "100.6"}, 6, []string{"0.0458", "100.6"}, false},
		{"words", []string{"1.5", "2.25"}, 80, []string{"1.5", "2.25"}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			in := table{columns: []column{{left: c.leftColumn}}}
			for _, cell := range c.cells {
				in.rows = append(in.rows, []string{cell})
			}
			var got []string
			for _, row := range pointed(in, 1, c.room).rows {
				got = append(got, row[0])
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got  %q\nwant %q", got, c.want)
			}
		})
	}
}

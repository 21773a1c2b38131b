package main

import (
	"strings"
	"testing"
	"time"

	"wiretax/analyze"
	"wiretax/capture/recording"
)

func TestGroupsByTimeAreBounded(t *testing.T) {
	for _, tc := range []struct {
		name    string
		every   time.Duration
		apart   int64 // nanoseconds between records
		records int64
		want    string
	}{
		{"a group a record", 1, 1000, maxSteps + 1,
			"group by time:1ns: more than 250000 groups (try --by time:1ms, or a part with --from and --to)"},
		{"as many as are allowed", 1, 1000, maxSteps, ""},
		{"many records a group", time.Millisecond, 1000, 2 * maxSteps, ""},
		{"a second where nothing is said", 0, 1e9, maxSteps + 1,
			"group by time:1s: more than 250000 groups (try --by time:16m40s, or a part with --from and --to)"},
		{"times of all ages", 1, 0x123456789abcdef1, maxSteps + 1,
			"group by time:1ns: more than 250000 groups (try --by time:27777h46m40s, or a part with --from and --to)"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := newSteps(analyze.View{By: "time", Every: tc.every})
			err := s.take(recording.NoTime)
			for i := int64(0); i < tc.records && err == nil; i++ {
				err = s.take(1_700_000_000e9 + i*tc.apart)
			}
			if got := message(err); got != tc.want {
				t.Errorf("got %s, want %s", got, tc.want)
			}
		})
	}
	for _, chosen := range []*selection{nil, {}} {
		in, err := recording.OpenAll(t.Context(), []string{"../../testdata/thread/udp-01.pcapng"}, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer in.Close()
		feed := &feed{ctx: t.Context(), in: in, chosen: chosen, steps: &steps{every: 1, most: 3, seen: map[int64]bool{}}}
		feed.open(1)
		if _, err := feed.Next(0); err == nil || !strings.HasPrefix(err.Error(), "group by time:1ns: more than 3 groups") {
			t.Errorf("records of a capture: %v", err)
		}
	}
	if err := newSteps(analyze.View{By: "host"}).take(1); err != nil {
		t.Error(err)
	}
}

func message(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

package capture

import (
	"testing"
	"time"

	"wiretax/capture/peer"
	"wiretax/capture/recording"
)

func TestNarrow(t *testing.T) {
	at := func(nanos ...int64) (records []recording.Record) {
		for _, n := range nanos {
			records = append(records, recording.Record{Nanos: n})
		}
		return records
	}
	rough := peer.Offset{Monotonic: 70_000, Real: 1000, Uncertainty: 500}
	for _, c := range []struct {
		name                               string
		sent, farArrived, farSent, arrived []recording.Record
		want                               peer.Offset
	}{
		{"both ways", at(0, 100), at(1200, 1310), at(5000), at(4100), peer.Offset{Monotonic: 70_050, Real: 1050, Uncertainty: 150}},
		{"one way", at(0), at(1100), nil, nil, peer.Offset{Monotonic: 69_800, Real: 800, Uncertainty: 300}},
		{"one lost", at(0, 100), at(1100), nil, nil, rough},
		{"slower than the comparison", at(0), at(1900), at(5000), at(4900), rough},
		{"nothing", nil, nil, nil, nil, rough},
		{"a clock was set meanwhile", at(0), at(-90_000), at(5000), at(4100), rough},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := narrow(rough, c.sent, c.farArrived, c.farSent, c.arrived, 0); got != c.want {
				t.Errorf("%+v, want %+v", got, c.want)
			}
		})
	}
	if got := narrow(rough, at(0), at(1100), nil, nil, time.Second); got != rough {
		t.Errorf("drift of a second is more than the gain: %+v", got)
	}
}

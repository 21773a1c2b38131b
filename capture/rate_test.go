package capture

import (
	"testing"
	"time"

	"wiretax/capture/traffic"
)

func TestWorkloadFillsLink(t *testing.T) {
	for _, test := range []struct {
		name string
		link Link
		w    traffic.Workload
		want bool
	}{
		{"back to back", Link{Rate: 10e6}, traffic.Workload{Messages: 16, Size: 90}, true},
		{"no rate", Link{}, traffic.Workload{Messages: 16, Size: 90}, false},
		{"a few messages", Link{Rate: 10e6}, traffic.Workload{Messages: 15, Size: 90}, false},
		{"answered", Link{Rate: 10e6}, traffic.Workload{Messages: 16, Size: 90, Pattern: traffic.Echo}, false},
		{"as fast as the link", Link{Rate: 10e6}, traffic.Workload{Messages: 16, Size: 90, Interval: 124 * time.Microsecond}, true}, // 156 octets take 124.8 us
		{"slower than the link", Link{Rate: 10e6}, traffic.Workload{Messages: 16, Size: 90, Interval: 126 * time.Microsecond}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := test.link.fills(test.w); got != test.want {
				t.Errorf("got %v", got)
			}
		})
	}
}

// 10 Mb/s is reached by any machine, a terabit by none.
func TestRateThatIsNotReached(t *testing.T) {
	e := thread()
	e.Transports, e.Optional = []string{"udp"}, nil
	e.Workloads[0].Messages = 200
	fast := e.Links[0]
	fast.Rate = 1e12
	e.Links = append(e.Links, fast)
	_, m := record(t, e)
	if len(m.Warnings) != 1 || m.Warnings[0].Code != "rate_not_reached" || m.Warnings[0].Count != 1 {
		t.Errorf("warnings: %+v", m.Warnings)
	}
	if rate := m.Workloads[0].Transports[0].Trials[0].WireBitsPerSecond; rate > 10.001e6 {
		t.Errorf("10 Mb/s carried %f b/s", rate)
	}
}

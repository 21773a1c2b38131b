package capture

import (
	"testing"
	"time"

	"wiretax/capture/traffic"
)

// What a burst of UDP waited was measured with --nic-queue, where the kernel itself makes the sender wait: as long.
func TestSendBuffer(t *testing.T) {
	for _, tt := range []struct {
		name   string
		size   int
		rate   int64
		frames int64
		each   time.Duration
	}{
		{"small datagrams", 90, 10e6, 278, 124800 * time.Nanosecond},
		{"full ones", 1472, 10e6, 93, 1230400 * time.Nanosecond},
		{"fragments", 4096, 10e6, 93, 1252800 * time.Nanosecond},
		{"no rate", 90, 0, 278, 0},
	} {
		l := Link{Rate: tt.rate, MTU: 1500}
		if frames, each := l.sendBuffer(traffic.Workload{Messages: 1, Size: tt.size}); frames != tt.frames || each.Round(time.Nanosecond) != tt.each {
			t.Errorf("%s: %d frames, %v each, want %d and %v", tt.name, frames, each, tt.frames, tt.each)
		}
	}
}

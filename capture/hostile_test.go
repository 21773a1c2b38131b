package capture

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"wiretax/capture/live"
	"wiretax/capture/traffic"
)

// TestSegmentsOfAnotherHost: who has the key may send null for a socket.
func TestSegmentsOfAnotherHost(t *testing.T) {
	var o traffic.Outcome
	if err := json.Unmarshal([]byte(`{"Receivers":[null,{"SegsOut":3,"SegsIn":2,"TotalRetrans":1}]}`), &o); err != nil {
		t.Fatal(err)
	}
	if out, in, retrans := segments(o.Receivers); out != 3 || in != 2 || retrans != 1 {
		t.Errorf("%d out, %d in, %d retransmitted", out, in, retrans)
	}
}

// TestFramesOfAnotherHostAreBounded: it can send to the test port, and be answered with RSTs, for as long as a session lasts.
func TestFramesOfAnotherHostAreBounded(t *testing.T) {
	near, far := net.HardwareAddr{2, 0, 0, 0, 0, 1}, net.HardwareAddr{2, 0, 0, 0, 0, 2}
	o := newObserver(near)
	o.limit, o.arrived = 1000, &store{limit: 1000}
	v := &vantage{observer: o}
	datagram := append(append(append([]byte{}, far...), near...), 0x08, 0, 0x45, 0, 0, 29, 0, 0, 0, 0, 64, 17)
	datagram = append(datagram, bytes.Repeat([]byte{1}, 42-len(datagram)+1)...)
	answer := append(append(append([]byte{}, near...), far...), datagram[12:]...)
	for range 100 {
		o.frame(live.Frame{Data: datagram, WireLen: len(datagram)})
		o.frame(live.Frame{Data: answer, WireLen: len(answer)})
	}
	if len(o.arena) > 1000 || len(o.arrived.arena) > 1000 || len(o.passages) > 0 {
		t.Errorf("%d octets sent, %d arrived, %d passages are kept", len(o.arena), len(o.arrived.arena), len(o.passages))
	}
	if _, _, err := v.frames(); err == nil {
		t.Error("frames that were not kept are missed by nobody")
	}
	o.reset()
	o.arrived.reset()
	o.frame(live.Frame{Data: datagram, WireLen: len(datagram)})
	if sent, _, err := v.frames(); err != nil || len(sent) != 1 {
		t.Errorf("behind a reset: %d frames, %v", len(sent), err)
	}
}

func TestLimitsAreOfMemoryToo(t *testing.T) {
	sizes, err := traffic.ParseSizes("bimodal:8:16777216:1")
	if err != nil {
		t.Fatal(err)
	}
	l := Limits{Bytes: 1e9, Duration: time.Hour, Rate: 100e6}
	for name, c := range map[string]struct {
		workload traffic.Workload
		want     string
	}{
		"few":                            {traffic.Workload{Messages: 256, Sizes: sizes, Connections: 2}, ""},
		"large messages that never come": {traffic.Workload{Messages: 256, Sizes: sizes, Connections: 256}, "larger than"},
		"a schedule":                     {scheduled([]int32{9, 1000}, 0, 1e6), ""},
		"a schedule that is too long":    {scheduled([]int32{9, 9}, 0, int64(2*time.Hour)), "longer than"},
		"a schedule that is too fast":    {scheduled([]int32{9, 16000}, 0, 1e6), "more than"},
		"a schedule that is too large":   {scheduled(slices.Repeat([]int32{16 << 20}, 100), make([]int64, 100)...), "larger than"},
		"a schedule of an empty message": {scheduled([]int32{9, 0}, 0, 1), "message size"},
	} {
		t.Run(name, func(t *testing.T) {
			err := l.allow(c.workload, request{Transport: "tcp", Rounds: 1}, 4)
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %q", err, c.want)
			}
		})
	}
}

func scheduled(sizes []int32, due ...int64) traffic.Workload {
	return traffic.Workload{Messages: len(sizes), Schedule: &traffic.Schedule{Sizes: sizes, Due: due}}
}

func TestScheduleOfAnotherHost(t *testing.T) {
	message := func(size uint32, due uint64) []byte {
		return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint32(nil, size), due)
	}
	for name, c := range map[string]struct {
		b    []byte
		want string
	}{
		"none":              {nil, ""},
		"two":               {append(message(1, 5), message(70000, 5)...), ""},
		"cut off":           {message(1, 5)[:11], "cut off"},
		"going backward":    {append(message(1, 5), message(1, 4)...), "message 2 has 1 bytes and is due at 4 ns"},
		"before the first":  {message(1, 1<<63), "message 1"},
		"of 2 GiB":          {message(1<<31, 0), "message 1"},
		"more than allowed": {bytes.Repeat(message(1, 0), 11), "larger than the 10 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			s := new(traffic.Schedule)
			err := appendSchedule(s, c.b, 10)
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %q", err, c.want)
			}
			if len(s.Sizes) != len(s.Due) || len(s.Sizes) > 10 {
				t.Errorf("%d sizes, %d times", len(s.Sizes), len(s.Due))
			}
		})
	}
	if _, err := (workloadRequest{Workload: traffic.Workload{Messages: 1}, Arrivals: "constant", Schedule: true}).workload(nil); err == nil {
		t.Error("a schedule that nobody told is taken")
	}
}

// TestPace: the rate is that of what the datagrams hold, whatever the messages are on average, and nobody waits for it in vain.
func TestPace(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	room := pace(ctx, 1e6, 1500)
	start := time.Now()
	room(0, 0)
	if room(10, 10_000); time.Since(start) < 80*time.Millisecond {
		t.Errorf("10 datagrams of 1000 bytes passed at 1 Mb/s in %v", time.Since(start))
	}
	time.AfterFunc(20*time.Millisecond, cancel)
	if room(1e6, 1e15); time.Since(start) > 5*time.Second {
		t.Errorf("an interrupted run waited for %v", time.Since(start))
	}
	if pace(ctx, 0, 1500) != nil {
		t.Error("no limit is one")
	}
}

func TestTestPort(t *testing.T) {
	for _, c := range []struct {
		asked   uint16
		control int
		want    uint16 // 0: an error
	}{{0, 5238, 5239}, {0, 65534, 65535}, {0, 65535, 0}, {6000, 65535, 6000}, {6000, 6000, 0}} {
		if got, err := testPort(c.asked, c.control); got != c.want || (err == nil) != (c.want != 0) {
			t.Errorf("test port %d, control %d: %d, %v", c.asked, c.control, got, err)
		}
	}
}

// TestLinkLocalAddressesHaveNoZoneInFrames: the control connection's have one, interfaces and filters know none.
func TestLinkLocalAddressesHaveNoZoneInFrames(t *testing.T) {
	a, b := netip.MustParseAddr("fe80::1%eth0"), netip.MustParseAddr("fe80::2%eth0")
	if filter := between(a, b, 5239); strings.Contains(filter, "%") {
		t.Errorf("filter %s", filter)
	}
}

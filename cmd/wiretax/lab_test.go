package main

import (
	"context"
	"testing"
	"time"

	"wiretax/analyze"
	"wiretax/capture"
	"wiretax/capture/lab"
	"wiretax/capture/traffic"
)

// measure runs the experiment and analyses what it recorded.
func measure(t *testing.T, e capture.Experiment) *analyze.Run {
	t.Helper()
	needLab(t)
	dir := t.TempDir()
	e.Version = version
	if err := capture.Record(context.Background(), e, dir, func(capture.Progress) {}); err != nil {
		t.Fatal(err)
	}
	r, err := loadRun(context.Background(), dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range r.Workloads {
		for _, transport := range w.Transports {
			for i, trial := range transport.Trials {
				if !trial.Verified() {
					t.Errorf("%s, trial %d of %d x %d: %v, drops %v", transport.Name, i+1, w.Messages, w.Size, trial.Witnesses.Disagree, trial.Drops)
				}
			}
		}
	}
	return r
}

// The kernel knows how many segments it made of what it handed to the interface as one.
func TestExpandedSuperFramesAreTheSegmentsOfTCPInfo(t *testing.T) {
	for _, ip := range []int{4, 6} {
		r := measure(t, capture.Experiment{
			Workloads: []traffic.Workload{
				{Messages: 16, Size: 90}, {Messages: 1, Size: 1 << 20}, {Messages: 4, Size: 1 << 20}, {Messages: 50, Size: 4000},
			},
			Transports: []string{"tcp", "tcp-nodelay", "tcp-cork"}, Trials: 2,
			Links: []capture.Link{{MTU: 1500, IP: ip, CongestionControl: "reno"}}, Devices: lab.Veth, KeepOffloads: true,
		})
		frames := r.Workloads[1].Transports[0].Trials[0]
		if frames.DataFrames < 1<<20/1460 {
			t.Errorf("IPv%d: 1 MiB in %d data frames: super-frames were not expanded", ip, frames.DataFrames)
		}
	}
}

func TestLostFramesAreRetransmittedAndCountedOnce(t *testing.T) {
	const messages, size = 200, 90
	r := measure(t, capture.Experiment{
		Workloads:  []traffic.Workload{{Messages: messages, Size: size}},
		Transports: []string{"udp", "tcp", "tcp-nodelay", "tcp-cork"}, Trials: 6, Seed: 7,
		Links: []capture.Link{{Rate: 10e6, RTT: time.Millisecond, Loss: 0.02, MTU: 1500, IP: 4, CongestionControl: "reno"}},
	})
	retransmitted := int64(0)
	for _, transport := range r.Workloads[0].Transports {
		for i, trial := range transport.Trials {
			if trial.UniquePayloadBytes != messages*size { // a lost datagram was on the wire too
				t.Errorf("%s, trial %d: %d octets of unique payload, want %d", transport.Name, i+1, trial.UniquePayloadBytes, messages*size)
			}
			if transport.Name == "udp" {
				continue
			}
			d := trial.Witnesses.Detail
			if kernel := d["sender_tcp_info_retrans"] + d["receiver_tcp_info_retrans"]; kernel != trial.RetransmitFrames {
				t.Errorf("%s, trial %d: %d frames retransmitted, TCP_INFO %d", transport.Name, i+1, trial.RetransmitFrames, kernel)
			}
			retransmitted += trial.RetransmitFrames
		}
	}
	if retransmitted == 0 {
		t.Error("nothing retransmitted on a link that loses 2 % of the frames")
	}
}

package analyze

import (
	"math"

	"wiretax/analyze/stats"
)

// trialFigures are the figures of a trial that have a summary, by their JSON name.
var trialFigures = []struct {
	name  string
	value func(*Trial) float64
}{
	{"frames", func(t *Trial) float64 { return float64(t.Frames) }},
	{"data_frames", func(t *Trial) float64 { return float64(t.DataFrames) }},
	{"ack_frames", func(t *Trial) float64 { return float64(t.AckFrames) }},
	{"setup_frames", func(t *Trial) float64 { return float64(t.SetupFrames) }},
	{"teardown_frames", func(t *Trial) float64 { return float64(t.TeardownFrames) }},
	{"retransmit_frames", func(t *Trial) float64 { return float64(t.RetransmitFrames) }},
	{"probe_frames", func(t *Trial) float64 { return float64(t.ProbeFrames) }},
	{"other_frames", func(t *Trial) float64 { return float64(t.OtherFrames) }},
	{"payload_bytes", func(t *Trial) float64 { return float64(t.PayloadBytes) }},
	{"unique_payload_bytes", func(t *Trial) float64 { return float64(t.UniquePayloadBytes) }},
	{"security_bytes", func(t *Trial) float64 { return float64(t.SecurityBytes) }},
	{"header_bytes", func(t *Trial) float64 { return float64(t.HeaderBytes) }},
	{"wire_bytes", func(t *Trial) float64 { return float64(t.WireBytes) }},
	{"header_bytes_per_payload_byte", func(t *Trial) float64 { return float64(t.HeaderBytesPerPayloadByte) }},
	{"wire_overhead_per_payload_byte", func(t *Trial) float64 { return float64(t.WireOverheadPerPayload) }},
	{"efficiency", func(t *Trial) float64 { return float64(t.Efficiency) }},
	{"messages_per_data_frame", func(t *Trial) float64 { return float64(t.MessagesPerDataFrame) }},
	{"frames_saved", func(t *Trial) float64 { return float64(t.FramesSaved) }},
	{"data_frames_saved", func(t *Trial) float64 { return float64(t.DataFramesSaved) }},
	{"send_calls", func(t *Trial) float64 { return float64(t.SendCalls) }},
	{"recv_calls", func(t *Trial) float64 { return float64(t.RecvCalls) }},
	{"messages_delivered", func(t *Trial) float64 { return float64(t.MessagesDelivered) }},
	{"auto_corked", func(t *Trial) float64 { return float64(t.AutoCorked) }},
	{"latency_p50", func(t *Trial) float64 { return float64(t.Latency.P50) }},
	{"latency_p99", func(t *Trial) float64 { return float64(t.Latency.P99) }},
	{"latency_max", func(t *Trial) float64 { return float64(t.Latency.Max) }},
	{"latency_from_due_p50", func(t *Trial) float64 { return float64(t.fromDue().P50) }},
	{"latency_from_due_p99", func(t *Trial) float64 { return float64(t.fromDue().P99) }},
	{"latency_from_due_max", func(t *Trial) float64 { return float64(t.fromDue().Max) }},
	{"cpu_sender_per_message", func(t *Trial) float64 { return float64(t.perMessage().Sender) }},
	{"cpu_receiver_per_message", func(t *Trial) float64 { return float64(t.perMessage().Receiver) }},
	{"sender_residence_p50", func(t *Trial) float64 { return float64(t.residence().Sender.P50) }},
	{"sender_residence_p99", func(t *Trial) float64 { return float64(t.residence().Sender.P99) }},
	{"sender_residence_max", func(t *Trial) float64 { return float64(t.residence().Sender.Max) }},
	{"receiver_residence_p50", func(t *Trial) float64 { return float64(t.residence().Receiver.P50) }},
	{"receiver_residence_p99", func(t *Trial) float64 { return float64(t.residence().Receiver.P99) }},
	{"receiver_residence_max", func(t *Trial) float64 { return float64(t.residence().Receiver.Max) }},
	{"duration_seconds", func(t *Trial) float64 { return t.DurationSeconds }},
}

// summarise gives the summary of every figure by its JSON name. A ratio over nothing takes no part; a figure that no trial
// has is null and not exact.
func summarise(trials []Trial) map[string]Summary {
	summaries := make(map[string]Summary, len(trialFigures))
	for _, f := range trialFigures {
		values := make([]float64, 0, len(trials))
		for i := range trials {
			if v := f.value(&trials[i]); !math.IsNaN(v) {
				values = append(values, v)
			}
		}
		summaries[f.name] = summary(values)
	}
	return summaries
}

func summary(values []float64) Summary {
	lo, hi := stats.Range(values)
	s := Summary{Median: Ratio(stats.Median(values)), Min: Ratio(lo), Max: Ratio(hi), Exact: stats.Exact(values)}
	if lo, hi, ok := stats.MedianInterval(values); ok {
		s.CI95 = &[2]Ratio{Ratio(lo), Ratio(hi)}
	}
	return s
}

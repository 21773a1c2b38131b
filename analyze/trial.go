package analyze

import (
	"strings"
	"time"
)

// Count fills the figures that the capture of a trial gives. Only the flows of the transport at the receiver's port are
// the workload's, connections of several subflows included; all other frames of the capture are OtherFrames.
func (t *Trial) Count(r *Result, transport string) {
	var sum Direction
	var first, last time.Time
	for i := range r.Flows {
		if f := &r.Flows[i]; t.owns(f, transport) {
			sum.add(&f.AB)
			sum.add(&f.BA)
			first, last = widen(first, last, f)
		}
	}
	t.Span = last.Sub(first)
	t.Frames, t.DataFrames, t.AckFrames = sum.Frames, sum.DataFrames, sum.AckFrames
	t.SetupFrames, t.TeardownFrames = sum.SetupFrames, sum.TeardownFrames
	t.RetransmitFrames, t.ProbeFrames = sum.Retransmissions, sum.ProbeFrames
	t.OtherFrames = r.Totals.Frames - sum.Frames
	t.PayloadBytes, t.UniquePayloadBytes = sum.PayloadBytes, sum.UniquePayloadBytes
	t.HeaderBytes, t.WireBytes = sum.HeaderBytes, sum.WireBytes
	t.secure(transport)
	t.HeaderBytesPerPayloadByte = Over(t.HeaderBytes, t.UniquePayloadBytes)
	t.WireOverheadPerPayload = Over(t.WireBytes-t.UniquePayloadBytes, t.UniquePayloadBytes)
	t.Efficiency = Over(t.UniquePayloadBytes, t.WireBytes)
	t.confront(r.Totals.Records)
}

// widen stretches a span of time over a flow's, where its capture has times.
func widen(first, last time.Time, f *Flow) (time.Time, time.Time) {
	if from, err := time.Parse(time.RFC3339Nano, f.First); err == nil && (first.IsZero() || from.Before(first)) {
		first = from
	}
	if to, err := time.Parse(time.RFC3339Nano, f.Last); err == nil && to.After(last) {
		last = to
	}
	return first, last
}

// secure gives the octets that TLS or QUIC added above the transport header their own owner. A capture cannot tell them from
// the application's, all being ciphertext; the application can: what the capture counted as unique payload, less what the
// application offered, is handshake, record and packet headers, authentication tags, padding, acknowledgments and, of QUIC,
// what it sent again. Payload then means the application's bytes, as over any other transport.
func (t *Trial) secure(transport string) {
	t.SecurityBytes = 0
	if !secured(transport) || t.ApplicationBytes.Offered == 0 {
		return
	}
	t.SecurityBytes = t.UniquePayloadBytes - t.ApplicationBytes.Offered
	t.PayloadBytes -= t.SecurityBytes
	t.UniquePayloadBytes -= t.SecurityBytes
	t.HeaderBytes += t.SecurityBytes
}

// owns reports whether the flow is the workload's.
func (t *Trial) owns(f *Flow, transport string) bool {
	return f.Proto == protocolOf(transport) && (f.APort == t.Port || f.BPort == t.Port)
}

// secured reports whether a transport encrypts.
func secured(transport string) bool {
	return strings.HasPrefix(transport, "tls") || strings.HasPrefix(transport, "quic")
}

// protocolOf is the protocol that a transport's frames show: QUIC travels in UDP, TLS and MPTCP in TCP.
func protocolOf(transport string) string {
	if strings.HasPrefix(transport, "udp") || strings.HasPrefix(transport, "quic") {
		return "udp"
	}
	return "tcp"
}

func (d *Direction) add(o *Direction) {
	d.Records += o.Records
	d.Frames += o.Frames
	d.DataFrames += o.DataFrames
	d.PayloadBytes += o.PayloadBytes
	d.UniquePayloadBytes += o.UniquePayloadBytes
	d.HeaderBytes += o.HeaderBytes
	d.WireBytes += o.WireBytes
	d.AckFrames += o.AckFrames
	d.SetupFrames += o.SetupFrames
	d.TeardownFrames += o.TeardownFrames
	d.ProbeFrames += o.ProbeFrames
	d.Retransmissions += o.Retransmissions
}

// baseName is the transport that the others are compared with, where it was measured.
const baseName = "udp"

// Complete adds what follows from the counted trials: frames saved against the base, messages a data frame, the summary of
// every figure, what the saving costs, the break-even with the base, and warnings. Base is the transport udp, else the first; a trial is
// compared with the base's trial of the same number, with the base's in turn where it has fewer: no single one of them decides.
func (r *Run) Complete() {
	for i := range r.Workloads {
		w := &r.Workloads[i]
		w.Link = r.LinkOf(w)
		base := w.base()
		for j := range w.Transports {
			t := &w.Transports[j]
			for n := range t.Trials {
				trial := &t.Trials[n]
				trial.MessagesPerDataFrame = Over(int64(w.Messages), trial.DataFrames)
				if c, n := trial.CPU, Ratio(w.Messages); c != nil {
					trial.CPUPerMessage = &CPUPerMessage{c.Sender / n, c.Receiver / n}
				}
				if of := len(base.Trials); of > 0 {
					b := &base.Trials[n%of]
					trial.FramesSaved = b.Frames - trial.Frames
					trial.DataFramesSaved = b.DataFrames - trial.DataFrames
				}
			}
			t.Summary = summarise(t.Trials)
		}
		if base != nil {
			w.price(base)
		}
		for j := range w.Transports {
			if t := &w.Transports[j]; t != base {
				t.compareWith(base)
				t.BreakEven = w.breakEven(base, t, r.LinkOf(w))
			}
		}
		w.addCauses()
		w.addBest()
	}
	r.addTheory()
	r.addConfidence()
	r.addClaims()
	r.addNeedlessRetransmissions()
	r.addDistrust()
	r.Trust = r.trust()
}

// base is the transport that the others are compared with; nil without any.
func (w *Workload) base() *Transport {
	for i := range w.Transports {
		if w.Transports[i].Name == baseName {
			return &w.Transports[i]
		}
	}
	if len(w.Transports) == 0 {
		return nil
	}
	return &w.Transports[0]
}

package main

import (
	"path/filepath"
	"testing"
)

// The stored trials of 16 messages of 90 B over TLS and QUIC were counted by hand, from the lengths that tshark shows of each
// frame (frame.len, tcp.len, udp.length). Of the stream of TLS it is all explained:
//
//	handshake of the client      1448 + 31 + 64 octets
//	handshake of the server      1448 + 316
//	16 records                   16 * (90 + 22): header 5, content type 1, tag 16 (RFC 8446 section 5.2)
//	two records of close_notify  2 * (2 + 22)
func TestSecurityBytesAreThoseOfAHandCount(t *testing.T) {
	const application = 16 * 90
	r, err := loadRun(t.Context(), filepath.Join("..", "..", "testdata", "security"))
	if err != nil {
		t.Fatal(err)
	}
	byHand := map[string]struct{ frames, lengths, transportPayload, wire int64 }{
		"udp":           {16, 16 * 132, application, 2496},
		"tls":           {30, 1996 + 5147, 1448 + 31 + 64 + 1448 + 316 + 16*(90+22) + 2*(2+22), 7863},
		"quic-stream":   {14, 588 + 7789, 7789, 8713},
		"quic-datagram": {12, 504 + 7784, 7784, 8576},
	}
	if n := len(r.Workloads[0].Transports); n != len(byHand) {
		t.Fatalf("%d transports, want %d", n, len(byHand))
	}
	for _, transport := range r.Workloads[0].Transports {
		want, got := byHand[transport.Name], transport.Trials[0]
		if got.Frames != want.frames || got.WireBytes != want.wire || got.PayloadBytes+got.HeaderBytes != want.lengths {
			t.Errorf("%s: %d frames of %d octets, %d on the wire, want %d, %d, %d", transport.Name,
				got.Frames, got.PayloadBytes+got.HeaderBytes, got.WireBytes, want.frames, want.lengths, want.wire)
		}
		if got.UniquePayloadBytes != application || got.SecurityBytes != want.transportPayload-application {
			t.Errorf("%s: payload %d, security %d, want %d and %d", transport.Name,
				got.UniquePayloadBytes, got.SecurityBytes, application, want.transportPayload-application)
		}
	}
}

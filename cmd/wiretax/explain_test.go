package main

import (
	"slices"
	"strings"
	"testing"
)

func TestTermsIn(t *testing.T) {
	for words, want := range map[string]string{
		"p50 eff.":               "p50|eff.",
		"frames saved":           "frames saved",
		"p50 frames saved trust": "p50|frames saved|trust",
		"star rtt latency":       "star|rtt|latency",
		"frames savd":            "frames savd",
		"p50 florp":              "florp",
		"florp p50":              "florp",
	} {
		if got := termsIn(strings.Fields(words)); !slices.Equal(got, strings.Split(want, "|")) {
			t.Errorf("%s: %q", words, got)
		}
	}
}

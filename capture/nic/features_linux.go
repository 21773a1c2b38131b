package nic

import (
	"fmt"
	"maps"
	"slices"

	"github.com/safchain/ethtool"
)

// superFrames are the features that let a capture on this host show several frames of the wire as one record, by the kernel's
// names (net/ethtool/common.c): segmentation behind the capture, and reassembly in front of it. ethtool -K tso gso gro lro off
// leaves UDP's.
var superFrames = []string{
	"tx-tcp-segmentation", "tx-tcp-ecn-segmentation", "tx-tcp-accecn-segmentation", "tx-tcp-mangleid-segmentation", "tx-tcp6-segmentation",
	"tx-udp-segmentation", "tx-generic-segmentation",
	"rx-gro", "rx-gro-hw", "rx-lro", "rx-gro-list", "rx-udp-gro-forwarding",
}

// Offloads reads which of the features that make super-frames are on. What the kernel does not know is left out.
func Offloads(name string) (map[string]bool, error) {
	all, err := features(name)
	if err != nil {
		return nil, err
	}
	return offloads(all), nil
}

func offloads(all map[string]bool) map[string]bool {
	on := make(map[string]bool)
	for _, f := range superFrames {
		if v, known := all[f]; known {
			on[f] = v
		}
	}
	return on
}

// features are all features of the interface, by the kernel's names.
func features(name string) (map[string]bool, error) {
	e, err := ethtool.NewEthtool()
	if err != nil {
		return nil, fmt.Errorf("open ethtool: %w", err)
	}
	defer e.Close()
	all, err := e.Features(name)
	if err != nil {
		return nil, fmt.Errorf("read features of %s: %w", name, err)
	}
	return all, nil
}

// setFeatures asks for the features given and returns those that are not as asked afterwards: a driver may ignore a request,
// and the kernel does not say so.
func setFeatures(name string, want map[string]bool) (refused []string, err error) {
	if len(want) == 0 {
		return nil, nil
	}
	e, err := ethtool.NewEthtool()
	if err != nil {
		return nil, fmt.Errorf("open ethtool: %w", err)
	}
	defer e.Close()
	if err := e.Change(name, want); err != nil {
		return nil, fmt.Errorf("set features of %s: %w", name, err)
	}
	now, err := e.Features(name)
	if err != nil {
		return nil, fmt.Errorf("read features of %s: %w", name, err)
	}
	for _, f := range slices.Sorted(maps.Keys(want)) {
		if now[f] != want[f] {
			refused = append(refused, f)
		}
	}
	return refused, nil
}

// plainFrames switches off what makes super-frames and returns what stayed on all the same.
func plainFrames(name string) (stayed []string, err error) {
	all, err := features(name)
	if err != nil {
		return nil, err
	}
	off := make(map[string]bool)
	for _, f := range superFrames {
		if all[f] {
			off[f] = false
		}
	}
	return setFeatures(name, off)
}

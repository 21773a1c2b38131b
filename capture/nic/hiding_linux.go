package nic

// hidingAlone are the features that make super-frames without any other. Generic segmentation happens before the capture where
// the interface itself segments nothing; the rest of superFrames only says which packets those here take too.
var hidingAlone = []string{"tx-tcp-segmentation", "tx-tcp6-segmentation", "tx-udp-segmentation", "rx-gro", "rx-gro-hw", "rx-lro", "rx-gro-list"}

// Hiding returns those features of Offloads that by themselves let a capture show super-frames, on or off.
func Hiding(offloads map[string]bool) map[string]bool {
	some := make(map[string]bool)
	for _, name := range hidingAlone {
		if on, known := offloads[name]; known {
			some[name] = on
		}
	}
	return some
}

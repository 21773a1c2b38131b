package flow

import (
	"testing"
	"unsafe"
)

func TestAFlowFillsThreeCacheLines(t *testing.T) {
	if got := unsafe.Sizeof(Flow{}); got != 192 {
		t.Errorf("a flow takes %d octets, want 192", got)
	}
}

package stats

import "testing"

func TestMedianDifference(t *testing.T) {
	for _, tt := range []struct {
		name   string
		a, b   []float64
		lo, hi float64
		clear  bool
		ok     bool
	}{
		{"the same everywhere", []float64{9, 9, 9, 9, 9}, []float64{9, 9, 9, 9, 9}, 0, 0, false, true},
		{"two constants", []float64{9, 9, 9, 9, 9}, []float64{27, 27, 27, 27, 27}, -18, -18, true, true},
		{"apart", []float64{1, 2, 3, 4, 5}, []float64{11, 12, 13, 14, 15}, -13, -7, true, true},
		{"one value of the other's range", []float64{1, 2, 3, 4, 12}, []float64{11, 12, 13, 14, 15}, -13, -1, false, true},
		{"mixed", []float64{1, 3, 5, 7, 9}, []float64{2, 4, 6, 8, 10}, -7, 5, false, true},
		{"too few", []float64{1, 2}, []float64{11, 12, 13}, 0, 0, false, false},
	} {
		d, ok := MedianDifference(tt.a, tt.b)
		if ok != tt.ok || d.Clear != tt.clear {
			t.Errorf("%s: %+v (%v), want clear %v (%v)", tt.name, d, ok, tt.clear, tt.ok)
		}
		if d.Lo != tt.lo || d.Hi != tt.hi {
			t.Errorf("%s: %g..%g, want %g..%g", tt.name, d.Lo, d.Hi, tt.lo, tt.hi)
		}
	}
}

package stats

import (
	"math"
	"testing"
)

func TestMedianRangeExact(t *testing.T) {
	tests := []struct {
		name           string
		values         []float64
		median, lo, hi float64
		exact          bool
	}{
		{"one", []float64{7}, 7, 7, 7, true},
		{"odd, unsorted", []float64{9, 1, 5}, 5, 1, 9, false},
		{"even", []float64{4, 1, 3, 2}, 2.5, 1, 4, false},
		{"all the same", []float64{9, 9, 9, 9, 9}, 9, 9, 9, true},
		{"negative savings", []float64{-22, -20, 7}, -20, -22, 7, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			before := append([]float64(nil), test.values...)
			lo, hi := Range(test.values)
			if m := Median(test.values); m != test.median || lo != test.lo || hi != test.hi || Exact(test.values) != test.exact {
				t.Errorf("got %v [%v..%v] %v", m, lo, hi, Exact(test.values))
			}
			for i := range before {
				if test.values[i] != before[i] {
					t.Fatal("the values were sorted in place")
				}
			}
		})
	}
	lo, hi := Range(nil)
	if m := Median(nil); !math.IsNaN(m) || !math.IsNaN(lo) || !math.IsNaN(hi) || Exact(nil) {
		t.Error("no values: want NaN and not exact")
	}
}

func TestMedianInterval(t *testing.T) {
	if _, _, ok := MedianInterval([]float64{1, 2}); ok {
		t.Error("two values have no interval")
	}
	if lo, hi, ok := MedianInterval([]float64{3, 3, 3}); !ok || lo != 3 || hi != 3 {
		t.Errorf("values that are all 3: got %v..%v %v", lo, hi, ok)
	}
	values := make([]float64, 101)
	for i := range values {
		values[i] = float64(i * 37 % 101)
	}
	lo, hi, ok := MedianInterval(values)
	// The order statistics 41 and 61 of 101 bound the median with 95 % (binomial): the values 40 and 60.
	if !ok || math.Abs(lo-40) > 4 || math.Abs(hi-60) > 4 {
		t.Errorf("0 to 100: got %v..%v, want about 40..60", lo, hi)
	}
	if again, _, _ := MedianInterval(values); again != lo {
		t.Errorf("the same values gave %v and %v", lo, again)
	}
}

package stats

import (
	"math/rand/v2"
	"slices"
)

// Difference is that of two medians.
type Difference struct {
	Lo, Hi float64 // 95 % bootstrap interval
	// Clear says that the difference is larger than the noise: the 99.5 % interval leaves 0 out. Of five values each that takes
	// two groups that do not overlap at all, as chance makes them once in 126 times.
	Clear bool
}

// differenceResamples leave ten values outside a tail of a quarter percent.
const differenceResamples = 4000

// MedianDifference compares the medians of a and b by the percentile bootstrap: both are resampled independently. It is false
// with fewer than three values of either. The same values in the same order give the same answer.
func MedianDifference(a, b []float64) (d Difference, ok bool) {
	if len(a) < minTrials || len(b) < minTrials {
		return d, false
	}
	rng := rand.New(rand.NewPCG(uint64(len(a)), uint64(len(b))))
	differences := make([]float64, differenceResamples)
	sampleA, sampleB := make([]float64, len(a)), make([]float64, len(b))
	for i := range differences {
		differences[i] = resampled(rng, a, sampleA) - resampled(rng, b, sampleB)
	}
	slices.Sort(differences)
	between := func(tail int) (lo, hi float64) { // without so many in ten thousand at either end
		cut := differenceResamples * tail / 10_000
		return differences[cut], differences[len(differences)-1-cut]
	}
	d.Lo, d.Hi = between(250)
	lo, hi := between(25)
	d.Clear = lo > 0 || hi < 0
	return d, true
}

// resampled is the median of as many values drawn with replacement; it uses up the sample.
func resampled(rng *rand.Rand, x, sample []float64) float64 {
	for j := range sample {
		sample[j] = x[rng.IntN(len(x))]
	}
	return medianOf(sample)
}

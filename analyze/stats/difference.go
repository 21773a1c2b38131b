package stats

import (
	"math/rand/v2"
	"slices"
)

// MedianDifferenceInterval returns the 95 % interval of the median of a less that of b by the percentile bootstrap: both are
// resampled independently, 2,000 times. It is false with fewer than three values of either. The same values in the same order
// give the same interval.
func MedianDifferenceInterval(a, b []float64) (lo, hi float64, ok bool) {
	if len(a) < minTrials || len(b) < minTrials {
		return 0, 0, false
	}
	rng := rand.New(rand.NewPCG(uint64(len(a)), uint64(len(b))))
	differences := make([]float64, resamples)
	sampleA, sampleB := make([]float64, len(a)), make([]float64, len(b))
	for i := range differences {
		differences[i] = resampled(rng, a, sampleA) - resampled(rng, b, sampleB)
	}
	slices.Sort(differences)
	return differences[resamples*25/1000], differences[resamples*975/1000-1], true
}

// resampled is the median of as many values drawn with replacement; it uses up the sample.
func resampled(rng *rand.Rand, x, sample []float64) float64 {
	for j := range sample {
		sample[j] = x[rng.IntN(len(x))]
	}
	return medianOf(sample)
}

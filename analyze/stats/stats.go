// Package stats summarises the trials of an experiment: median, range and how sure the median is.
package stats

import (
	"math"
	"math/rand/v2"
	"slices"
)

// Median returns the middle value, the mean of the two middle ones of an even number, NaN of none.
func Median(x []float64) float64 {
	if len(x) == 0 {
		return math.NaN()
	}
	return medianOf(slices.Clone(x))
}

// medianOf sorts x.
func medianOf(x []float64) float64 {
	slices.Sort(x)
	m := len(x) / 2
	if len(x)%2 == 1 {
		return x[m]
	}
	return (x[m-1] + x[m]) / 2
}

// Range returns the smallest and the largest value, NaN of none.
func Range(x []float64) (lo, hi float64) {
	if len(x) == 0 {
		return math.NaN(), math.NaN()
	}
	return slices.Min(x), slices.Max(x)
}

// Exact reports whether there is a value and all are the same.
func Exact(x []float64) bool {
	for _, v := range x {
		if v != x[0] {
			return false
		}
	}
	return len(x) > 0
}

// minTrials is the number of values below which an interval would only repeat the range.
const minTrials = 3

// resamples makes the limits of the interval steady to about one part in a hundred of its width.
const resamples = 2000

// MedianInterval returns the 95 % interval of the median by the percentile bootstrap (Efron, Tibshirani: An Introduction
// to the Bootstrap, 1993, chapter 13): the medians of 2,000 resamples with replacement, without the 2.5 % at either end.
// It is false for fewer than three values. The same values in the same order give the same interval.
func MedianInterval(x []float64) (lo, hi float64, ok bool) {
	if len(x) < minTrials {
		return 0, 0, false
	}
	if Exact(x) {
		return x[0], x[0], true
	}
	rng := rand.New(rand.NewPCG(uint64(len(x)), resamples))
	medians, sample := make([]float64, resamples), make([]float64, len(x))
	for i := range medians {
		for j := range sample {
			sample[j] = x[rng.IntN(len(x))]
		}
		medians[i] = medianOf(sample)
	}
	slices.Sort(medians)
	return medians[resamples*25/1000], medians[resamples*975/1000-1], true
}

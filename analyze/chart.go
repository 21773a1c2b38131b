package analyze

import "time"

// Charts are figures over all records that pictures are drawn from.
type Charts struct {
	Sizes []Group // by size, as View has them
	Times []Group // by time, in steps of Every; steps without records are left out
	Every time.Duration
}

// maxSteps bounds the steps of Charts.Times, from the first to the last.
const maxSteps = 240

// charts collects Charts. The step of time is not known before the last record: it begins short and grows.
type charts struct {
	sizes, times buckets
	first, last  int64 // keys of times
	long         bool  // the step is 2, 20, 200, ... and not 1, 10, 100, ...
}

func newCharts() *charts {
	return &charts{
		sizes: newBuckets(View{By: "size"}),
		times: newBuckets(View{By: "time", Every: 10 * time.Microsecond}),
		first: NoTime,
	}
}

// add counts a record.
func (c *charts) add(v *verdict, d *digest) {
	c.fit(d.nanos)
	c.sizes.add(v, d)
	c.times.add(v, d)
}

// result orders the groups.
func (c *charts) result() *Charts {
	return &Charts{Sizes: c.sizes.list(), Times: c.times.list(), Every: c.times.view.Every}
}

// fit makes the step longer until the records fit into maxSteps. The steps are 1, 2, 10, 20, 100, ...: each a multiple of
// the one before, so that buckets can be joined.
func (c *charts) fit(nanos int64) {
	if nanos == NoTime {
		return
	}
	if c.first == NoTime {
		c.first, c.last = nanos, nanos
	}
	c.first, c.last = min(c.first, nanos), max(c.last, nanos)
	for uint64(c.last)-uint64(c.first) >= uint64(c.times.view.Every)*(maxSteps-1) {
		factor := time.Duration(2)
		if c.long {
			factor = 5
		}
		c.long = !c.long
		c.times.coarsen(factor * c.times.view.Every)
	}
}

// coarsen joins buckets of time.
func (b *buckets) coarsen(every time.Duration) {
	fine := b.sums
	*b = newBuckets(View{By: "time", Every: every})
	for k, sum := range fine {
		key := k - floorMod(k, int64(every))
		if b.sums[key] == nil {
			b.sums[key] = sum
		} else {
			b.sums[key].Add(sum)
		}
	}
}

// merge adds what o has collected.
func (c *charts) merge(o *charts) {
	if o.first != NoTime {
		c.fit(o.first)
		c.fit(o.last)
		o.fit(c.first)
		o.fit(c.last)
	}
	c.sizes.merge(&o.sizes)
	c.times.merge(&o.times)
}

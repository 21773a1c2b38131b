package wire

import "math/rand/v2"

// queueBytes bounds what one direction keeps on the way, so that a flood ends in counted losses and not in the end of the
// machine's memory.
const queueBytes = 512 << 20

// queue holds the frames on the way in the order of their arrival. Because the delay is the same for all of them, that is
// also the order in which they are due.
type queue struct {
	frames []travelling // ring
	first  int
	n      int
	bytes  int
	spare  [][]byte // buffers of delivered frames
}

type travelling struct {
	due   int64 // picoseconds of the relay's clock
	frame []byte
}

func (q *queue) len() int { return q.n }

// push copies the frame to the end; false when there is no room.
func (q *queue) push(due int64, frame []byte) bool {
	if q.bytes+len(frame) > queueBytes {
		return false
	}
	if q.n == len(q.frames) {
		q.grow()
	}
	q.frames[(q.first+q.n)%len(q.frames)] = travelling{due, append(q.buffer(len(frame)), frame...)}
	q.n++
	q.bytes += len(frame)
	return true
}

func (q *queue) front() (due int64, frame []byte) {
	t := q.frames[q.first]
	return t.due, t.frame
}

func (q *queue) pop() {
	t := &q.frames[q.first]
	q.bytes -= len(t.frame)
	if len(q.spare) < spareBuffers {
		q.spare = append(q.spare, t.frame[:0])
	}
	*t = travelling{}
	q.first = (q.first + 1) % len(q.frames)
	q.n--
}

func (q *queue) grow() {
	frames := make([]travelling, max(64, 2*len(q.frames)))
	for i := range q.n {
		frames[i] = q.frames[(q.first+i)%len(q.frames)]
	}
	q.frames, q.first = frames, 0
}

// spareBuffers bounds the buffers kept for reuse.
const spareBuffers = 256

func (q *queue) buffer(size int) []byte {
	if last := len(q.spare) - 1; last >= 0 && cap(q.spare[last]) >= size {
		b := q.spare[last]
		q.spare = q.spare[:last]
		return b
	}
	return make([]byte, 0, max(size, 256))
}

// dice decides which frames are lost. The n-th frame of a direction has the same fate for the same seed.
type dice struct{ source *rand.PCG }

func newDice(seed, direction uint64) dice { return dice{rand.NewPCG(seed, direction)} }

func (d dice) lose(probability float64) bool {
	// 53 bits make every float64 in [0,1) equally likely (math/rand/v2 Float64 does the same).
	return float64(d.source.Uint64()<<11>>11)/(1<<53) < probability
}

package peer

import (
	"testing"
	"time"
)

func TestSet(t *testing.T) {
	a := Offset{Monotonic: time.Hour, Real: 3 * time.Millisecond, Uncertainty: 50 * time.Millisecond}
	for _, c := range []struct {
		name            string
		monotonic, real time.Duration // moved meanwhile
		want            bool
	}{
		{"nothing moved", 0, 0, false},
		{"slewed", 5 * time.Millisecond, 5 * time.Millisecond, false},
		{"read a little later", 0, 90 * time.Microsecond, false},
		{"set ahead by less than the way there and back takes", 0, 20 * time.Millisecond, true},
		{"set back", time.Millisecond, -time.Second, true},
	} {
		b := Offset{a.Monotonic + c.monotonic, a.Real + c.real, a.Uncertainty}
		if got := Set(a, b); got != c.want {
			t.Errorf("%s: %t", c.name, got)
		}
	}
}

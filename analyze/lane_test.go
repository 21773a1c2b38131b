package analyze

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"
	"unsafe"

	"wiretax/analyze/frame"
)

// batches gives records in batches of random length, some of them empty.
type batches struct {
	records []*Record
	rng     *rand.Rand
	err     error // at the end; nil for io.EOF
}

func (b *batches) Next(int) ([]*Record, error) {
	if len(b.records) == 0 {
		if b.err != nil {
			return nil, b.err
		}
		return nil, io.EOF
	}
	n := min(b.rng.IntN(60), len(b.records))
	batch := b.records[:n]
	b.records = b.records[n:]
	return batch, nil
}

// records is random traffic with jumbo handshakes, fragments, super-frames, copies, several interfaces and link types, times
// that go backward or are missing, and damage.
func records(seed uint64, n int) []*Record {
	rng := rand.New(rand.NewPCG(seed, 1))
	var list []*Record
	at := time.Duration(0)
	for _, p := range traffic(seed, 100, n) {
		at += time.Duration(rng.IntN(40)-4) * ms
		p.at, p.iface, p.v6 = at, int32(rng.IntN(3)), p.v6 || p.fragment == 0 && rng.IntN(4) == 0
		if rng.IntN(50) == 0 {
			p.raw, p.vlan = true, 0
		}
		r := p.record()
		switch rng.IntN(40) {
		case 0:
			r.Nanos = NoTime
		case 1:
			r.Data = r.Data[:rng.IntN(len(r.Data))]
		case 2:
			for range 3 {
				r.Data[rng.IntN(len(r.Data))] = byte(rng.Uint32())
			}
		case 3:
			again := *r
			again.Nanos += 1000
			list = append(list, &again)
		case 4:
			for _, p := range opened(8960, 8960) {
				p.port, p.at = uint16(rng.IntN(9)), at
				list = append(list, p.record())
			}
		}
		list = append(list, r)
	}
	return list
}

// outcome is the JSON of an analysis with its rows.
func outcome(t *testing.T, o Options, list []*Record, lanes int) string {
	t.Helper()
	rows := []FrameRow{}
	o.EachFrame = func(r FrameRow) error { rows = append(rows, r); return nil }
	return outcomeWith(t, o, &rows, list, lanes)
}

func outcomeWith(t *testing.T, o Options, rows *[]FrameRow, list []*Record, lanes int) string {
	t.Helper()
	a := New(o)
	if err := a.Take(&batches{records: list, rng: rand.New(rand.NewPCG(uint64(lanes), 2))}, lanes); err != nil {
		t.Fatal(err)
	}
	r := a.Result()
	if rows != nil {
		r.Frames = *rows
		checkLaws(t, r)
	}
	b, err := json.MarshalIndent(struct {
		*Result
		Charts *Charts
	}{r, r.Charts}, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestTheNumberOfLanesChangesNothing(t *testing.T) {
	for _, o := range []Options{
		{FrameOwners: true, Charts: true},
		{AsEthernet: true, View: View{By: "size"}},
		{MTU: 1000, View: View{By: "host"}},
		{View: View{By: "time"}, Charts: true},
		{View: View{By: "protocol"}, MaxFlows: 7},
		{View: View{By: "flow"}, MaxFlows: fewFlows},
	} {
		list := records(uint64(o.MTU+len(o.View.By)), 1500)
		for i := 3; i < len(list); i += 7 {
			list[i] = nil
		}
		want := outcome(t, o, list, 1)
		for _, lanes := range []int{2, 3, 8} {
			if got := outcome(t, o, list, lanes); got != want {
				t.Errorf("%+v: %d lanes: %s", o, lanes, firstDifference(got, want))
			}
		}
	}
}

// Without rows plain frames take the short way.
func TestRowsChangeNothing(t *testing.T) {
	for seed := range uint64(4) {
		list := records(seed, 1500)
		o := Options{MTU: []int{0, 1000}[seed%2], Charts: true}
		if got, want := outcomeWith(t, o, nil, list, 2), outcomeWith(t, rowless(o), nil, list, 2); got != want {
			t.Errorf("%+v: %s", o, firstDifference(got, want))
		}
	}
}

// rowless makes rows that nobody keeps.
func rowless(o Options) Options {
	o.EachFrame = func(FrameRow) error { return nil }
	return o
}

func TestRecordsThatAreNotAnalysedCountInTheNumbers(t *testing.T) {
	list := records(5, 300)
	var want, got []int64
	for i := range list {
		if i%3 == 0 {
			list[i] = nil
		} else {
			want = append(want, int64(i+1))
		}
	}
	a := New(Options{EachFrame: func(r FrameRow) error { got = append(got, r.N); return nil }})
	if err := a.Take(&batches{records: list, rng: rand.New(rand.NewPCG(1, 2))}, 3); err != nil {
		t.Fatal(err)
	}
	if r := a.Result(); !slices.Equal(got, want) || r.Totals.Records != int64(len(want)) {
		t.Errorf("%d records with the numbers %v, want %v", r.Totals.Records, got, want)
	}
}

func firstDifference(got, want string) string {
	i := 0
	for i < min(len(got), len(want)) && got[i] == want[i] {
		i++
	}
	from := max(i-200, 0)
	return fmt.Sprintf("got  ...%s\nwant ...%s", got[from:min(i+50, len(got))], want[from:min(i+50, len(want))])
}

func TestOneByOneEqualsBatches(t *testing.T) {
	list := records(9, 1500)
	a, rows := New(Options{}), 0
	a.options.EachFrame = func(FrameRow) error { rows++; return nil }
	for _, r := range list {
		if err := a.Add(r); err != nil {
			t.Fatal(err)
		}
	}
	r := a.Result()
	got, _ := json.Marshal(r)
	b := New(Options{})
	if err := b.Take(&batches{records: list, rng: rand.New(rand.NewPCG(1, 2))}, 2); err != nil {
		t.Fatal(err)
	}
	want, _ := json.Marshal(b.Result())
	if string(got) != string(want) || rows != len(list) {
		t.Errorf("%d rows of %d; %s", rows, len(list), firstDifference(string(got), string(want)))
	}
}

// TestAnOutlineOfARunningAnalysisIsOfWholeBatches looks at an analysis at every moment: the sums agree, and never shrink.
func TestAnOutlineOfARunningAnalysisIsOfWholeBatches(t *testing.T) {
	a, list := New(Options{View: View{By: "protocol"}, Charts: true}), records(6, 2000)
	taken := make(chan error)
	go func() { taken <- a.Take(&batches{records: list, rng: rand.New(rand.NewPCG(1, 2))}, 3) }()
	for before := int64(0); ; {
		r := a.Outline(-1)
		checkLaws(t, r)
		if r.Totals.Records < before {
			t.Fatalf("%d records after %d", r.Totals.Records, before)
		}
		before = r.Totals.Records
		select {
		case err := <-taken:
			if r := a.Result(); err != nil || r.Totals.Records != int64(len(list)) {
				t.Errorf("%d records of %d, %v", r.Totals.Records, len(list), err)
			}
			return
		default:
		}
	}
}

func TestErrorsEndAllLanes(t *testing.T) {
	broken := errors.New("broken")
	for _, lanes := range []int{1, 2, 5} {
		a := New(Options{})
		err := a.Take(&batches{records: records(1, 500), rng: rand.New(rand.NewPCG(1, 2)), err: broken}, lanes)
		if err != broken || a.Result().Totals.Records == 0 {
			t.Errorf("%d lanes: error %v of the input, %d records", lanes, err, a.Result().Totals.Records)
		}
		rows := 0
		a = New(Options{EachFrame: func(FrameRow) error {
			if rows++; rows == 100 {
				return broken
			}
			return nil
		}})
		if err := a.Take(&batches{records: records(1, 500), rng: rand.New(rand.NewPCG(1, 2))}, lanes); err != broken || rows != 100 {
			t.Errorf("%d lanes: error %v after %d rows, want it after 100", lanes, err, rows)
		}
	}
}

func TestADigestFillsTwoCacheLines(t *testing.T) {
	if size := unsafe.Sizeof(digest{}); size > 128 {
		t.Errorf("a digest takes %d octets, want 128", size)
	}
}

// TestADigestKnowsTheSegmentByItsPayload holds the one field of a TCP header that digests do without.
func TestADigestKnowsTheSegmentByItsPayload(t *testing.T) {
	var f frame.Frame
	for _, r := range records(4, 3000) {
		frame.Parse(&f, r.Data, r.WireLen, r.link(), int(r.FCS))
		if f.Flow.Proto == frame.ProtoTCP && f.HasTransport && f.TCP.Segment != int(f.Ledger[frame.Payload]) {
			t.Errorf("% x: segment %d, payload %d", r.Data, f.TCP.Segment, f.Ledger[frame.Payload])
		}
	}
}

func TestTheTopFlowsAndTheRestAreAll(t *testing.T) {
	a := New(Options{})
	for _, r := range records(3, 2000) {
		if err := a.Add(r); err != nil {
			t.Fatal(err)
		}
	}
	all := a.Result()
	wire := func(f *Flow) int64 { return f.AB.WireBytes + f.BA.WireBytes }
	for _, n := range []int{0, 1, 5, len(all.Flows) - 1, len(all.Flows), len(all.Flows) + 1, -1} {
		r := a.Outline(n)
		sum, least := r.Unlisted.Direction, int64(math.MaxInt64)
		for i := range r.Flows {
			f := &r.Flows[i]
			sum.add(&f.AB)
			sum.add(&f.BA)
			least = min(least, wire(f))
			if f.Number <= i || !reflect.DeepEqual(*f, all.Flows[f.Number-1]) {
				t.Errorf("top %d: flow %d is %+v", n, f.Number, f)
			}
		}
		larger := 0
		for i := range all.Flows {
			if wire(&all.Flows[i]) > least {
				larger++
			}
		}
		flows := len(r.Flows) + int(r.Unlisted.Flows)
		if sum.WireBytes+all.Others.WireBytes != all.Totals.WireBytes || flows != len(all.Flows) || larger > max(n, 0) && n >= 0 {
			t.Errorf("top %d: %d of %d flows, %d wire bytes, %d flows are larger", n, flows, len(all.Flows), sum.WireBytes, larger)
		}
	}
	i := 0
	for f := range a.EachFlow() {
		if !reflect.DeepEqual(*f, all.Flows[i]) {
			t.Errorf("flow %d one by one is %+v, want %+v", i+1, *f, all.Flows[i])
		}
		i++
	}
}

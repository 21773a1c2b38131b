package capture

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"time"

	"wiretax/capture/peer"
	"wiretax/capture/recording"
	"wiretax/capture/traffic"
)

// The messages of a session, in their order. begin and ready open it; for each trial follow schedule, where messages have one
// that the server does not know yet, trial, terms, counts, and from the server half, times, counts, sighting, sent, arrived, end.
const (
	kindBegin    = "begin"
	kindReady    = "ready"
	kindSchedule = "schedule"
	kindTrial    = "trial"
	kindTerms    = "terms"
	kindCounts   = "counts"
	kindHalf     = "half"
	kindTimes    = "times"
	kindSighting = "sighting"
	kindSent     = "sent"
	kindArrived  = "arrived"
	kindEnd      = "end"
)

// ready is what the server tells of itself.
type ready struct {
	Host      hostFacts       `json:"host"`
	Interface interfaceFacts  `json:"interface"`
	MTU       int             `json:"mtu"`
	Port      uint16          `json:"port"` // for test traffic
	Offloads  map[string]bool `json:"offloads"`
	Hides     bool            `json:"hides"` // some of them make super-frames
	Limits    Limits          `json:"limits"`
}

// Limits are what a server allows.
type Limits struct {
	Bytes    int64         // octets of messages and answers in a trial
	Duration time.Duration // of a session
	Rate     int64         // bit/s at which either end hands datagrams to its interface, each counted as on the wire
}

// request is one trial.
type request struct {
	Workload          workloadRequest `json:"workload"`
	Transport         string          `json:"transport"`
	MTU               int             `json:"mtu"`
	CongestionControl string          `json:"congestion_control"`
	AnswerLimit       time.Duration   `json:"answer_limit_ns"`
	Rounds            int             `json:"rounds"` // see settled
	Trial             bool            `json:"trial"`  // false: only to find out whether it works
}

// workloadRequest is a workload whose distributions are written as on the command line.
type workloadRequest struct {
	traffic.Workload
	Sizes, Arrivals string
	Schedule        bool // the one that was told last
}

// ask writes a workload down so that the other host makes the same messages of it.
func ask(w traffic.Workload) (workloadRequest, error) {
	r := workloadRequest{Workload: w, Sizes: w.Sizes.String(), Arrivals: w.Arrivals.String(), Schedule: w.Schedule != nil}
	r.Workload.Schedule = nil // too long for a message
	if again, err := r.workload(w.Schedule); err != nil || !reflect.DeepEqual(again, w) {
		return r, errors.Join(fmt.Errorf("%v cannot be sent to another host", w), err)
	}
	return r, nil
}

func (r workloadRequest) workload(told *traffic.Schedule) (w traffic.Workload, err error) {
	w = r.Workload
	w.Sizes, w.Arrivals, w.Schedule = traffic.Sizes{}, traffic.Arrivals{}, nil
	if r.Schedule {
		if w.Schedule = told; told == nil {
			return w, errors.New("a schedule of messages that was not told")
		}
	}
	if r.Sizes != "" {
		if w.Sizes, err = traffic.ParseSizes(r.Sizes); err != nil {
			return w, err
		}
	}
	w.Arrivals, err = traffic.ParseArrivals(r.Arrivals)
	return w, err
}

// meeting lets the halves of a trial talk over the control connection.
func meeting(conn *peer.Conn) traffic.Meeting {
	return traffic.Meeting{
		Tell: func(_ context.Context, t traffic.Terms) error { return conn.Send(kindTerms, t) },
		Hear: func(ctx context.Context) (t traffic.Terms, err error) { return t, conn.Receive(ctx, kindTerms, &t) },
	}
}

// chunk is how many octets of a series travel in a message: few enough to be read in time on a slow link.
const chunk = 64 << 10

// sendTimes sends times as they are, 8 octets each.
func sendTimes(conn *peer.Conn, times [][]int64) error {
	b := make([]byte, 0, chunk)
	for _, connection := range times {
		for _, t := range connection {
			if b = binary.BigEndian.AppendUint64(b, uint64(t)); len(b) == chunk {
				if err := conn.Send(kindTimes, b); err != nil {
					return err
				}
				b = b[:0]
			}
		}
	}
	return conn.Send(kindTimes, b) // a last one, shorter than a chunk
}

// receiveTimes fills times of the same form as like.
func receiveTimes(ctx context.Context, conn *peer.Conn, like [][]int64) (times [][]int64, err error) {
	var b []byte
	whole := true
	for _, l := range like {
		connection := make([]int64, 0, len(l))
		for range l {
			if len(b) == 0 && whole {
				if err := conn.Receive(ctx, kindTimes, &b); err != nil {
					return nil, err
				}
				whole = len(b) == chunk
			}
			if len(b) < 8 {
				return nil, errors.New("receive times: too few")
			}
			connection = append(connection, int64(binary.BigEndian.Uint64(b)))
			b = b[8:]
		}
		times = append(times, connection)
	}
	if len(b) == 0 && whole {
		err = conn.Receive(ctx, kindTimes, &b)
	}
	if err == nil && len(b) > 0 {
		err = errors.New("receive times: too many")
	}
	return times, err
}

// A record on the control connection: time 8, original length 4, captured length 2 octets, and the captured octets.
const recordHead = 14

// sendRecords sends frames in messages of one kind.
func sendRecords(conn *peer.Conn, kind string, records []recording.Record) error {
	var b []byte
	for _, r := range records {
		if len(b) > chunk {
			if err := conn.Send(kind, b); err != nil {
				return err
			}
			b = b[:0]
		}
		b = binary.BigEndian.AppendUint64(b, uint64(r.Nanos))
		b = binary.BigEndian.AppendUint32(b, uint32(r.WireLen))
		b = binary.BigEndian.AppendUint16(b, uint16(len(r.Data)))
		b = append(b, r.Data...)
	}
	if len(b) == 0 {
		return nil
	}
	return conn.Send(kind, b)
}

// receiveRecords takes what sendRecords sent, of both directions, until the end.
func receiveRecords(ctx context.Context, conn *peer.Conn) (sent, arrived []recording.Record, err error) {
	for octets := 0; ; {
		kind, read, err := conn.Next(ctx)
		if err != nil {
			return nil, nil, err
		}
		var b []byte
		if err := read(&b); err != nil {
			return nil, nil, err
		}
		if octets += len(b); octets > 2*mostCaptured {
			return nil, nil, errors.New("receive capture: longer than any trial's")
		}
		switch kind {
		case kindSent:
			sent, err = appendRecords(sent, b)
		case kindArrived:
			arrived, err = appendRecords(arrived, b)
		case kindEnd:
			return sent, arrived, nil
		default:
			err = fmt.Errorf("receive capture: unexpected message %q", kind)
		}
		if err != nil {
			return nil, nil, err
		}
	}
}

func appendRecords(to []recording.Record, b []byte) ([]recording.Record, error) {
	for len(b) > 0 {
		if len(b) < recordHead {
			return nil, errors.New("receive capture: cut off record")
		}
		n := int(binary.BigEndian.Uint16(b[12:]))
		if len(b) < recordHead+n {
			return nil, errors.New("receive capture: cut off record")
		}
		to = append(to, recording.Record{
			Nanos: int64(binary.BigEndian.Uint64(b)), WireLen: int(binary.BigEndian.Uint32(b[8:])), Data: b[recordHead : recordHead+n : recordHead+n],
			Link: linkTypeEthernet, FCS: -1,
		})
		b = b[recordHead+n:]
	}
	return to, nil
}

// pace returns what keeps datagrams below a rate in bit/s on a link of that MTU, as traffic.Config.Room wants it. What they hold
// counts, not what the workload's messages have on average: some travel packed, and sizes may differ. The end of ctx ends a wait.
func pace(ctx context.Context, rate int64, mtu int) func(datagrams, octets int64) {
	if rate <= 0 {
		return nil
	}
	var begin sync.Once
	var start time.Time
	room := float64(max(1, mtu-48)) // of a fragment behind the IPv6 and fragment headers (RFC 8200 section 4.5)
	return func(datagrams, octets int64) {
		begin.Do(func() { start = time.Now() })
		frames := max(float64(datagrams), float64(octets)/room)
		passed := (float64(octets) + frames*perMessage) * 8 / float64(rate)
		wait := time.Until(start.Add(time.Duration(min(passed, mostPaced.Seconds())*float64(time.Second)))) - paceBurst
		if wait <= 0 {
			return
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
		}
	}
}

// mostPaced is more than any session lasts, and fits into a time.
const mostPaced = 10_000 * time.Hour

// paceBurst is how far datagrams may be ahead of the rate: a timer is no more exact.
const paceBurst = time.Millisecond

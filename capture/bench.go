package capture

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"wiretax/capture/lab"
	"wiretax/capture/traffic"
	"wiretax/capture/wire"
)

// bench is the standing equipment of an experiment: two hosts, the wire between them, a capture on each.
type bench struct {
	asked     Link // what it was built for
	link      Link // what it is: a real one is found out
	lab       *lab.Lab
	wire      *wire.Wire // nil where the hosts are connected directly
	observers [2]*observer
	sockets   [2]int // packet sockets that send sentinels
	sentinels uint64 // number of the last one

	superFrames bool          // offloads are on
	inPlace     bool          // the interfaces carry others' frames too
	doubts      []string      // why that is so against the experiment's will
	patience    time.Duration // see drain
}

func newBench(e Experiment, l Link) (_ *bench, err error) {
	b := &bench{asked: l, link: l, inPlace: e.InPlace != [2]string{}, sockets: [2]int{-1, -1}, superFrames: e.KeepOffloads, patience: patience + 2*l.RTT}
	if l.Rate > 0 { // the slowest thing that can happen is one frame
		b.patience += time.Duration(float64(l.MTU+perMessage) * 8 / float64(l.Rate) * float64(time.Second))
	}
	defer func() {
		if err != nil {
			b.close()
		}
	}()
	config := lab.Config{MTU: l.MTU, IP: l.IP, Queue: deviceQueue, Link: e.Devices, KeepOffloads: e.KeepOffloads, Lent: e.Lent, InPlace: e.InPlace}
	if b.lab, err = lab.Build(config); err != nil {
		return nil, err
	}
	if e.NICQueue {
		if err := b.lab.A.Queue(l.nicQueue()); err != nil {
			return nil, err
		}
	}
	if b.lab.Ports[0] >= 0 {
		c := wire.Config{Rate: l.Rate, RTT: l.RTT, Loss: l.Loss, MTU: l.MTU}
		if b.wire, err = wire.Start(c, b.lab.Ports, e.Seed); err != nil {
			return nil, err
		}
	}
	filter := "" // the lab's own devices carry nothing else
	if b.lab.Kind == lab.Real {
		filter = own(b.lab.A, b.lab.B, e.InPlace != [2]string{})
	}
	for i, h := range b.hosts() {
		if b.observers[i], err = observe(h, i == 0, filter, b.lab.Kind == lab.Loopback); err != nil {
			return nil, err
		}
		err = h.Within(func() (err error) { b.sockets[i], err = sentinelSocket(h.Interface); return err })
		if err != nil {
			return nil, err
		}
	}
	return b, nil
}

// deviceQueue is the length of the hosts' device queues, in frames. What has no room there is dropped after the capture has
// seen it, so it is far above what the sender may have in it.
const deviceQueue = 100_000

// sendQueue is how many frames the sender may be ahead of its capture and of the relay where the link has no rate.
const sendQueue = 4096

// room blocks while as many frames wait in front of the wire as a NIC's queue and the socket's send buffer would hold. Neither a
// TAP device nor a veth makes a sender wait: it would fill the queue and the capture's ring, and lose what does not fit; and the
// relay takes all in at once, to let it wait where no sender knows of it. queue is the limit in frames, each the time that one
// takes on the wire.
func (b *bench) room(written, queue int64, each time.Duration) {
	// Frames that were dropped never come: a queue that does not move is not waited for.
	deadline, before := time.Now().Add(roomPatience), int64(0)
	for {
		ahead, backlog := written-b.observers[0].sent.Load(), time.Duration(0)
		if b.wire != nil {
			ahead = max(ahead, written-b.wire.Counters()[0].In)
			backlog = b.wire.Backlog(0)
		}
		if waiting := time.Duration(ahead)*each + backlog; ahead < sendQueue && (each == 0 || waiting < time.Duration(queue)*each) {
			return
		}
		if ahead != before || backlog > 0 {
			deadline, before = time.Now().Add(roomPatience), ahead
		}
		if time.Now().After(deadline) {
			return
		}
		time.Sleep(50 * time.Microsecond)
	}
}

// roomPatience is how long a full queue may stand still.
const roomPatience = 100 * time.Millisecond

func (b *bench) hosts() [2]*lab.Host { return [2]*lab.Host{b.lab.A, b.lab.B} }

func (b *bench) close() {
	for i := range b.observers {
		if b.observers[i] != nil {
			b.observers[i].capture.Close()
		}
		if b.sockets[i] >= 0 {
			unix.Close(b.sockets[i])
		}
	}
	if b.wire != nil {
		b.wire.Close()
	}
	if b.lab != nil {
		b.lab.Close()
	}
}

// sentinelSocket opens a packet socket (packet(7)) that sends and receives nothing, bound to the host's interface.
func sentinelSocket(name string) (int, error) {
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, fmt.Errorf("open packet socket: %w", err)
	}
	req, err := unix.NewIfreq(name)
	if err == nil {
		err = unix.IoctlIfreq(fd, unix.SIOCGIFINDEX, req)
	}
	if err == nil {
		err = unix.Bind(fd, &unix.SockaddrLinklayer{Ifindex: int(req.Uint32())})
	}
	if err != nil {
		unix.Close(fd)
		return -1, fmt.Errorf("bind packet socket to %s: %w", name, err)
	}
	return fd, nil
}

// patience is how long a drain waits without any frame moving before it gives up.
const patience = 10 * time.Second

// sentinelEvery is how often a sentinel is sent again: a device whose queue is full drops it like any frame.
const sentinelEvery = time.Second

// drain returns when everything that was sent before has arrived or is lost: a sentinel sent behind it has been seen at
// both ends of its direction, and the wire is empty.
func (b *bench) drain(ctx context.Context, directions ...int) error {
	b.sentinels++
	number := b.sentinels
	hosts := b.hosts()
	deadline, moved := time.Now().Add(b.patience), int64(-1)
	for again := (time.Time{}); ; {
		if now := time.Now(); now.After(again) {
			for _, d := range directions {
				if _, err := unix.Write(b.sockets[d], sentinel(hosts[d], hosts[1-d], number)); err != nil {
					return fmt.Errorf("send sentinel from %s: %w", hosts[d].Name, err)
				}
			}
			again = now.Add(sentinelEvery + b.patience - patience)
		}
		done := true
		for _, d := range directions {
			done = done && b.observers[d].saw(number, true) && b.observers[1-d].saw(number, false)
		}
		counters := b.wireCounters()
		for _, d := range directions {
			done = done && counters[d].Empty()
		}
		if done {
			return nil
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if out := counters[0].Out + counters[1].Out; out != moved {
			deadline, moved = time.Now().Add(b.patience), out
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("drain the wire: sentinel %d not seen for %v (wire %+v)", number, b.patience, counters)
		}
		time.Sleep(100 * time.Microsecond) // between two looks, not instead of one
	}
}

// wireCounters are all zero where there is no wire.
func (b *bench) wireCounters() (c [2]wire.Counters) {
	if b.wire != nil {
		c = b.wire.Counters()
	}
	return c
}

// saw reports whether the sentinel has left or arrived.
func (o *observer) saw(number uint64, leave bool) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if leave {
		return o.out == number
	}
	return o.in == number
}

// interfaces reads the packet counters of both hosts.
func (b *bench) interfaces() (c [2]lab.Counters, err error) {
	for i, h := range b.hosts() {
		if c[i], err = h.Counters(); err != nil {
			return c, err
		}
	}
	return c, nil
}

// baseline is what the counters stood at when a trial began.
type baseline struct {
	interfaces [2]lab.Counters
	ring       [2]int64
	iface      [2]int64
	port       int64
	autoCorked int64
}

func (b *bench) baseline() (base baseline, err error) {
	if base.interfaces, err = b.interfaces(); err != nil {
		return base, err
	}
	for i, o := range b.observers {
		if base.ring[i], base.iface[i], err = o.capture.Drops(); err != nil {
			return base, err
		}
	}
	if base.port, err = b.lab.PortDrops(); err != nil {
		return base, err
	}
	base.autoCorked, err = b.lab.A.AutoCorked()
	return base, err
}

// gather collects the evidence of the trial that began at base.
func (b *bench) gather(base baseline, o *traffic.Outcome) (e evidence, drops map[string]int64, err error) {
	now, err := b.baseline()
	if err != nil {
		return e, nil, err
	}
	var sentOut, sentIn [2]int64
	e.A, sentOut[0], sentIn[0] = b.observers[0].counts()
	e.B, sentOut[1], sentIn[1] = b.observers[1].counts()
	w := b.wireCounters()
	e.Wire, e.Real, e.SuperFrames = b.wire != nil, b.lab.Kind == lab.Real, b.superFrames
	e.Shared = b.inPlace
	e.Delivered, e.Corrupt = o.MessagesDelivered, o.Corrupt
	for d := range w {
		e.WireIn[d], e.WireLost[d], e.WireOut[d] = w[d].In, w[d].Lost, w[d].Out
	}
	a := now.interfaces[0].Sub(base.interfaces[0])
	z := now.interfaces[1].Sub(base.interfaces[1])
	e.TxA, e.RxA = a.TxPackets-sentOut[0], a.RxPackets-sentIn[0]
	e.TxB, e.RxB = z.TxPackets-sentOut[1], z.RxPackets-sentIn[1]
	if b.lab.Kind == lab.Loopback { // one interface: its counters are those of both hosts
		z = lab.Counters{}
		tx, rx := a.TxPackets-sentOut[0]-sentOut[1], a.RxPackets-sentOut[0]-sentOut[1]
		e.TxA, e.TxB, e.RxA, e.RxB = tx-e.B.Out, e.B.Out, rx-e.B.In, e.B.In
	}
	e.TCP = len(o.Senders) > 0
	e.SegsOutA, e.SegsInA, e.RetransA = segments(o.Senders)
	e.SegsOutB, e.SegsInB, e.RetransB = segments(o.Receivers)
	drops = map[string]int64{
		"capture_ring":    now.ring[0] - base.ring[0] + now.ring[1] - base.ring[1],
		"capture_if":      now.iface[0] - base.iface[0] + now.iface[1] - base.iface[1],
		"interface_tx":    a.TxDropped + z.TxDropped + a.TxErrors + z.TxErrors,
		"interface_rx":    a.RxDropped + z.RxDropped + a.RxErrors + z.RxErrors,
		"wire_full":       w[0].Full + w[1].Full,
		"wire_failed":     w[0].Failed + w[1].Failed,
		"wire_port":       now.port - base.port,
		"receiver_socket": o.ReceiverOverflow,
		"lost_by_request": w[0].Lost + w[1].Lost,
	}
	return e, drops, nil
}

// segments adds up what the sockets of one host say.
func segments(sockets []*traffic.TCPInfo) (out, in, retrans int64) {
	for _, s := range sockets {
		if s == nil { // another host may send anything
			continue
		}
		out += int64(s.SegsOut)
		in += int64(s.SegsIn)
		retrans += int64(s.TotalRetrans)
	}
	return out, in, retrans
}

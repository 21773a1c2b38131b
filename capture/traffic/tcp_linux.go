package traffic

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net/netip"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// tcp sends the messages over connections of its own, and ends each stream behind the last message, or its answer.
func (r *run) tcp(ctx context.Context) error {
	restore, err := r.setHosts()
	if err != nil {
		return err
	}
	defer restore()
	from, err := r.openSenders(unix.SOCK_STREAM, r.via.carrier.protocol(), r.prepareTCP)
	if err != nil {
		return fmt.Errorf("sender: %w", err)
	}
	if err := r.offer(ctx); err != nil {
		return err
	}
	to := -1
	if r.here.receives() {
		if to, err = r.listen(); err != nil {
			return fmt.Errorf("receiver: %w", err)
		}
	}
	if err := r.answer(ctx); err != nil {
		return err
	}
	if r.via.carrier == overTLS && r.here.sends() {
		if err := r.trust(); err != nil {
			return fmt.Errorf("sender: %w", err)
		}
	}
	var ends []<-chan error
	if r.here.receives() {
		ends = append(ends, r.end("receiver", func() error { return r.acceptAll(ctx, to) }))
	}
	for i, fd := range from {
		ends = append(ends, r.end("sender", func() error { return r.connections[i].sendTCP(ctx, fd) }))
	}
	return wait(ends)
}

// listen opens the receiver's listening socket.
func (r *run) listen() (int, error) {
	if r.via.carrier == overTLS {
		if err := r.identify(); err != nil {
			return -1, err
		}
	}
	to, err := r.openReceiver(unix.SOCK_STREAM, r.via.carrier.protocol(), r.prepareTCP)
	if err != nil {
		return -1, err
	}
	if err := unix.Listen(to, len(r.connections)); err != nil {
		return -1, fmt.Errorf("listen %v: %w", r.To.Addr, err)
	}
	return to, nil
}

// acceptAll receives each connection on a thread of its own.
func (r *run) acceptAll(ctx context.Context, listener int) error {
	var ends []<-chan error
	var err error
	for range r.connections {
		var fd int
		var peer uint16
		if fd, peer, err = r.sockets.accept(listener, r.From.Addr); err != nil {
			break
		}
		c := r.from(peer)
		if c == nil {
			err = fmt.Errorf("accept: connection from unknown port %d", peer)
			break
		}
		ends = append(ends, r.end("receiver", func() error { return c.receiveTCP(ctx, fd) }))
	}
	if err != nil {
		r.cancel(fmt.Errorf("receiver: %w", err)) // the connections that were accepted end too
	}
	return cmp.Or(err, wait(ends))
}

// autocorking is the sysctl net.ipv4.tcp_autocorking (Documentation/networking/ip-sysctl.rst); it holds for IPv6 too.
const autocorking = "/proc/sys/net/ipv4/tcp_autocorking"

func (c carrier) protocol() int {
	if c == overMPTCP {
		return unix.IPPROTO_MPTCP
	}
	return unix.IPPROTO_TCP
}

// prepareTCP sets what the run relies on, whatever the defaults are. An accepted socket inherits all of it.
func (r *run) prepareTCP(fd int) error {
	for _, o := range []struct {
		option
		on bool
	}{{noDelay, r.via.noDelay}, {cork, r.via.outlet == corked}, {keepAlive, false}} {
		value := 0
		if o.on {
			value = 1
		}
		if err := o.set(fd, value); err != nil {
			return err
		}
	}
	if r.CongestionControl == "" {
		return nil
	}
	return setCongestionControl(fd, r.CongestionControl)
}

func (c *connection) sendTCP(ctx context.Context, fd int) error {
	if err := connect(fd, netip.AddrPortFrom(c.To.Addr, c.out.Port)); err != nil {
		return err
	}
	if err := c.readTCPOptions(fd); err != nil {
		return err
	}
	in, out := c.sender(fd)
	stream, err := c.secureClient(in, out)
	if err != nil {
		return err
	}
	outlet, options := c.streamOutlet(out, stream)
	c.note(c, options)
	var collected []<-chan error
	if c.answers != nil {
		collected = append(collected, c.end("sender", func() error { return c.collect(stream) }))
	}
	if err := c.send(ctx, outlet, fd); err != nil {
		return err
	}
	c.linger(fd)
	if err := c.shutDown(fd, stream); err != nil {
		return err
	}
	if err := wait(collected); err != nil {
		return err
	}
	if err := stream.finish(in); err != nil {
		return err
	}
	return c.keepInfo(ctx, fd, &c.out.Senders)
}

func (c *connection) receiveTCP(ctx context.Context, fd int) error {
	in, out := c.receiver(fd)
	in.quickAck = c.via.quickAck
	options := make(map[string]any)
	if err := read(options, fd, rcvBuf); err != nil {
		return err
	}
	if c.via.quickAck {
		if err := quickAck.set(fd, 1); err != nil {
			return err
		}
		if err := read(options, fd, quickAck); err != nil {
			return err
		}
	}
	c.note(c, options)
	stream, err := c.secureServer(in, out)
	if err != nil {
		return err
	}
	outlet, _ := c.streamOutlet(out, stream)
	if err := c.serve(stream, outlet); err != nil {
		return err
	}
	if err := stream.finish(in); err != nil {
		return err
	}
	if err := c.shutDown(fd, stream); err != nil {
		return err
	}
	return c.keepInfo(ctx, fd, &c.out.Receivers)
}

// shutDown ends the stream in this direction.
func (c *connection) shutDown(fd int, stream secure) error {
	if err := stream.closeWrite(); err != nil {
		return fmt.Errorf("close: %w", err)
	}
	if err := unix.Shutdown(fd, unix.SHUT_WR); err != nil {
		return fmt.Errorf("shut down: %w", err)
	}
	return nil
}

// streamOutlet returns the outlet of a transport that is a byte stream, and the options that describe it. Messages are
// written to w, which is the socket or what encrypts before it.
func (c *connection) streamOutlet(out *outflow, w io.Writer) (outlet, map[string]any) {
	switch c.via.outlet {
	case batched:
		return &batch{outflow: out, messages: maxBatch, octets: maxBatchOctets, least: c.Workload.smallest(), call: out.vector()},
			map[string]any{"writev_messages_limit": maxBatch}
	case corked:
		return &plug{outflow: out, in: true}, nil
	case announced:
		return more{out}, map[string]any{"msg_more": true}
	case buffered:
		return newBufferedWriter(w), map[string]any{"buffer_bytes": bufferSize, "flush_after_seconds": flushAfter.Seconds()}
	}
	return direct{w}, nil
}

// keepInfo waits for the close and keeps the socket's TCP_INFO.
func (c *connection) keepInfo(ctx context.Context, fd int, into *[]*TCPInfo) error {
	info, err := afterClose(ctx, fd, c.answerLimit())
	if err != nil || c.via.carrier == overMPTCP {
		return err // of MPTCP, TCP_INFO is about the first subflow, and its close lingers
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	*into = append(*into, info)
	return nil
}

func (c *connection) readTCPOptions(fd int) error {
	options := make(map[string]any)
	if err := read(options, fd, protocol, sndBuf, keepAlive, noDelay, cork, maxSeg); err != nil {
		return err
	}
	name, err := unix.GetsockoptString(fd, unix.IPPROTO_TCP, unix.TCP_CONGESTION)
	if err != nil {
		return fmt.Errorf("read TCP_CONGESTION: %w", err)
	}
	options["TCP_CONGESTION"] = name
	info, err := tcpInfo(fd)
	if err != nil {
		return err
	}
	options["tcp_timestamps"] = info.Timestamps
	options["tcp_sack"] = info.SACK
	options["tcp_window_scaling"] = info.WindowScaling
	options["tcp_ecn"] = info.ECN
	err = c.readHost(options, info)
	c.note(c, options)
	return err
}

// The end of a connection.
const (
	stateClosed = 7 // TCP_CLOSE in net/tcp_states.h
	closeEvery  = 100 * time.Microsecond
	// closeLimit bounds the wait for the acknowledgment of the last FIN: time for six retransmissions (200 ms, doubling).
	closeLimit = 15 * time.Second // and what the link itself takes for an answer
)

// afterClose waits until the connection is closed in both directions and every frame of it was counted, then reads its
// TCP_INFO. Where the acknowledgment of the last FIN never comes, the state that it returns is not TCP_CLOSE.
func afterClose(ctx context.Context, fd int, patience time.Duration) (*TCPInfo, error) {
	// The FIN of the other side arrives when it does: the stream may be long and the link slow. Polling TCP_INFO all that
	// time would take the CPU from the link.
	for hungUp := []unix.PollFd{{Fd: int32(fd)}}; hungUp[0].Revents == 0; {
		if _, err := unix.Poll(hungUp, -1); err != nil && err != unix.EINTR {
			return nil, fmt.Errorf("wait for the close: %w", err)
		}
	}
	for limit := time.Now().Add(closeLimit + patience); ; nap(closeEvery) {
		if err := context.Cause(ctx); err != nil {
			return nil, err
		}
		info, err := tcpInfo(fd)
		if err != nil || info.State == stateClosed || time.Now().After(limit) {
			return info, err
		}
	}
}

// The bits of tcpi_options (include/uapi/linux/tcp.h).
const (
	optTimestamps = 1 << iota
	optSACK
	optWindowScaling
	optECN
)

// tcpInfo reads TCP_INFO. What an old kernel does not know is 0.
func tcpInfo(fd int) (*TCPInfo, error) {
	var k unix.TCPInfo
	if _, err := getsockopt(fd, unix.IPPROTO_TCP, unix.TCP_INFO, unsafe.Pointer(&k), unsafe.Sizeof(k)); err != nil {
		return nil, fmt.Errorf("read TCP_INFO: %w", err)
	}
	// Two fields of four bits follow tcpi_options, the sender's lower; unix.TCPInfo has a gap there.
	scales := (*[8]uint8)(unsafe.Pointer(&k))[6]
	micros := func(us uint32) time.Duration { return time.Duration(us) * time.Microsecond }
	return &TCPInfo{
		State:   k.State,
		SegsOut: k.Segs_out, SegsIn: k.Segs_in,
		DataSegsOut: k.Data_segs_out, DataSegsIn: k.Data_segs_in,
		TotalRetrans: k.Total_retrans, Timeouts: k.Total_rto,
		DSACKDups: k.Dsack_dups, OutOfOrder: k.Rcv_ooopack, ReorderingsSeen: k.Reord_seen,
		BytesSent: k.Bytes_sent, BytesRetrans: k.Bytes_retrans, BytesAcked: k.Bytes_acked, BytesReceived: k.Bytes_received,
		SndMSS: k.Snd_mss, RcvMSS: k.Rcv_mss, AdvMSS: k.Advmss, PathMTU: k.Pmtu,
		SndWScale: scales & 15, RcvWScale: scales >> 4,
		SndCwnd: k.Snd_cwnd,
		RTT:     micros(k.Rtt), RTTVar: micros(k.Rttvar), MinRTT: micros(k.Min_rtt), RTO: micros(k.Rto),
		Timestamps: k.Options&optTimestamps != 0, SACK: k.Options&optSACK != 0,
		WindowScaling: k.Options&optWindowScaling != 0, ECN: k.Options&optECN != 0,
	}, nil
}

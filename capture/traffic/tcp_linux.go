package traffic

import (
	"context"
	"fmt"
	"net/netip"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// tcp sends the messages over one connection: one write each, then the end of the stream at once.
func (r *run) tcp(ctx context.Context) error {
	to, err := r.sockets.open(r.To, unix.SOCK_STREAM, unix.IPPROTO_TCP, r.prepareTCP)
	if err != nil {
		return fmt.Errorf("receiver: %w", err)
	}
	if err := unix.Listen(to, 1); err != nil {
		return fmt.Errorf("receiver: listen %v: %w", r.To.Addr, err)
	}
	if r.out.Port, err = port(to); err != nil {
		return fmt.Errorf("receiver: %w", err)
	}
	from, err := r.sockets.open(r.From, unix.SOCK_STREAM, unix.IPPROTO_TCP, r.prepareTCP)
	if err != nil {
		return fmt.Errorf("sender: %w", err)
	}

	buffer := make(map[string]any)
	received := r.end(func() error { return r.receiveTCP(ctx, to, buffer) })
	sent := r.end(func() error { return r.sendTCP(ctx, from) })
	err = <-sent
	if e := <-received; err == nil {
		err = e
	}
	for name, value := range buffer {
		r.out.Options[name] = value
	}
	return err
}

// prepareTCP sets what the run relies on, whatever the defaults are. An accepted socket inherits all of it.
func (r *run) prepareTCP(fd int) error {
	for _, o := range []struct {
		option
		on bool
	}{{noDelay, r.via.noDelay}, {cork, r.via.cork}, {keepAlive, false}} {
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

func (r *run) sendTCP(ctx context.Context, fd int) error {
	if err := connect(fd, netip.AddrPortFrom(r.To.Addr, r.out.Port)); err != nil {
		return fmt.Errorf("sender: %w", err)
	}
	if err := r.readTCPOptions(fd); err != nil {
		return fmt.Errorf("sender: %w", err)
	}
	if err := r.sender(fd).send(1); err != nil {
		return fmt.Errorf("sender: %w", err)
	}
	if r.via.cork {
		if err := cork.set(fd, 0); err != nil {
			return fmt.Errorf("sender: %w", err)
		}
	}
	if err := unix.Shutdown(fd, unix.SHUT_WR); err != nil {
		return fmt.Errorf("sender: shut down: %w", err)
	}
	var err error
	if r.out.Sender, err = afterClose(ctx, fd); err != nil {
		return fmt.Errorf("sender: %w", err)
	}
	return nil
}

func (r *run) receiveTCP(ctx context.Context, listener int, buffer map[string]any) error {
	fd, err := r.sockets.accept(listener)
	if err != nil {
		return fmt.Errorf("receiver: %w", err)
	}
	if err := read(buffer, fd, rcvBuf); err != nil {
		return fmt.Errorf("receiver: %w", err)
	}
	if err := r.receiver.receive(fd, r.receiver.stream); err != nil {
		return fmt.Errorf("receiver: %w", err)
	}
	r.receiver.close()
	if err := unix.Shutdown(fd, unix.SHUT_WR); err != nil {
		return fmt.Errorf("receiver: shut down: %w", err)
	}
	if r.out.Receiver, err = afterClose(ctx, fd); err != nil {
		return fmt.Errorf("receiver: %w", err)
	}
	return nil
}

func (r *run) readTCPOptions(fd int) error {
	options := r.out.Options
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
	return nil
}

// The end of a connection.
const (
	stateClosed = 7 // TCP_CLOSE in net/tcp_states.h
	closeEvery  = 100 * time.Microsecond
	// closeLimit bounds the wait for the acknowledgment of the last FIN: time for six retransmissions (200 ms, doubling).
	closeLimit = 15 * time.Second
)

// afterClose waits until the connection is closed in both directions and every frame of it was counted, then reads its
// TCP_INFO. Where the acknowledgment of the last FIN never comes, the state that it returns is not TCP_CLOSE.
func afterClose(ctx context.Context, fd int) (*TCPInfo, error) {
	// The FIN of the other side arrives when it does: the stream may be long and the link slow. Polling TCP_INFO all that
	// time would take the CPU from the link.
	for hungUp := []unix.PollFd{{Fd: int32(fd)}}; hungUp[0].Revents == 0; {
		if _, err := unix.Poll(hungUp, -1); err != nil && err != unix.EINTR {
			return nil, fmt.Errorf("wait for the close: %w", err)
		}
	}
	for limit := time.Now().Add(closeLimit); ; nap(closeEvery) {
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

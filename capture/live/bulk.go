package live

/*
#cgo LDFLAGS: -lpcap
#include <errno.h>
#include <poll.h>
#include <pcap/pcap.h>
#include <stdlib.h>
#include <stdint.h>
#include <string.h>

struct head {
	int64_t nanos;
	uint32_t wire, captured;
};

struct batch {
	struct head *heads;
	unsigned char *data;
	int n;
	size_t used;
};

// keep copies a frame out of the kernel's ring: the kernel may use its place again as soon as libpcap has gone on.
static void keep(u_char *user, const struct pcap_pkthdr *h, const u_char *bytes) {
	struct batch *b = (struct batch *)user;
	struct head *head = &b->heads[b->n++];
	head->nanos = (int64_t)h->ts.tv_sec * 1000000000 + h->ts.tv_usec; // asked for in nanoseconds
	head->wire = h->len;
	head->captured = h->caplen;
	memcpy(b->data + b->used, bytes, h->caplen);
	b->used += h->caplen;
}

// take_batch takes what is there, at most max frames. Where there is nothing it waits, and looks again.
static int take_batch(pcap_t *p, int fd, int wait, struct head *heads, unsigned char *data, int max) {
	struct batch b = { .heads = heads, .data = data };
	int got = pcap_dispatch(p, max, keep, (u_char *)&b);
	if (got != 0)
		return got;
	struct pollfd ready = { .fd = fd, .events = POLLIN };
	if (poll(&ready, 1, wait) < 0 && errno != EINTR)
		return -1;
	return pcap_dispatch(p, max, keep, (u_char *)&b);
}
*/
import "C"

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"
	"time"
	"unsafe"
)

// Bulk reads the frames of an interface many at a time, for traffic at the speed of the link. Frames come up to 100 ms late:
// the kernel hands over blocks of its ring (TPACKET_V3), full ones at once.
type Bulk struct {
	name    string
	handle  *C.pcap_t
	fd      C.int
	link    uint16
	skipped int // octets before each packet that are on no link
	snapLen int
	sampled struct{ received, ring, iface uint32 } // libpcap's counters have 32 bits
	counts  Counters
}

// Counters are what happened to the frames that matched, since the capture began.
type Counters struct {
	Received  int64 // by the capture: dropped ones included
	Ring      int64 // dropped for want of room in the kernel's ring
	Interface int64 // dropped by the interface or its driver before the filter saw them (rx_missed_errors, rx_fifo_errors)
}

const (
	handover    = 100 // milliseconds after which the kernel hands over a block that is not full
	batchOctets = 256 << 10

	// MostFrames is how many frames a batch holds at most.
	MostFrames = 1024
)

// OpenBulk starts to capture; when it returns, the kernel records every frame that matches.
func OpenBulk(c Config) (*Bulk, error) {
	b, err := openBulk(c)
	if err != nil {
		return nil, fmt.Errorf("open %s for capture: %w", c.Interface, err)
	}
	return b, nil
}

func openBulk(c Config) (*Bulk, error) {
	var text [C.PCAP_ERRBUF_SIZE]C.char
	name := C.CString(c.Interface)
	defer C.free(unsafe.Pointer(name))
	handle := C.pcap_create(name, &text[0])
	if handle == nil {
		return nil, errors.New(C.GoString(&text[0]))
	}
	b := &Bulk{name: c.Interface, handle: handle}
	if err := b.activate(c); err != nil {
		C.pcap_close(handle)
		return nil, err
	}
	return b, nil
}

func (b *Bulk) activate(c Config) error {
	promiscuous := C.int(0)
	if !c.NotPromiscuous {
		promiscuous = 1
	}
	C.pcap_set_snaplen(b.handle, C.int(c.SnapLen))
	C.pcap_set_promisc(b.handle, promiscuous)
	C.pcap_set_timeout(b.handle, handover)
	C.pcap_set_buffer_size(b.handle, C.int(c.Buffer))
	C.pcap_set_tstamp_precision(b.handle, C.PCAP_TSTAMP_PRECISION_NANO)
	if status := C.pcap_activate(b.handle); status < 0 {
		return b.failure(status)
	}
	if C.pcap_get_tstamp_precision(b.handle) != C.PCAP_TSTAMP_PRECISION_NANO {
		return errors.New("no times in nanoseconds")
	}
	if err := b.filter(c.Filter); err != nil {
		return err
	}
	var text [C.PCAP_ERRBUF_SIZE]C.char
	if C.pcap_setnonblock(b.handle, 1, &text[0]) != 0 {
		return errors.New(C.GoString(&text[0]))
	}
	b.fd = C.pcap_get_selectable_fd(b.handle)
	b.snapLen = int(C.pcap_snapshot(b.handle)) // batches are as large: libpcap keeps more than was asked for where its own header needs it
	b.link = linkType(int(C.pcap_datalink(b.handle)))
	if i, err := net.InterfaceByName(c.Interface); err == nil && i.Flags&net.FlagLoopback != 0 && b.link == linkEthernet { // any is none
		b.skipped, b.link = emptyEthernet, linkRaw
	}
	return nil
}

// What keeps an interface from being captured on.
var (
	ErrNoInterface = errors.New("no such interface")
	ErrDown        = errors.New("the interface is down")
)

// failure is what libpcap says, as one of the system's errors where it is one.
func (b *Bulk) failure(status C.int) error {
	text := C.GoString(C.pcap_geterr(b.handle))
	switch status {
	case C.PCAP_ERROR_PERM_DENIED, C.PCAP_ERROR_PROMISC_PERM_DENIED:
		return syscall.EPERM // CAP_NET_RAW is missing
	case C.PCAP_ERROR_NO_SUCH_DEVICE:
		return ErrNoInterface
	case C.PCAP_ERROR_IFACE_NOT_UP:
		return ErrDown
	}
	if text == "" {
		text = C.GoString(C.pcap_statustostr(status))
	}
	return errors.New(strings.ToLower(text[:1]) + text[1:])
}

// filter lets the kernel drop what does not match.
func (b *Bulk) filter(expression string) error {
	if expression == "" {
		return nil
	}
	text := C.CString(expression)
	defer C.free(unsafe.Pointer(text))
	var program C.struct_bpf_program
	if C.pcap_compile(b.handle, &program, text, 1, C.PCAP_NETMASK_UNKNOWN) != 0 {
		return fmt.Errorf("filter %q: %s", expression, C.GoString(C.pcap_geterr(b.handle)))
	}
	defer C.pcap_freecode(&program)
	if C.pcap_setfilter(b.handle, &program) != 0 {
		return fmt.Errorf("filter %q: %s", expression, C.GoString(C.pcap_geterr(b.handle)))
	}
	return nil
}

// emptyEthernet is the length of the header that Linux puts before a packet on loopback, where there is no Ethernet.
const emptyEthernet = 14

// SnapLen is how many octets of each frame are captured at most. It is never 0, which would be no limit (pcap-savefile(5)).
func (b *Bulk) SnapLen() int { return max(b.snapLen-b.skipped, 1) }

// LinkType is the LINKTYPE_ value of the frames.
func (b *Bulk) LinkType() uint16 { return b.link }

// Batch is frames that were read together. A batch can be read into again.
type Batch struct {
	heads [MostFrames]C.struct_head
	data  []byte
	n     int
	next  int // frame, and where in data it begins
	at    int
	skip  int
}

// Len is the number of frames.
func (b *Batch) Len() int { return b.n }

// Last is the time of the last frame, in nanoseconds since the Unix epoch; 0 without any.
func (b *Batch) Last() int64 {
	if b.n == 0 {
		return 0
	}
	return int64(b.heads[b.n-1].nanos)
}

// Next returns the next frame: its octets as far as they were captured, its length on the interface, and its time in
// nanoseconds since the Unix epoch. It is called Len times.
func (b *Batch) Next() (data []byte, wireLen int, nanos int64) {
	h := &b.heads[b.next]
	end := b.at + int(h.captured)
	data = b.data[min(b.at+b.skip, end):end:end]
	b.next++
	b.at = end
	return data, max(int(h.wire)-b.skip, 0), int64(h.nanos)
}

// Read fills the batch with what has come, and waits no longer than the time given for it. The batch may stay empty.
func (b *Bulk) Read(into *Batch, wait time.Duration) error {
	most := min(MostFrames, max(batchOctets/b.snapLen, 1))
	if into.data == nil {
		into.data = make([]byte, max(most*b.snapLen, 1))
	}
	into.n, into.next, into.at, into.skip = 0, 0, 0, b.skipped
	n := C.take_batch(b.handle, b.fd, C.int(wait.Milliseconds()), &into.heads[0], (*C.uchar)(&into.data[0]), C.int(most))
	if n < 0 {
		return fmt.Errorf("read frames of %s: %w", b.name, b.failure(C.PCAP_ERROR))
	}
	into.n = int(n)
	return nil
}

// Counters reads what the kernel has counted. They must be read before Close, and often enough: libpcap's own counters start
// again after 2^32.
func (b *Bulk) Counters() (Counters, error) {
	var s C.struct_pcap_stat
	if C.pcap_stats(b.handle, &s) != 0 {
		return b.counts, fmt.Errorf("read capture statistics: %s", C.GoString(C.pcap_geterr(b.handle)))
	}
	last := &b.sampled
	b.counts.Received += int64(uint32(s.ps_recv) - last.received)
	b.counts.Ring += int64(uint32(s.ps_drop) - last.ring)
	b.counts.Interface += int64(uint32(s.ps_ifdrop) - last.iface)
	last.received, last.ring, last.iface = uint32(s.ps_recv), uint32(s.ps_drop), uint32(s.ps_ifdrop)
	return b.counts, nil
}

// Close ends the capture. No other call may be under way.
func (b *Bulk) Close() { C.pcap_close(b.handle) }

// linkType is the LINKTYPE_ value of a DLT_ value, see dlt.
func linkType(dlt int) uint16 {
	if l, ok := map[int]uint16{11: 100, 12: linkRaw, 15: 102, 16: 103, 19: 106, 14: linkRaw}[dlt]; ok {
		return l
	}
	return uint16(dlt)
}

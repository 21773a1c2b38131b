package live

/*
#cgo LDFLAGS: -lpcap
#include <pcap/pcap.h>
#include <stdlib.h>

// Go's own types for C unions and callbacks are not needed here: one call a record.
static int matches(const struct bpf_program *program, bpf_u_int32 len, bpf_u_int32 caplen, const u_char *data) {
	struct pcap_pkthdr header = { .caplen = caplen, .len = len };
	return pcap_offline_filter(program, &header, data) != 0;
}
*/
import "C"

import (
	"encoding/binary"
	"errors"
	"fmt"
	"regexp"
	"runtime"
	"unsafe"
)

// Filter is a pcap-filter(7) expression, compiled for each link type that it meets. An expression that does not speak of
// VLANs itself sees tagged Ethernet frames without their tags, so that "tcp port 80" finds what a trunk port carried.
type Filter struct {
	expression string
	stripTags  bool
	programs   map[uint16]*program
	untagged   []byte // the frame at hand without its tags
}

type program struct{ bpf C.struct_bpf_program }

// NewFilter checks that the expression makes sense for some link type: nearly all do for Ethernet, the others speak of what
// one link alone has (wlan type mgt, inbound, vpi). The error is that for Ethernet.
func NewFilter(expression string) (*Filter, error) {
	f := &Filter{expression: expression, programs: make(map[uint16]*program)}
	f.stripTags = !regexp.MustCompile(`\bvlan\b`).MatchString(expression)
	_, err := f.program(linkEthernet)
	for i := 0; err != nil && i < len(peculiarLinks); i++ {
		if _, other := f.program(peculiarLinks[i]); other == nil {
			return f, nil
		}
	}
	if err != nil {
		return nil, err
	}
	return f, nil
}

// peculiarLinks are the link types that pcap-filter(7) has words of their own for: 802.11, SunATM, MTP2, PF log, Linux cooked,
// ARCnet.
var peculiarLinks = [...]uint16{105, 123, 140, 117, 113, 129}

// filterSnapLen is the snap length that expressions are compiled for. The record's own capture length bounds what they read.
const filterSnapLen = 262144

// program compiles the expression for a LINKTYPE_ value.
func (f *Filter) program(link uint16) (*program, error) {
	if p, ok := f.programs[link]; ok {
		return p, nil
	}
	handle := C.pcap_open_dead(C.int(dlt(link)), filterSnapLen)
	if handle == nil {
		return nil, errors.New("compile filter: out of memory")
	}
	defer C.pcap_close(handle)
	text := C.CString(f.expression)
	defer C.free(unsafe.Pointer(text))
	p := new(program)
	if C.pcap_compile(handle, &p.bpf, text, 1, C.PCAP_NETMASK_UNKNOWN) != 0 {
		return nil, fmt.Errorf("filter %q: %s", f.expression, C.GoString(C.pcap_geterr(handle)))
	}
	runtime.AddCleanup(p, func(bpf C.struct_bpf_program) { C.pcap_freecode(&bpf) }, p.bpf)
	f.programs[link] = p
	return p, nil
}

// Match reports whether the record of the given link type matches: data are the captured octets, wireLen is the original
// length.
func (f *Filter) Match(link uint16, data []byte, wireLen int) (bool, error) {
	p, err := f.program(link)
	if err != nil {
		return false, err
	}
	if f.stripTags && link == linkEthernet {
		plain := f.withoutTags(data)
		wireLen -= len(data) - len(plain)
		data = plain
	}
	if len(data) == 0 {
		return false, nil
	}
	return C.matches(&p.bpf, C.bpf_u_int32(wireLen), C.bpf_u_int32(len(data)), (*C.u_char)(&data[0])) != 0, nil
}

const (
	linkEthernet = 1
	linkRaw      = 101
)

// dlt is the DLT_ value that libpcap knows a LINKTYPE_ value by. They differ where systems had given numbers before the file
// format did (pcap-common.c).
func dlt(link uint16) int {
	if d, ok := map[uint16]int{100: 11, linkRaw: 12, 102: 15, 103: 16, 106: 19}[link]; ok {
		return d
	}
	return int(link)
}

// withoutTags returns the Ethernet frame without the VLAN tags in front of its EtherType. It is valid until the next call.
func (f *Filter) withoutTags(b []byte) []byte {
	end := 12
	for len(b) >= end+4 && isTag(binary.BigEndian.Uint16(b[end:])) {
		end += 4
	}
	if end == 12 {
		return b
	}
	f.untagged = append(append(f.untagged[:0], b[:12]...), b[end:]...)
	return f.untagged
}

// isTag reports whether the EtherType is one of 802.1Q, 802.1ad and the numbers used before it.
func isTag(etherType uint16) bool {
	return etherType == 0x8100 || etherType == 0x88a8 || etherType == 0x9100 || etherType == 0x9200
}

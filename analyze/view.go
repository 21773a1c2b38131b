package analyze

import (
	"cmp"
	"fmt"
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"wiretax/analyze/flow"
	"wiretax/analyze/frame"
)

// View asks for the traffic in groups. The zero value asks for none.
type View struct {
	By    string        // flow, host, port, protocol, interface, size or time; empty for no groups
	Every time.Duration // length of a group of By time; 0: a second
	Sort  string        // a column of Group, largest first; empty: the order of time, size or interface, else wire_bytes
	Top   int           // groups to keep, the others become one group "other"; 0: all
}

// Group is the part of the traffic that has the same key. The groups of a view add up to the totals.
type Group struct {
	Key string `json:"key"`
	Direction
	HeaderBytesPerPayloadByte Ratio `json:"header_bytes_per_payload_byte"`
	WireOverheadPerPayload    Ratio `json:"wire_overhead_per_payload_byte"`
	Efficiency                Ratio `json:"efficiency"`
}

// otherKey is the group of what no other group of a view is for.
const otherKey = "other"

// ViewNames are the words that ParseView takes, time with a duration behind a colon.
var ViewNames = [...]string{"flow", "host", "port", "protocol", "interface", "size", "time:1s"}

// ParseView reads the arguments of --by, --sort and --top.
//
//   - flow: one group a conversation, both directions.
//   - host: what each host sent. A frame has one sender, so the groups add up.
//   - port: protocol and service, the lower of the two ports.
//   - protocol: the innermost decoded transport or network protocol.
//   - interface: the number of the interface.
//   - size: octets of a frame with FCS, in the classes of RFC 2819 (etherStatsPkts64Octets and so on). The frames of a
//     super-frame are in the class of their mean.
//   - time:DURATION: from the epoch on in steps of the duration; steps without records are left out.
func ParseView(by, sort string, top int) (View, error) {
	v := View{By: by, Sort: sort, Top: max(top, 0)}
	if name, every, ok := strings.Cut(by, ":"); ok && name == "time" {
		d, err := time.ParseDuration(every)
		if err != nil || d <= 0 {
			return View{}, fmt.Errorf("group by %s: %q is no duration above 0 (time:1s)", by, every)
		}
		v.By, v.Every = name, d
	}
	switch v.By {
	case "", "flow", "host", "port", "protocol", "interface", "size", "time":
	default:
		return View{}, fmt.Errorf("group by %s: unknown (%s)", by, strings.Join(ViewNames[:], ", "))
	}
	if _, ok := groupColumns[sort]; !ok && sort != "" {
		return View{}, fmt.Errorf("sort by %s: unknown column (%s)", sort, strings.Join(SortColumns(), ", "))
	}
	return v, nil
}

// groupColumns are the figures of a group by their JSON name.
var groupColumns = map[string]func(*Group) float64{
	"records":                        func(g *Group) float64 { return float64(g.Records) },
	"frames":                         func(g *Group) float64 { return float64(g.Frames) },
	"data_frames":                    func(g *Group) float64 { return float64(g.DataFrames) },
	"ack_frames":                     func(g *Group) float64 { return float64(g.AckFrames) },
	"setup_frames":                   func(g *Group) float64 { return float64(g.SetupFrames) },
	"teardown_frames":                func(g *Group) float64 { return float64(g.TeardownFrames) },
	"probe_frames":                   func(g *Group) float64 { return float64(g.ProbeFrames) },
	"retransmissions":                func(g *Group) float64 { return float64(g.Retransmissions) },
	"payload_bytes":                  func(g *Group) float64 { return float64(g.PayloadBytes) },
	"unique_payload_bytes":           func(g *Group) float64 { return float64(g.UniquePayloadBytes) },
	"header_bytes":                   func(g *Group) float64 { return float64(g.HeaderBytes) },
	"wire_bytes":                     func(g *Group) float64 { return float64(g.WireBytes) },
	"header_bytes_per_payload_byte":  func(g *Group) float64 { return float64(g.HeaderBytesPerPayloadByte) },
	"wire_overhead_per_payload_byte": func(g *Group) float64 { return float64(g.WireOverheadPerPayload) },
	"efficiency":                     func(g *Group) float64 { return float64(g.Efficiency) },
}

// SortColumns are the columns that View.Sort takes.
func SortColumns() []string {
	names := make([]string, 0, len(groupColumns))
	for name := range groupColumns {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// buckets collects the groups that records belong to one by one. Views of flows need none: they come from the flow table.
type buckets struct {
	view View
	sums map[int64]*flow.Counts // nil for no groups, or groups of flows
}

func newBuckets(v View) buckets {
	switch v.By {
	case "protocol", "interface", "size", "time":
		if v.Every <= 0 {
			v.Every = time.Second
		}
		return buckets{view: v, sums: make(map[int64]*flow.Counts)}
	}
	return buckets{}
}

// key is the group of a record.
func (b *buckets) key(v *verdict, d *digest) int64 {
	switch b.view.By {
	case "protocol":
		return int64(d.kind)
	case "interface":
		return int64(d.iface())
	case "size":
		return sizeKey(v, d)
	}
	return d.nanos - floorMod(d.nanos, int64(b.view.Every))
}

// label is what the group of a key is called.
func (b *buckets) label(key int64) string {
	switch b.view.By {
	case "protocol":
		return protocolLabel(key)
	case "interface":
		return strconv.FormatInt(key, 10)
	case "size":
		return sizeClasses[key].label
	}
	if key == NoTime {
		return "no time"
	}
	return stamp(key, true)
}

// floorMod is n modulo m, not negative, and 0 where the difference would overflow.
func floorMod(n, m int64) int64 {
	if n < NoTime+m {
		return n - NoTime
	}
	return (n%m + m) % m
}

func (b *buckets) add(v *verdict, d *digest) {
	k := b.key(v, d)
	sum := b.sums[k]
	if sum == nil {
		sum = new(flow.Counts)
		b.sums[k] = sum
	}
	payload := int64(d.payload)
	sum.Records++
	sum.Payload += payload
	sum.Repeated += payload - v.unique
	sum.Header += int64(d.header)
	sum.Wire += v.wire
	sum.Frames[v.role] += v.frames
}

func (b *buckets) merge(o *buckets) {
	for k, sum := range o.sums {
		if b.sums[k] == nil {
			b.sums[k] = new(flow.Counts)
		}
		b.sums[k].Add(sum)
	}
}

// Keys of frames that are no IP, beyond the protocol numbers.
const (
	keyARP = 256 + iota
	keyLLC
	keyOther
)

func protocolKey(f *frame.Frame) uint16 {
	switch {
	case f.Flow.IP != 0:
		return uint16(f.Flow.Proto)
	case f.Ledger[frame.ARP] > 0:
		return keyARP
	case f.Ledger[frame.LLC] > 0:
		return keyLLC
	}
	return keyOther
}

func protocolLabel(k int64) string {
	switch k {
	case keyARP:
		return "arp"
	case keyLLC:
		return "llc"
	case keyOther:
		return otherKey
	}
	return protoName(uint8(k))
}

// sizeClasses are those of RFC 2819 section 5, with the upper bound of each.
var sizeClasses = [...]struct {
	upTo  int64
	label string
}{{64, "64"}, {127, "65-127"}, {255, "128-255"}, {511, "256-511"}, {1023, "512-1023"}, {1518, "1024-1518"}, {1<<63 - 1, "1519-"}}

func sizeKey(v *verdict, d *digest) int64 {
	size := v.wire
	if d.is(onEthernet) {
		size = v.wire/v.frames - frame.PreambleLen - frame.GapLen
	}
	for i, class := range sizeClasses {
		if size <= class.upTo {
			return int64(i)
		}
	}
	return int64(len(sizeClasses) - 1)
}

// groups is the traffic as the view asks for it.
func (a *Analysis) groups(t *tally) []Group {
	v := a.options.View
	var list []Group
	switch v.By {
	case "":
		return nil
	case "flow", "host", "port":
		list = a.flowGroups(v.By, t)
	default:
		list = t.buckets.list()
	}
	return v.order(list)
}

// list is the groups in the order of their keys.
func (b *buckets) list() []Group {
	list := make([]Group, 0, len(b.sums))
	for _, k := range slices.Sorted(maps.Keys(b.sums)) {
		list = append(list, group(b.label(k), figures(b.sums[k])))
	}
	return list
}

// flowGroups adds up the flows by what their key says. The records of no flow come last.
func (a *Analysis) flowGroups(by string, t *tally) []Group {
	var names []string // in order of first appearance
	sums := make(map[string]*flow.Counts)
	add := func(name string, c *flow.Counts) {
		if c.Records == 0 {
			return
		}
		if sums[name] == nil {
			names = append(names, name)
			sums[name] = new(flow.Counts)
		}
		sums[name].Add(c)
	}
	for _, f := range a.flows() {
		k := f.Key()
		ab, ba := f.counts(0), f.counts(1)
		switch by {
		case "host":
			add(k.AddrA().String(), &ab)
			add(k.AddrB().String(), &ba)
			continue
		case "port":
			ab.Add(&ba)
			add(service(&k), &ab)
		default:
			ab.Add(&ba)
			c := f.conversation()
			add(conversationName(&c), &ab)
		}
	}
	if t.others.Records > 0 {
		add(otherKey, &t.others)
	}
	list := make([]Group, len(names))
	for i, name := range names {
		list[i] = group(name, figures(sums[name]))
	}
	return list
}

// service is the protocol with the lower port, if it has ports.
func service(k *frame.Key) string {
	if k.APort|k.BPort == 0 {
		return protoName(k.Proto)
	}
	return protoName(k.Proto) + "/" + strconv.Itoa(int(min(k.APort, k.BPort)))
}

// conversationName names a flow with all that tells it from others.
func conversationName(c *Flow) string {
	end := func(addr string, port uint16) string {
		if c.APort|c.BPort == 0 {
			return addr
		}
		return net.JoinHostPort(addr, strconv.Itoa(int(port)))
	}
	name := c.Proto + " " + end(c.A, c.APort) + " " + end(c.B, c.BPort)
	for _, id := range c.VLANs {
		name += " vlan " + strconv.Itoa(id)
	}
	if c.VNI != nil {
		name += " vni " + strconv.Itoa(*c.VNI)
	}
	if c.Iface != 0 {
		name += " interface " + strconv.Itoa(c.Iface)
	}
	return name
}

func group(key string, d Direction) Group {
	return Group{Key: key, Direction: d,
		HeaderBytesPerPayloadByte: Over(d.HeaderBytes, d.UniquePayloadBytes),
		WireOverheadPerPayload:    Over(d.WireBytes-d.UniquePayloadBytes, d.UniquePayloadBytes),
		Efficiency:                Over(d.UniquePayloadBytes, d.WireBytes)}
}

// order sorts the groups and folds those beyond the top into one.
func (v *View) order(list []Group) []Group {
	column := v.Sort
	inOrder := v.By == "time" || v.By == "size" || v.By == "interface"
	if column == "" && !inOrder {
		column = "wire_bytes"
	}
	if value := groupColumns[column]; value != nil {
		slices.SortStableFunc(list, func(x, y Group) int { return cmp.Compare(value(&y), value(&x)) }) // NaN last
	}
	if v.Top == 0 || len(list) <= v.Top {
		return list
	}
	// What belongs to no group at all goes with the rest: there is one "other".
	var rest Direction
	if i := slices.IndexFunc(list, func(g Group) bool { return g.Key == otherKey }); i >= 0 && i < v.Top {
		rest.add(&list[i].Direction)
		list = slices.Delete(list, i, i+1)
	}
	top := min(v.Top, len(list))
	for i := range list[top:] {
		rest.add(&list[top+i].Direction)
	}
	return append(list[:top], group(otherKey, rest))
}

package traffic

import (
	"slices"
	"strings"
)

// Variant is a transport with one mechanism of TCP turned off, or, where the transport has it off, on. What differs between the
// trials of both is what the mechanism contributes.
type Variant struct {
	Of      string // the transport
	Cause   string // nagle, autocorking, cwnd, delayed_ack or timestamps
	Setting string // how the variant is made, on both hosts: option of tcp(7), sysctl net.ipv4.*, metric of ip-route(8)
	With    bool   // the mechanism works in the variant and not in the transport
}

// toggle is one mechanism and how it is turned.
type toggle struct {
	cause, suffix, setting string
	with                   bool // turned on
	turn                   func(*transport)
	turned                 func(transport) bool // the transport is this way already
}

// largeWindow is an initial congestion window, in segments, that is never full before an ACK comes.
const largeWindow = 1000

var toggles = [...]toggle{
	{cause: "nagle", suffix: "nodelay", setting: "TCP_NODELAY=1",
		turn: func(t *transport) { t.noDelay = true }, turned: func(t transport) bool { return t.noDelay }},
	{cause: "nagle", suffix: "nagle", setting: "TCP_NODELAY=0", with: true,
		turn: func(t *transport) { t.noDelay = false }, turned: func(t transport) bool { return !t.noDelay }},
	{cause: "autocorking", suffix: "noautocork", setting: "tcp_autocorking=0",
		turn: func(t *transport) { t.noAutocork = true }, turned: func(t transport) bool { return t.noAutocork }},
	{cause: "cwnd", suffix: "initcwnd", setting: "route initcwnd 1000",
		turn: func(t *transport) { t.initialWindow = largeWindow }, turned: func(t transport) bool { return t.initialWindow != 0 }},
	{cause: "delayed_ack", suffix: "quickack", setting: "route quickack 1",
		turn: func(t *transport) { t.quickRoute = true }, turned: func(t transport) bool { return t.quickAck || t.quickRoute }},
	{cause: "timestamps", suffix: "notimestamps", setting: "tcp_timestamps=0",
		turn: func(t *transport) { t.noTimestamps = true }, turned: func(t transport) bool { return t.noTimestamps }},
}

// Variants are the names of the variants of a transport, one for each mechanism; none where the transport is not TCP.
func Variants(name string) (variants []string) {
	t, err := lookup(name)
	if err != nil || t.carrier != overTCP && t.carrier != overTLS || isVariant(name) {
		return nil
	}
	for _, toggle := range toggles {
		if !toggle.turned(t) {
			variants = append(variants, name+variantMark+toggle.suffix)
		}
	}
	return variants
}

// VariantOf describes a variant; false where the name is no variant's.
func VariantOf(name string) (Variant, bool) {
	of, suffix, ok := strings.Cut(name, variantMark)
	if !ok {
		return Variant{}, false
	}
	for _, toggle := range toggles {
		if toggle.suffix == suffix {
			return Variant{Of: of, Cause: toggle.cause, Setting: toggle.setting, With: toggle.with}, true
		}
	}
	return Variant{}, false
}

// variantMark stands between a transport and what is turned.
const variantMark = "+"

func isVariant(name string) bool { return strings.Contains(name, variantMark) }

// variant is the transport of a variant's name.
func variant(name string) (t transport, ok bool) {
	of, suffix, _ := strings.Cut(name, variantMark)
	i := slices.IndexFunc(toggles[:], func(t toggle) bool { return t.suffix == suffix })
	if i < 0 {
		return t, false
	}
	t, err := lookup(of)
	if err != nil || toggles[i].turned(t) || t.carrier != overTCP && t.carrier != overTLS {
		return t, false
	}
	t.name += variantMark + suffix
	toggles[i].turn(&t)
	return t, true
}

// setsHost reports whether the transport changes the host and not only its sockets.
func (t transport) setsHost() bool {
	return t.noAutocork || t.noTimestamps || t.initialWindow != 0 || t.quickRoute
}

package frame

import "testing"

func TestLedger(t *testing.T) {
	a := Ledger{Ethernet: 14, IPv4: 20, Payload: 1, Padding: 25, FCS: 4, Preamble: 8, Gap: 12}
	b := Ledger{Ethernet: 14, ARP: 28, Fill: 18}
	sum := a
	sum.Add(&b)
	for _, r := range []struct {
		name      string
		got, want int64
	}{
		{"record of one", a.Record(), 64},
		{"inferred of one", a.Inferred(), 20},
		{"wire of one", a.Wire(), 84},
		{"headers of one", a.Headers(), 34},
		{"record of the sum", sum.Record(), a.Record() + b.Record()},
		{"wire of the sum", sum.Wire(), a.Wire() + b.Wire()},
		{"headers of the sum", sum.Headers(), a.Headers() + b.Headers()},
	} {
		if r.got != r.want {
			t.Errorf("%s: %d, want %d", r.name, r.got, r.want)
		}
	}
}

func TestOwnerNames(t *testing.T) {
	measured := map[string]bool{}
	for o := range NumMeasured {
		name := Owner(o).String()
		if name == "" || measured[name] {
			t.Errorf("owner %d: name %q", o, name)
		}
		measured[name] = true
	}
	if got := Owner(NumOwners).String(); got != "unknown" {
		t.Errorf("no owner: name %q", got)
	}
	for o := range NumTCPOptions {
		if TCPOption(o).String() == "" {
			t.Errorf("option %d has no name", o)
		}
	}
}

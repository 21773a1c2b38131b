package report

import (
	"bytes"
	"testing"

	"wiretax/analyze"
)

// smallContainer is a checkup of a machine that lets an ordinary user do nothing.
func smallContainer() *Checkup {
	return &Checkup{Schema: analyze.Schema, Kind: "doctor", Version: "0.1.0", Checks: []Check{
		{"system", "libpcap", "ok", false, "libpcap version 1.10.3 (with TPACKET_V3)", ""},
		{"privileges", "CAP_NET_RAW", "missing", false, "operation not permitted", "sudo setcap cap_net_raw,cap_net_admin=ep $(command -v wiretax); run does without"},
		{"privileges", "user namespaces", "missing", true, "make user namespace: operation not permitted", "run with sudo"},
		{"interfaces of this machine", "eth0", "note", false, "MTU 1500, txqueuelen 1000; captures show super-frames: tso, gro", "sudo ethtool -K eth0 tso off gro off"},
	}}
}

func TestDoctorGolden(t *testing.T) {
	works := smallContainer()
	works.RunWorks, works.Checks = true, works.Checks[:1]
	for _, c := range []struct {
		file    string
		checkup *Checkup
		format  Format
	}{
		{"doctor.txt", smallContainer(), Table},
		{"doctor.md", smallContainer(), Markdown},
		{"doctor.csv", smallContainer(), CSV},
		{"doctor.json", smallContainer(), JSON},
		{"doctor-works.txt", works, Table},
	} {
		t.Run(c.file, func(t *testing.T) {
			var b bytes.Buffer
			if err := Doctor(&b, c.checkup, c.format, Style{}); err != nil {
				t.Fatal(err)
			}
			golden(t, c.file, b.Bytes())
		})
	}
}

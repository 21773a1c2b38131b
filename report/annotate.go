package report

import (
	"fmt"
	"strings"

	"wiretax/analyze"
	"wiretax/analyze/frame"
)

// FrameComment is what a capture can say beside a frame: its role, and who owns the octets it takes on the wire.
//
//	data: 156 B on the wire = ethernet 14 + ipv4 20 + udp 8 + payload 90 + 24 inferred
func FrameComment(f *analyze.FrameRow) string {
	var owners []string
	for o := range frame.NumMeasured {
		name := frame.Owner(o).String()
		if n := f.Owners[name]; n != 0 {
			owners = append(owners, fmt.Sprintf("%s %d", name, n))
		}
	}
	if inferred := f.WireBytes - f.Len; inferred != 0 {
		owners = append(owners, fmt.Sprintf("%d inferred", inferred))
	}
	s := fmt.Sprintf("%s: %d B on the wire = %s", f.Role, f.WireBytes, strings.Join(owners, " + "))
	if f.Expanded {
		s += fmt.Sprintf("; a super-frame: %d frames on the wire", f.Frames)
	}
	if repeated := f.PayloadBytes - f.UniqueBytes; repeated > 0 {
		s += fmt.Sprintf("; %d B of the payload were sent before", repeated)
	}
	return s
}

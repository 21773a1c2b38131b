package report

import (
	"slices"
	"strings"
	"time"

	"wiretax/analyze"
)

// restKey is the key of what belongs to no other group.
const restKey = "other"

// groupsTable is one row a group in the order of the view, the rest last.
func groupsTable(r *analyze.Result) *table {
	keys, note := groupKeys(r)
	t := &table{columns: append(keys.columns,
		column{name: "frames"}, column{name: "expanded\nfrom", priority: 1},
		column{name: "payload\nbytes", priority: 5}, column{name: "header\nbytes", priority: 6}, column{name: "wire\nbytes"},
		column{name: "share", unit: "%", priority: 2},
		column{name: "header/\npayload", priority: 4}, column{name: "eff.", unit: "%", priority: 3},
	)}
	rest := 0
	for i := range r.Groups {
		g := &r.Groups[i]
		row := append(keys.rows[i],
			integer(g.Frames), expandedFrom(g.Direction), integer(g.PayloadBytes), integer(g.HeaderBytes), integer(g.WireBytes),
			share(g.WireBytes, r.Totals.WireBytes), ratioOf(g.HeaderBytesPerPayloadByte, ratio), ratioOf(g.Efficiency, percent))
		if g.Key == restKey {
			t.rows = append(t.rows, row)
			rest++
			continue
		}
		t.rows = slices.Insert(t.rows, len(t.rows)-rest, row)
	}
	if note != "" && len(t.rows) > 0 {
		t.notes = append(t.notes, note)
	}
	*t = t.withoutBlank()
	return t
}

// expandedFrom is the number of records where some of them were super-frames.
func expandedFrom(directions ...analyze.Direction) string {
	var records, frames int64
	for _, d := range directions {
		records, frames = records+d.Records, frames+d.Frames
	}
	if records == frames {
		return ""
	}
	return integer(records)
}

// groupKeys are the columns that name the groups, and what a reader has to know about them.
func groupKeys(r *analyze.Result) (keys table, note string) {
	keys.columns = []column{{name: clean(r.By), left: true, least: leastAddress}}
	row := func(i int) []string { return []string{clean(r.Groups[i].Key)} }
	switch r.By {
	case "flow":
		keys.columns = []column{{name: "proto", left: true},
			{name: "a", left: true, least: leastAddress}, {name: "b", left: true, least: leastAddress}, {name: "network", left: true}}
		row = func(i int) []string { return flowKey(r.Groups[i].Key) }
	case "time":
		times, day := timeKeys(r.Groups)
		row = func(i int) []string { return []string{clean(times[i])} }
		note = "time: where a group begins, UTC" + day
	case "host":
		note = "host: what each one sent"
	case "port":
		note = "port: protocol and the lower of the two ports"
	case "size":
		note = "size: octets of a frame with FCS, in the classes of RFC 2819"
		keys.columns[0].left = false
	case "interface":
		note = "interface: by its number in the capture"
	}
	for i := range r.Groups {
		keys.rows = append(keys.rows, row(i))
	}
	return keys, note
}

// flowKey takes the name of a conversation apart: protocol, the two ends, and the network where one is named.
func flowKey(key string) []string {
	parts := strings.SplitN(strings.Replace(clean(key), " interface ", " if ", 1), " ", 4)
	return append(parts, make([]string, 4-len(parts))...)
}

// timeKeys writes the times with no more digits than tell them apart, and the day once where they share it.
func timeKeys(groups []analyze.Group) (keys []string, day string) {
	const clock, onDay = "15:04:05.000000000", "2006-01-02 "
	keys = make([]string, len(groups))
	digits := 0 // of the fraction that any of the times needs
	days := map[string]bool{}
	for i, g := range groups {
		keys[i] = g.Key
		if t, err := time.Parse(time.RFC3339Nano, g.Key); err == nil {
			keys[i] = t.UTC().Format(onDay + clock)
			day = keys[i][:len(onDay)]
			days[day] = true
			digits = max(digits, len(strings.TrimRight(keys[i], "0"))-len(onDay+"15:04:05."))
		}
	}
	length := len(onDay + "15:04:05")
	if digits > 0 {
		length += len(".") + digits
	}
	for i, g := range groups {
		switch {
		case keys[i] == g.Key: // no time
		case len(days) == 1:
			keys[i] = keys[i][len(onDay):length]
		default:
			keys[i] = keys[i][:length]
		}
	}
	if len(days) == 1 {
		return keys, " of " + strings.TrimSpace(day)
	}
	return keys, ""
}

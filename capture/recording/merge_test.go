package recording

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// writeCapture writes a pcapng file whose records have the given times and hold the name and their number.
func writeCapture(t testing.TB, dir, name string, times ...int64) string {
	t.Helper()
	path := filepath.Join(dir, name)
	w, err := Create(path, []Interface{{Link: linkEthernet, FCS: -1, Name: name}}, "")
	if err != nil {
		t.Fatal(err)
	}
	for i, nanos := range times {
		data := []byte(name + strconv.Itoa(i+1))
		if err := w.Write(Record{Data: data, WireLen: len(data), Nanos: nanos, FCS: -1}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestMergeOrder(t *testing.T) {
	for _, tc := range []struct {
		name  string
		files map[string][]int64
		want  string // records in order
	}{
		{"one file, whatever its order", map[string][]int64{"a": {5, 3, 4}}, "a1 a2 a3"},
		{"one after the other", map[string][]int64{"a": {3, 4}, "b": {1, 2}}, "b1 b2 a1 a2"},
		{"interleaved", map[string][]int64{"a": {1, 4, 5}, "b": {2, 3, 6}}, "a1 b1 b2 a2 a3 b3"},
		{"the same times: the file that begins first, else the one named first",
			map[string][]int64{"a": {2, 3}, "b": {1, 2, 3}, "c": {2, 3}}, "b1 b2 a1 c1 b3 a2 c2"},
		{"time goes backward in a file", map[string][]int64{"a": {1, 9, 2}, "b": {3, 8}}, "a1 b1 b2 a2 a3"},
		{"a file without records", map[string][]int64{"a": {}, "b": {1}}, "b1"},
		{"no records at all", map[string][]int64{"a": {}, "b": {}}, ""},
		{"records without a time come as soon as their file's turn has come",
			map[string][]int64{"a": {1, NoTime, 3}, "b": {2, NoTime, 9}}, "a1 a2 b1 b2 a3 b3"},
		{"a gap in one file that another fills", map[string][]int64{"a": {1, 10}, "b": {5, 20}, "c": {7}}, "a1 b1 c1 a2 b2"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dir := t.TempDir()
			var names []string
			for name, times := range tc.files {
				names = append(names, writeCapture(t, dir, name, times...))
			}
			slices.Sort(names)
			m, err := OpenAll(t.Context(), names, nil)
			if err != nil {
				t.Fatal(err)
			}
			defer m.Close()
			records, err := drain(m)
			if err != nil {
				t.Error(err)
			}
			var got []string
			for _, r := range records {
				got = append(got, string(r.Data))
				if i := m.Interfaces()[r.Interface]; !strings.HasPrefix(string(r.Data), i.Name) {
					t.Errorf("record %s is of interface %s", r.Data, i.Name)
				}
			}
			if got := strings.Join(got, " "); got != tc.want {
				t.Errorf("got %s, want %s", got, tc.want)
			}
			if len(m.Interfaces()) != len(names) || m.Offset() != m.Size() || m.Format() != "pcapng" {
				t.Errorf("%d interfaces, offset %d, size %d, format %s", len(m.Interfaces()), m.Offset(), m.Size(), m.Format())
			}
		})
	}
}

func TestMergeLongFiles(t *testing.T) {
	dir := t.TempDir()
	var times [3][]int64
	for i := range int64(5000) {
		times[i*i%3] = append(times[i*i%3], i)
	}
	m, err := OpenAll(t.Context(), []string{writeCapture(t, dir, "a", times[0]...), writeCapture(t, dir, "b", times[1]...), writeCapture(t, dir, "c", 2500)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	records, err := drain(m)
	if err != nil || len(records) != 5001 {
		t.Errorf("%d records, %v", len(records), err)
	}
	if !slices.IsSortedFunc(records, func(a, b Record) int { return int(a.Nanos - b.Nanos) }) {
		t.Error("not in the order of time")
	}
}

func TestMergeOfPipeAndFiles(t *testing.T) {
	dir := t.TempDir()
	a, b := writeCapture(t, dir, "a", 1, 4), writeCapture(t, dir, "b", 2, 3)
	stdin, err := os.ReadFile(b)
	if err != nil {
		t.Fatal(err)
	}
	m, err := OpenAll(t.Context(), []string{"-", a}, bytes.NewReader(gzipped(stdin)))
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	records, err := drain(m)
	if err != nil || len(records) != 4 || string(records[1].Data) != "b1" {
		t.Errorf("%v, %v", records, err)
	}
	if m.Size() != -1 || m.Compression() != "mixed" || !slices.Equal(m.Files(), []string{a, "-"}) {
		t.Errorf("size %d, compression %s, files %v", m.Size(), m.Compression(), m.Files())
	}
}

func TestMergeGoesOnAfterACut(t *testing.T) {
	dir := t.TempDir()
	a, b, c := writeCapture(t, dir, "a", 1, 2), writeCapture(t, dir, "b", 1, 5), writeCapture(t, dir, "c", 3, 4, 6)
	for _, name := range []string{a, b} {
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(name, info.Size()-1); err != nil {
			t.Fatal(err)
		}
	}
	m, err := OpenAll(t.Context(), []string{a, b, c}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	records, err := drain(m)
	var cut *CutError
	if len(records) != 5 || !errors.As(err, &cut) || cut.File != a || cut.Frame != 1 || !strings.Contains(err.Error(), "\n"+b+": cut off after frame 1") {
		t.Errorf("%d records, %v", len(records), err)
	}
}

func TestMergeRefusesWhatIsNoCapture(t *testing.T) {
	dir := t.TempDir()
	notes := filepath.Join(dir, "notes.txt")
	if err := os.WriteFile(notes, []byte("notes"), 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenAll(t.Context(), []string{writeCapture(t, dir, "a", 1), notes}, nil); err == nil || err.Error() != notes+": not a capture: plain text" {
		t.Error(err)
	}
}

package recording

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// writeCapture writes a pcapng file of an interface whose records have the given times and hold the file's name and their
// number.
func writeCapture(t testing.TB, dir, name, ifName string, times ...int64) string {
	t.Helper()
	path := filepath.Join(dir, name)
	w, err := Create(path, []Interface{{Link: linkEthernet, FCS: -1, Name: ifName}}, "")
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
				names = append(names, writeCapture(t, dir, name, name, times...))
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

// The files of a ring buffer are of one interface; those that overlap in time are of several, whatever they say, and so are those of
// other names: they may be of two hosts whose clocks are far apart.
func TestMergeInterfaces(t *testing.T) {
	type file struct {
		name, ifName string
		times        []int64
	}
	for _, tc := range []struct {
		name  string
		files []file
		want  []int32 // interface of each record, in order
	}{
		{"one after the other", []file{{"a1", "eth0", []int64{1, 2}}, {"a2", "eth0", []int64{3}}, {"a3", "eth0", []int64{4}}}, []int32{0, 0, 0, 0}},
		{"the last time of one is the first of the next", []file{{"a1", "eth0", []int64{1, 2, 2}}, {"a2", "eth0", []int64{2, 3}}}, []int32{0, 0, 0, 0, 0}},
		{"overlapping", []file{{"a1", "eth0", []int64{1, 3}}, {"a2", "eth0", []int64{2, 4}}}, []int32{0, 1, 0, 1}},
		{"numbered from the second on", []file{{"a.pcapng", "eth0", []int64{1}}, {"a.pcapng1", "eth0", []int64{2}}}, []int32{0, 0}},
		{"those that are full are compressed", []file{{"a1.pcapng.lz4", "eth0", []int64{1}}, {"a2.pcapng", "eth0", []int64{2}}}, []int32{0, 0}},
		{"other names", []file{{"client", "eth0", []int64{1, 2}}, {"server", "eth0", []int64{3, 4}}}, []int32{0, 0, 1, 1}},
		{"one of them twice", []file{{"a1", "eth0", []int64{1}}, {"a1", "eth0", []int64{1}}, {"a2", "eth0", []int64{2}}}, []int32{0, 1, 0}},
		{"other interfaces", []file{{"a1", "eth0", []int64{1}}, {"a2", "eth1", []int64{2}}}, []int32{0, 1}},
		{"two places at the same time, each with two files: names tell whose is whose",
			[]file{{"a1", "", []int64{1, 3}}, {"b1", "", []int64{2, 4}}, {"b2", "", []int64{5, 7}}, {"a2", "", []int64{6, 8}}},
			[]int32{0, 1, 0, 1, 1, 0, 1, 0}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dir := t.TempDir()
			var names []string
			for _, f := range tc.files {
				names = append(names, writeCapture(t, dir, f.name, f.ifName, f.times...))
			}
			m, err := OpenAll(t.Context(), names, nil)
			if err != nil {
				t.Fatal(err)
			}
			defer m.Close()
			records, err := drain(m)
			var got []int32
			for _, r := range records {
				got = append(got, r.Interface)
			}
			if err != nil || !slices.Equal(got, tc.want) {
				t.Errorf("got %v, want %v, error %v", got, tc.want, err)
			}
		})
	}
}

// Batches stay valid while others are filled, whether their records are those of one file or of several.
func TestMergeFillsBatches(t *testing.T) {
	dir := t.TempDir()
	var times [4][]int64
	for i := range int64(200_000) { // each file is longer than several chunks, and alone but where the second begins before the first ends
		at := i / 50_000
		if i > 15_000 && i < 85_000 {
			at = i % 2
		}
		times[at] = append(times[at], i)
	}
	var names []string
	for i, list := range times {
		names = append(names, writeCapture(t, dir, string(rune('a'+i)), "", list...))
	}
	m, err := OpenAll(t.Context(), names, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	var batches [8]Batch
	var want [8][]string
	last := int64(-1)
	records := 0
	for i := 0; err == nil; i = (i + 1) % len(batches) {
		for k, list := range want {
			for n, text := range list {
				if got := string(batches[k].Records[n].Data); got != text {
					t.Fatalf("record %s has become %s", text, got)
				}
			}
		}
		want[i] = want[i][:0]
		err = m.Fill(&batches[i])
		for _, r := range batches[i].Records {
			if r.Nanos != last+1 {
				t.Fatalf("record of time %d behind that of %d", r.Nanos, last)
			}
			last = r.Nanos
			want[i] = append(want[i], string(r.Data))
		}
		records += len(batches[i].Records)
	}
	if err != io.EOF || records != 200_000 {
		t.Errorf("%d records, %v", records, err)
	}
}

// Compressed files of a ring buffer are decompressed ahead; one that is cut off or has gone does not keep the others from being
// read, and all buffers come back.
func TestMergeReadsAhead(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(4))
	const files, records = 6, 3000
	dir := t.TempDir()
	var names []string
	for i := range uint32(files) {
		file := pcapHeader(littleEndian, 0xa1b23c4d, 2, 4, 65535, 1)
		for n := range uint32(records) {
			file = appendPcapRecord(file, littleEndian, 16, i, n, 1000, 1000, make([]byte, 1000))
		}
		if file = gzipped(file); i == 1 {
			file = file[:len(file)/2]
		}
		names = append(names, filepath.Join(dir, string(rune('a'+i))+".pcap.gz"))
		if err := os.WriteFile(names[i], file, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	before := runtime.NumGoroutine()
	m, err := OpenAll(t.Context(), names, nil)
	if err != nil {
		t.Fatal(err)
	}
	os.Remove(names[3])
	var batch Batch
	counts := map[int64]int{} // by second, which is the file
	for err == nil {
		err = m.Fill(&batch)
		for _, r := range batch.Records {
			counts[r.Nanos/1e9]++
		}
		if open := openFiles(m); open > 3 {
			t.Fatalf("%d files open", open)
		}
	}
	var cut *CutError
	if !errors.As(err, &cut) || cut.File != names[1] || cut.Frame != int64(counts[1]) || !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error %v", err)
	}
	for i := range int64(files) {
		if n := counts[i]; n != records && i != 1 && i != 3 || i == 1 && (n == 0 || n == records) || i == 3 && n != 0 {
			t.Errorf("%s: %d records", names[i], n)
		}
	}
	if open := openFiles(m); open > 0 {
		t.Errorf("%d files are held at the end", open)
	}
	m.Close()
	for range 100 {
		if len(m.shared) == cap(m.shared) && runtime.NumGoroutine() <= before {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("%d of %d buffers are back, %d goroutines, %d before", len(m.shared), cap(m.shared), runtime.NumGoroutine(), before)
}

func openFiles(m *Merge) (n int) {
	for _, in := range m.inputs {
		if in.file != nil {
			n++
		}
	}
	return n
}

func TestMergeLongFiles(t *testing.T) {
	dir := t.TempDir()
	var times [3][]int64
	for i := range int64(5000) {
		times[i*i%3] = append(times[i*i%3], i)
	}
	m, err := OpenAll(t.Context(), []string{writeCapture(t, dir, "a", "a", times[0]...), writeCapture(t, dir, "b", "b", times[1]...), writeCapture(t, dir, "c", "c", 2500)}, nil)
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
	a, b := writeCapture(t, dir, "a", "a", 1, 4), writeCapture(t, dir, "b", "b", 2, 3)
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
	a, b, c := writeCapture(t, dir, "a", "a", 1, 2), writeCapture(t, dir, "b", "b", 1, 5), writeCapture(t, dir, "c", "c", 3, 4, 6)
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
	if _, err := OpenAll(t.Context(), []string{writeCapture(t, dir, "a", "a", 1), notes}, nil); err == nil || err.Error() != notes+": not a capture: plain text" {
		t.Error(err)
	}
}

package recording

import (
	"bytes"
	"cmp"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
)

// TestMergeIsWhatItSays compares Merge with its definition, over files of all kinds: that follow each other or overlap, whose times
// are equal, go backward or are missing, short and longer than a chunk, compressed or not.
func TestMergeIsWhatItSays(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for round := range 60 {
		dir := t.TempDir()
		var names []string
		var files [][]Record
		for i := range 1 + rng.IntN(5) {
			name := filepath.Join(dir, strconv.Itoa(i))
			records := madeUpRecords(rng, name, i)
			b, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			if rng.IntN(4) == 0 {
				b = lz4ed(b)
			}
			if err := os.WriteFile(name, b, 0o666); err != nil {
				t.Fatal(err)
			}
			names, files = append(names, name), append(files, records)
		}
		want := inOrder(files)
		m, err := OpenAll(t.Context(), names, nil)
		if err != nil {
			t.Fatal(err)
		}
		batches := make([]Batch, 1+rng.IntN(3))
		n := 0
		for i := 0; err == nil; i = (i + 1) % len(batches) {
			err = m.Fill(&batches[i])
			for _, r := range batches[i].Records {
				if n == len(want) || r.Nanos != want[n].Nanos || !bytes.Equal(r.Data, want[n].Data) {
					t.Fatalf("round %d, %d files: record %d is another: time %d", round, len(files), n, r.Nanos)
				}
				n++
			}
		}
		if err != io.EOF || n != len(want) {
			t.Errorf("round %d: %d records of %d, %v", round, n, len(want), err)
		}
		m.Close()
	}
}

// madeUpRecords writes a file and returns what it holds.
func madeUpRecords(rng *rand.Rand, name string, place int) (records []Record) {
	w, err := Create(name, []Interface{{Link: linkEthernet, FCS: -1}}, "")
	if err != nil {
		panic(err)
	}
	longest := 1 + rng.IntN(3)*rng.IntN(1500)
	at := int64(1_000_000 + place*rng.IntN(2)*1000)
	for range rng.IntN(2) * rng.IntN(3000) {
		at += int64(rng.IntN(4))
		if rng.IntN(200) == 0 {
			at -= int64(rng.IntN(500))
		}
		r := Record{Data: bytes.Repeat([]byte{byte(rng.Uint32())}, 1+rng.IntN(longest)), Nanos: at, FCS: -1}
		if r.WireLen = len(r.Data); rng.IntN(300) == 0 {
			r.Nanos = NoTime
		}
		if err := w.Write(r); err != nil {
			panic(err)
		}
		records = append(records, r)
	}
	if err := w.Close(); err != nil {
		panic(err)
	}
	return records
}

// inOrder is the definition: the next record is the earliest among the next records of all files; at the same time that of the file
// that began first, else the one named first.
func inOrder(files [][]Record) (all []Record) {
	files = slices.DeleteFunc(files, func(f []Record) bool { return len(f) == 0 })
	slices.SortStableFunc(files, func(a, b []Record) int { return cmp.Compare(a[0].Nanos, b[0].Nanos) })
	for {
		var next *[]Record
		for i := range files {
			if f := &files[i]; len(*f) > 0 && (next == nil || (*f)[0].Nanos < (*next)[0].Nanos) {
				next = f
			}
		}
		if next == nil {
			return all
		}
		all, *next = append(all, (*next)[0]), (*next)[1:]
	}
}

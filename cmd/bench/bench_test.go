package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"wiretax/capture/recording"
)

// An input is the same capture each time, whole and as long as it says.
func TestInputs(t *testing.T) {
	for _, in := range inputs(2000) {
		t.Run(in.name, func(t *testing.T) {
			var sums [2][sha256.Size]byte
			var file bytes.Buffer
			for i := range sums {
				file.Reset()
				if err := in.writeTo(&file); err != nil {
					t.Fatal(err)
				}
				sums[i] = sha256.Sum256(file.Bytes())
			}
			if sums[0] != sums[1] {
				t.Error("the second time it differs")
			}
			r, err := recording.Open("-", &file)
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			records := 0
			var b recording.Batch
			for err == nil {
				err = r.Fill(&b)
				records += len(b.Records)
			}
			if !errors.Is(err, io.EOF) || records != in.records {
				t.Errorf("%d records, want %d; %v", records, in.records, err)
			}
			want := strings.Split(in.name, ".")
			if r.Format() != want[1] || len(want) == 3 && !strings.HasPrefix(map[string]string{"gz": "gzip", "zst": "zstd"}[want[2]], r.Compression()) {
				t.Errorf("%s, %s", r.Format(), r.Compression())
			}
		})
	}
}

func TestInputsAreBuiltOnce(t *testing.T) {
	in, dir := inputs(100)[0], t.TempDir()
	path, err := in.build(dir)
	if err != nil {
		t.Fatal(err)
	}
	in.write = func(sink, int) error { return errors.New("again") }
	if again, err := in.build(dir); err != nil || again != path {
		t.Errorf("%s, %v, want %s", again, err, path)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*.part")); len(left) > 0 {
		t.Errorf("%v is left", left)
	}
	if err := walkRecords(path); err != nil {
		t.Error(err)
	}
}

func TestAProgramThatFailsEndsTheMeasurement(t *testing.T) {
	in := inputs(100)[0]
	failing := []program{{"false", []string{"false"}}}
	if err := measure(context.Background(), &in, failing, 1); err == nil {
		t.Error("no error")
	}
}

package recording

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

var writerInterfaces = []Interface{
	{Link: linkEthernet, SnapLen: 256, Name: "a", Filter: "udp", Description: "first", FCS: -1},
	{Link: 276, Name: "b", FCS: 0},
	{Link: linkEthernet, SnapLen: 65535, FCS: 4},
}

func TestWriterIsReadBack(t *testing.T) {
	var file bytes.Buffer
	w := NewWriter(&file, writerInterfaces, "16 messages of 90 B")
	want := []Record{
		{Data: frame, WireLen: len(frame), Nanos: 1_700_000_000_123_456_789, Interface: 0, Link: 1, FCS: -1},
		{Data: frame[:14], WireLen: 1514, Nanos: 0, Interface: 0, Link: 1, FCS: 4},
		{Data: frame[:15], WireLen: 15, Nanos: 1, Interface: 1, Link: 276, FCS: 0},
		{Data: frame[:16], WireLen: 1, Nanos: 1<<63 - 1, Interface: 2, Link: 1, FCS: 4},
		{Data: []byte{}, WireLen: 0, Nanos: 5, Interface: 2, Link: 1, FCS: 4},
		{Data: frame, WireLen: len(frame), Nanos: NoTime, Interface: 0, Link: 1, FCS: -1},
		{Data: bytes.Repeat(frame, 300)[:256], WireLen: 5100, Nanos: NoTime, Interface: 0, Link: 1, FCS: -1},
		{Data: bytes.Repeat(frame, 15000), WireLen: 1<<32 - 1, Nanos: 5, Interface: 3, Link: 101, FCS: -1},
	}
	for _, r := range want {
		if r.Interface == 3 {
			w.AddInterface(Interface{Link: 101, Name: "late", FCS: -1})
		}
		if err := w.Write(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	got, r, err := recordsOf(t, file.Bytes())
	if err != nil {
		t.Error(err)
	}
	wantRecords(t, got, want)
	for i, want := range append(slices.Clone(writerInterfaces), Interface{Link: 101, Name: "late", FCS: -1}) {
		want.File = "stdin"
		if got := r.Interfaces()[i]; got != want {
			t.Errorf("interface %d: got %+v, want %+v", i, got, want)
		}
	}
	if !bytes.Contains(file.Bytes(), []byte("16 messages of 90 B")) {
		t.Error("no comment")
	}
}

// What the format can't say becomes what is nearest: there is no time before 1970, and a simple packet block has no
// capture length of its own.
func TestWriterApproximates(t *testing.T) {
	var file bytes.Buffer
	w := NewWriter(&file, writerInterfaces, "")
	for _, r := range []Record{
		{Data: frame, WireLen: 17, Nanos: -5, FCS: -1},
		{Data: frame[:14], WireLen: 17, Nanos: NoTime, FCS: -1},
		{Data: frame, WireLen: 17, Nanos: NoTime, Interface: 1, FCS: 0},
	} {
		if err := w.Write(r); err != nil {
			t.Error(err)
		}
	}
	if err := w.Write(Record{Interface: 3}); err == nil || err.Error() != "capture: record of interface 3, 3 are described" {
		t.Error(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	got, _, err := recordsOf(t, file.Bytes())
	if err != nil || len(got) != 3 {
		t.Fatalf("%d records, %v", len(got), err)
	}
	for i, r := range got {
		if r.Nanos != 0 {
			t.Errorf("record %d: time %d", i+1, r.Nanos)
		}
	}
}

func namesIn(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func TestCreateShowsOnlyWholeFiles(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.pcapng")
	if err := os.WriteFile(path, []byte("before"), 0o666); err != nil {
		t.Fatal(err)
	}
	w, err := Create(path, writerInterfaces, "")
	if err != nil {
		t.Fatal(err)
	}
	if b, _ := os.ReadFile(path); string(b) != "before" {
		t.Errorf("changed before Close: %q", b)
	}
	w.Abort()
	if got := namesIn(t, dir); !slices.Equal(got, []string{"a.pcapng"}) {
		t.Errorf("after Abort: %v", got)
	}
	if w, err = Create(path, writerInterfaces, ""); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if b, _ := os.ReadFile(path); !strings.HasPrefix(string(b), "\n\r\r\n") {
		t.Errorf("after Close: %q", b)
	}
	if got := namesIn(t, dir); !slices.Equal(got, []string{"a.pcapng"}) {
		t.Errorf("after Close: %v", got)
	}
}

func TestCreateFollowsLinksAndKeepsDevices(t *testing.T) {
	dir := t.TempDir()
	target, link := filepath.Join(dir, "target"), filepath.Join(dir, "link")
	if err := os.WriteFile(target, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("target", link); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{link, os.DevNull} {
		w, err := Create(name, writerInterfaces, "")
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	}
	if info, err := os.Lstat(link); err != nil || info.Mode().Type() != fs.ModeSymlink {
		t.Errorf("the link became %v, %v", info, err)
	}
	if info, err := os.Stat(target); err != nil || info.Size() == 0 {
		t.Errorf("the target is %v, %v", info, err)
	}
	if info, err := os.Stat(os.DevNull); err != nil || info.Mode().IsRegular() {
		t.Errorf("%s became %v, %v", os.DevNull, info.Mode(), err)
	}
}

func TestWriterErrors(t *testing.T) {
	if _, err := Create(filepath.Join(t.TempDir(), "none", "a"), nil, ""); err == nil || !strings.HasSuffix(err.Error(), "none/a: no such file or directory") {
		t.Error(err)
	}
	w, err := Create("/dev/full", writerInterfaces, "")
	if errors.Is(err, fs.ErrNotExist) && os.Getenv("CI") == "" {
		t.Skip(err) // no such device on this system
	}
	if err != nil {
		t.Fatal(err)
	}
	for err == nil {
		err = w.Write(Record{Data: frame, WireLen: 17, FCS: -1})
	}
	if !errors.Is(err, syscall.ENOSPC) || err.Error() != "write /dev/full: no space left on device" {
		t.Error(err)
	}
	if again := w.Close(); again == nil || again.Error() != err.Error() {
		t.Errorf("Close: %v, want %v", again, err)
	}
}

func TestCreateDir(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "d")
	for _, what := range []string{"new", "empty"} {
		release, err := CreateDir(dir)
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		if _, err := CreateDir(dir); err == nil || !strings.Contains(err.Error(), "another run is recording there") {
			t.Errorf("%s, while it is taken: %v", what, err)
		}
		release()
	}
	if err := WriteManifest(dir, []byte("{}")); err != nil {
		t.Error(err)
	}
	if _, err := CreateDir(dir); err == nil || err.Error() != dir+": directory is not empty (choose another --out, or --resume it)" {
		t.Error(err)
	}
	if _, err := CreateDir(filepath.Join(dir, ManifestName)); !errors.Is(err, syscall.ENOTDIR) {
		t.Errorf("a file: %v", err)
	}
}

func TestManifest(t *testing.T) {
	dir := t.TempDir()
	if _, err := ReadManifest(dir); !errors.Is(err, os.ErrNotExist) || !strings.HasPrefix(err.Error(), dir+": not a recording: it holds no run.json") {
		t.Error(err)
	}
	for _, json := range []string{`{"a":1}`, `{}`} {
		if err := WriteManifest(dir, []byte(json)); err != nil {
			t.Error(err)
		}
		if b, err := ReadManifest(dir); err != nil || string(b) != json {
			t.Errorf("%s, %v, want %s", b, err, json)
		}
	}
	if got := namesIn(t, dir); !slices.Equal(got, []string{ManifestName}) {
		t.Errorf("in the directory: %v", got)
	}
	if err := WriteManifest(filepath.Join(dir, "none"), nil); err == nil || !strings.HasSuffix(err.Error(), "none/run.json: no such file or directory") {
		t.Error(err)
	}
}

// Comments and statistics are for other readers: ours passes over them.
func TestWriterAnnotates(t *testing.T) {
	var file bytes.Buffer
	w := NewWriter(&file, writerInterfaces[:1], "")
	want := []Record{
		{Data: frame, WireLen: len(frame), Nanos: 5, Link: 1, FCS: -1},
		{Data: frame, WireLen: len(frame), Nanos: 6, Link: 1, FCS: 4}, // a comment and flags
		{Data: frame, WireLen: len(frame), Nanos: NoTime, Link: 1, FCS: -1},
	}
	for _, r := range want {
		if err := w.Annotate(r, "data: it was"); err != nil {
			t.Fatal(err)
		}
	}
	start := time.Unix(1_700_000_000, 1)
	w.AddStatistics(0, Statistics{Start: start, End: start.Add(time.Second), Received: 3, OSDropped: 2, IfDropped: 1, Delivered: 3})
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	got, _, err := recordsOf(t, file.Bytes())
	if err != nil {
		t.Error(err)
	}
	wantRecords(t, got, want)
	if n := bytes.Count(file.Bytes(), []byte("data: it was")); n != 2 {
		t.Errorf("%d comments, want 2: a simple packet block has none", n)
	}
	start64 := uint64(start.UnixNano())
	le := binary.LittleEndian
	isb := le.AppendUint32(le.AppendUint32(le.AppendUint16(le.AppendUint16(nil, optionStart), 8), uint32(start64>>32)), uint32(start64))
	osDrop := le.AppendUint64(le.AppendUint16(le.AppendUint16(nil, optionOSDropped), 8), 2)
	if !bytes.Contains(file.Bytes(), isb) || !bytes.Contains(file.Bytes(), osDrop) {
		t.Errorf("statistics: % x", file.Bytes())
	}
}

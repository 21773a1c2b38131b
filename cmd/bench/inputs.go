package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// input is a capture that the benchmark makes. It has the same octets on every machine.
type input struct {
	name    string
	about   string // what is in it, beside the number of records
	records int
	write   func(s sink, records int) error
}

// fullSize is the number of records of the inputs as they are meant.
const fullSize = 10_000_000

// inputs are those of a size: the number of records of most of them.
func inputs(size int) []input {
	return []input{
		{"small.pcap", "UDP datagrams of 90 B, 16 flows", size, writeSmall},
		{"small.pcapng", "the same as pcapng", size, writeSmall},
		{"mix.pcap", "TCP, UDP and ICMP over IPv4 and IPv6, a flow every 100 records", size, writeMix},
		{"many.pcap", "the same, a flow every 6 records", size / 10 * 6, writeMany},
		{"flood.pcap", "SYN flood, each record a flow", 5 * size, writeFlood},
		{"mix.pcap.zst", "the mix", size / 5, writeMix},
		{"mix.pcap.gz", "the mix", size / 5, writeMix},
		{"part.pcap", "the mix", size / 10, writeMix},
	}
}

// title is the input in the table.
func (in *input) title() string {
	count := fmt.Sprintf("%d k", in.records/1000)
	if in.records >= 1_000_000 {
		count = fmt.Sprintf("%.1f M", float64(in.records)/1e6)
	}
	return fmt.Sprintf("%s: %s records, %s", in.name, count, in.about)
}

// build writes the input to a folder unless it is there already.
func (in *input) build(dir string) (path string, err error) {
	path = filepath.Join(dir, in.name)
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	f, err := os.Create(path + ".part")
	if err != nil {
		return "", err
	}
	if err := in.writeTo(f); err != nil {
		f.Close()
		return "", fmt.Errorf("write %s: %w", path, err)
	}
	if err := f.Close(); err != nil {
		return "", err
	}
	return path, os.Rename(path+".part", path)
}

// writeTo writes the input in the format that its name says.
func (in *input) writeTo(w io.Writer) error {
	finish := func() error { return nil }
	switch filepath.Ext(in.name) {
	case ".zst":
		z, err := zstd.NewWriter(w)
		if err != nil {
			return err
		}
		w, finish = z, z.Close
	case ".gz":
		z := gzip.NewWriter(w)
		w, finish = z, z.Close
	}
	var s sink
	if strings.HasSuffix(in.name, ".pcapng") {
		s = newPcapngSink(w)
	} else {
		s = newPcapSink(w)
	}
	if err := in.write(s, in.records); err != nil {
		return err
	}
	return finish()
}

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
	about   string
	records int
	write   func(s sink, records int) error
}

func inputs() []input {
	return []input{
		{"small.pcap", "10 M UDP datagrams of 90 B, 16 flows", 10_000_000, writeSmall},
		{"small.pcapng", "the same as pcapng", 10_000_000, writeSmall},
		{"mix.pcap", "10 M records, TCP, UDP and ICMP over IPv4 and IPv6, 100 k flows", 10_000_000, writeMix},
		{"many.pcap", "6 M records, 1 M flows", 6_000_000, writeMany},
		{"flood.pcap", "SYN flood, 50 M records, 50 M flows", 50_000_000, writeFlood},
		{"mix.pcap.zst", "2 M records of the mix", 2_000_000, writeMix},
		{"mix.pcap.gz", "2 M records of the mix", 2_000_000, writeMix},
		{"part.pcap", "1 M records of the mix", 1_000_000, writeMix},
	}
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

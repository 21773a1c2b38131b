// Bench measures wiretax analyze beside the tools that its users know, on captures that it makes itself: make bench.
//
// All programs read the same file from the page cache, one after the other, in several rounds; the table has medians. A tool
// that is not installed is left out.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"wiretax/capture/recording"
)

func main() {
	dir := flag.String("dir", filepath.Join(os.TempDir(), "wiretax-bench"), "folder for the captures, which stay there")
	size := flag.Int("records", fullSize, "records of an input, about 1 kB of captures each")
	program := flag.String("wiretax", "./wiretax", "the program to measure")
	rounds := flag.Int("rounds", 5, "runs of each program")
	only := flag.String("only", "", "inputs to use, separated by commas (default: all)")
	write := flag.String("write", "", "write this input to standard output and end")
	walk := flag.String("walk", "", "read the records of this capture and end")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	var err error
	switch {
	case *write != "":
		err = writeInput(*write, *size)
	case *walk != "":
		err = walkRecords(*walk)
	default:
		err = compare(ctx, filepath.Join(*dir, strconv.Itoa(*size)), *program, *size, *rounds, *only)
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "bench: %v\n", err)
		os.Exit(1)
	}
}

func writeInput(name string, size int) error {
	for _, in := range inputs(size) {
		if in.name == name {
			return in.writeTo(os.Stdout)
		}
	}
	return fmt.Errorf("write %s: no such input", name)
}

// walkRecords is the least that any program has to do: find the records.
func walkRecords(name string) error {
	r, err := recording.Open(name, nil)
	if err != nil {
		return err
	}
	defer r.Close()
	var b recording.Batch
	for err == nil {
		err = r.Fill(&b)
	}
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// compare measures all programs on the inputs and prints the table.
func compare(ctx context.Context, dir, wiretax string, size, rounds int, only string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	fmt.Println("| program | wall s | CPU s | peak MB | wall / wiretax | CPU / wiretax |")
	fmt.Println("|---|--:|--:|--:|--:|--:|")
	for _, in := range inputs(size) {
		if only != "" && !slices.Contains(strings.Split(only, ","), in.name) {
			continue
		}
		path, err := in.build(dir)
		if err != nil {
			return err
		}
		if err := measure(ctx, &in, programs(wiretax, self, path), rounds); err != nil {
			return err
		}
	}
	return nil
}

// program is a command line to measure.
type program struct {
	name string
	args []string
}

// programs are those that are installed and finish the input in reasonable time.
func programs(wiretax, self, path string) []program {
	list := []program{{"wiretax analyze", []string{wiretax, "analyze", path}}}
	switch name := filepath.Base(path); name {
	case "flood.pcap":
		list[0] = program{"wiretax analyze --max-flows 100000", []string{wiretax, "analyze", "--max-flows", "100000", path}}
		list = append(list, program{"capinfos -c", []string{"capinfos", "-c", path}})
	case "mix.pcap.zst":
		list = append(list, program{"(records only)", []string{self, "-walk", path}}, program{"zstd -dc", []string{"zstd", "-dcq", path}})
	case "mix.pcap.gz":
		list = append(list, program{"(records only)", []string{self, "-walk", path}}, program{"gzip -dc", []string{"gzip", "-dc", path}})
	case "part.pcap":
		list = append(list, program{"tcptrace", []string{"tcptrace", "-n", path}},
			program{"tshark -z conv,tcp", []string{"tshark", "-q", "-z", "conv,tcp", "-r", path}})
	default:
		list = append(list, program{"(records only)", []string{self, "-walk", path}},
			program{"capinfos -c", []string{"capinfos", "-c", path}},
			program{"tcpdump --count", []string{"tcpdump", "--count", "-r", path}})
		if name == "mix.pcap" {
			list = append(list, program{"tcptrace", []string{"tcptrace", "-n", path}})
		}
	}
	return slices.DeleteFunc(list, func(p program) bool {
		_, err := exec.LookPath(p.args[0])
		return err != nil
	})
}

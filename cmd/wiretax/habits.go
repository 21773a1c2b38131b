package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

// habits are flags that tcpdump, tshark, iperf3, ping and hyperfine have and a command of wiretax has not, with what to type instead.
var habits = map[string]map[string]string{
	"wiretax": {
		"i": "an interface is for run and watch: wiretax watch -i IF",
		"r": "a capture is read by wiretax analyze FILE", "c": "want run or serve",
		"s": "want serve",
		"V": "want -v or --version",
	},
	"run": {
		"trials": "want --runs", "repeat": "want --runs", "count": "want --messages or -n", "c": "want -n or --messages",
		"s": "want --size", "l": "want --size", "length": "want --size", "len": "want --size", "b": "want --rate", "bandwidth": "want --rate", "bitrate": "want --rate",
		"delay": "want --rtt, which is both ways", "latency": "want --rtt", "w": "want --out DIR", "r": "a capture is read by wiretax analyze FILE; --from FILE sends its messages anew",
		"u": "want -t udp", "protocol": "want -t or --transports", "6": "want --ip 6", "4": "want --ip 4", "N": "want -t tcp-nodelay",
		"P": "want --connections", "parallel": "want --connections", "M": "want --mtu", "mss": "want --mtu", "J": "want --json",
		"m": "want --mtu", "time": "a run sends --messages N, not for a time", "duration": "a run sends --messages N, not for a time", "client": "want --to HOST", "server": "want wiretax serve",
		"export-json": "want --json -o FILE", "export-csv": "want --format csv -o FILE", "export-markdown": "want --format markdown -o FILE",
	},
	"analyze": {
		"i": "an interface is read live, by wiretax watch -i IF", "nn": "names are never resolved, -n is enough", "v": "want --frames, a row a record",
		"T": "want --format", "z": "want --by", "q": "want --by", "Y": "there are no display filters, want -f or --by",
	},
	"watch": {
		"r": "a file is read by wiretax analyze FILE", "nn": "names are never resolved", "interval": "want --every", "time": "want --duration", "t": "want --duration",
	},
}

// noArguments says what a word behind run may be meant for: a host, as for ping and iperf3, or a file.
func noArguments(_ *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return fmt.Errorf("unexpected argument %q: run has flags only, --to HOST for another host, --from FILE for the messages of a capture", args[0])
}

// elsewhere says what to type instead of a flag that other tools have; nothing where it is no habit.
func elsewhere(c *cobra.Command, flag string) string { return habits[c.Name()][flag] }

package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"wiretax/analyze"
	"wiretax/capture/lab"
	"wiretax/capture/recording"
)

// raceOptions keep programs under the race detector from sleeping for a second before they exit, which they do by default:
// https://go.dev/doc/articles/race_detector#Options.
const raceOptions = "atexit_sleep_ms=0"

func TestMain(m *testing.M) {
	os.Setenv("GORACE", raceOptions) // of the programs that tests start
	testscript.Main(m, map[string]func(){"wiretax": main, "forbidden": forbidden, "watchhost": watchHost, "besidehost": besideHost})
}

// TestScripts runs the program as its users do. Scripts are in testdata/script.
func TestScripts(t *testing.T) {
	pcap, err := filepath.Abs("../../testdata/pcap")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir: "../../testdata/script",
		Setup: func(env *testscript.Env) error {
			env.Setenv("PCAP", pcap)
			env.Setenv("GORACE", raceOptions)
			env.Setenv("LC_ALL", "C.UTF-8")
			return writeCaptures(env.WorkDir)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"code": expectCode, "valid": expectValid, "validlines": expectValidLines},
		Condition: func(condition string) (bool, error) {
			switch condition {
			case "lab": // in CI the lab has to work, whatever it says
				return os.Getenv("CI") != "" || labWorks(), nil
			case "root":
				return os.Getuid() == 0, nil
			}
			return false, nil
		},
		UpdateScripts: os.Getenv("UPDATE") != "",
	})
}

// expectCode runs wiretax and compares its exit code: code 4 analyze cut.pcap.
func expectCode(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: code N argument...")
	}
	code := 0
	err := ts.Exec("wiretax", args[1:]...)
	if exit := new(exec.ExitError); errors.As(err, &exit) {
		code = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if strconv.Itoa(code) != args[0] {
		ts.Fatalf("exit code %d, want %s", code, args[0])
	}
}

func labWorks() bool {
	l, err := lab.Build(lab.Config{MTU: 1500, IP: 4, Queue: 1000})
	if err != nil {
		return false
	}
	l.Close()
	return true
}

// The two packages must not know each other, but their records have to be the same.
var _ = analyze.Record(recording.Record{})

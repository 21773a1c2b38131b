package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// strictSchema is the schema of all kinds, strictLineSchema that of a line of ndjson, without the room that they leave for
// fields of later versions: what is printed has to be in them.
var (
	strictSchema     = sync.OnceValues(func() (*jsonschema.Schema, error) { return compileStrictly() })
	strictLineSchema = sync.OnceValues(func() (*jsonschema.Schema, error) { return compileStrictly("ndjson") })
)

// compileStrictly compiles what wiretax schema prints.
func compileStrictly(names ...string) (*jsonschema.Schema, error) {
	var printed bytes.Buffer
	if code := wiretax(context.Background(), nil, &printed, io.Discard, append([]string{"schema"}, names...)); code != 0 {
		return nil, fmt.Errorf("wiretax schema %s: exit code %d", names, code)
	}
	document, err := jsonschema.UnmarshalJSON(&printed)
	if err != nil {
		return nil, err
	}
	closeObjects(document)
	c := jsonschema.NewCompiler()
	if err := c.AddResource("urn:wiretax:1", document); err != nil {
		return nil, err
	}
	return c.Compile("urn:wiretax:1")
}

// closeObjects forbids fields that the schema does not name.
func closeObjects(schema any) {
	switch s := schema.(type) {
	case map[string]any:
		if s["type"] == "object" && (s["properties"] != nil || s["$ref"] != nil) {
			s["unevaluatedProperties"] = false
		}
		for _, part := range s {
			closeObjects(part)
		}
	case []any:
		for _, part := range s {
			closeObjects(part)
		}
	}
}

// validate holds JSON against the schema.
func validate(output io.Reader) error {
	s, err := strictSchema()
	if err != nil {
		return err
	}
	v, err := jsonschema.UnmarshalJSON(output)
	if err != nil {
		return err
	}
	return s.Validate(v)
}

// validateLines holds lines of ndjson against the schema of a line, and counts them by kind.
func validateLines(output io.Reader) (kinds map[string]int, err error) {
	s, err := strictLineSchema()
	if err != nil {
		return nil, err
	}
	kinds = map[string]int{}
	lines := bufio.NewReader(output)
	for n := 1; ; n++ {
		line, err := lines.ReadString('\n')
		if line == "" && err == io.EOF {
			return kinds, nil
		}
		v, err := jsonschema.UnmarshalJSON(strings.NewReader(line))
		if err == nil {
			err = s.Validate(v)
		}
		if err != nil {
			return kinds, fmt.Errorf("line %d: %w", n, err)
		}
		kinds[v.(map[string]any)["kind"].(string)]++
	}
}

// expectValid is the script command that holds files against the schema: valid stdout result.json.
func expectValid(ts *testscript.TestScript, neg bool, files []string) {
	if neg || len(files) == 0 {
		ts.Fatalf("usage: valid FILE...")
	}
	for _, f := range files {
		if err := validate(strings.NewReader(ts.ReadFile(f))); err != nil {
			ts.Fatalf("%s: %v", f, err)
		}
	}
}

// expectValidLines is the script command that holds files against the schema of a line of ndjson: validlines stdout.
func expectValidLines(ts *testscript.TestScript, neg bool, files []string) {
	if neg || len(files) == 0 {
		ts.Fatalf("usage: validlines FILE...")
	}
	for _, f := range files {
		if _, err := validateLines(strings.NewReader(ts.ReadFile(f))); err != nil {
			ts.Fatalf("%s: %v", f, err)
		}
	}
}

func TestLinesSatisfyTheirSchema(t *testing.T) {
	for line, want := range map[string]string{
		"analyze --ndjson ../../testdata/thread":                                          "map[run:1]",
		"analyze --ndjson ../../testdata/thread/tcp-01.pcapng":                            "map[analysis:1 flow:1]",
		"analyze --ndjson --frames --by time:1ms ../../testdata/thread/udp-01.pcapng":     "map[analysis:1 flow:1 frame:16]",
		"analyze --ndjson --frames --as ethernet ../../testdata/pcap/super-frames.pcapng": "map[analysis:1 flow:1 frame:29]",
		"analyze --ndjson --max-flows 1 ../../testdata/pcap/loss-ip6.pcapng":              "map[analysis:1 flow:1]",
		"doctor --ndjson": "map[doctor:1]",
	} {
		var stdout, stderr bytes.Buffer
		if code := wiretax(t.Context(), nil, &stdout, &stderr, strings.Fields(line)); code == exitUsage {
			t.Errorf("%s: exit code %d: %s", line, code, &stderr)
		}
		kinds, err := validateLines(&stdout)
		if got := fmt.Sprint(kinds); err != nil || got != want {
			t.Errorf("%s: %s, want %s, error %v", line, got, want, err)
		}
	}
}

func TestStoredJSONSatisfiesTheSchema(t *testing.T) {
	golden, err := filepath.Glob("../../testdata/golden/*/*.json")
	if err != nil || len(golden) == 0 {
		t.Fatalf("no golden files: %v", err)
	}
	for _, name := range golden {
		f, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := validate(f); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		f.Close()
	}
	for _, line := range []string{
		"analyze --json ../../testdata/thread",
		"analyze --json --frames ../../testdata/thread/tcp-01.pcapng",
		"analyze --json --by time:1ms ../../testdata/thread/tcp-01.pcapng",
	} {
		var stdout, stderr bytes.Buffer
		if code := wiretax(context.Background(), nil, &stdout, &stderr, strings.Fields(line)); code != 0 {
			t.Errorf("%s: exit code %d: %s", line, code, &stderr)
		} else if err := validate(&stdout); err != nil {
			t.Errorf("%s: %v", line, err)
		}
	}
}

func TestLineSchemaFindsWhatIsWrong(t *testing.T) {
	for name, line := range map[string]string{
		"no kind":                 `{"schema":"wiretax/1"}`,
		"a kind of no line":       `{"kind":"flows"}`,
		"a flow without figures":  `{"kind":"flow","proto":"udp"}`,
		"a line that is no JSON":  `flow`,
		"an object over lines":    "{\n}",
		"an analysis of --json":   `{"schema":"wiretax/1","kind":"analysis","flows":[]}`,
		"an empty line":           "",
		"a frame with a stranger": `{"kind":"frame","n":1,"stranger":1}`,
	} {
		if _, err := validateLines(strings.NewReader(line + "\n")); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// The test must be able to fail: an unknown field, a missing one, a wrong type and a wrong kind are found.
func TestSchemaFindsWhatIsWrong(t *testing.T) {
	b, err := os.ReadFile("../../testdata/golden/report/analysis.json")
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string][2]string{
		"a field more":      {`"records":`, `"recrods": 1, "records":`},
		"a field less":      {`"captured_bytes":`, `"other_bytes":`},
		"a text for number": {`"syn": `, `"syn": "1", "x": `},
		"another kind":      {`"kind": "analysis"`, `"kind": "run"`},
		"a negative count":  {`"fin": `, `"fin": -`},
	} {
		changed := bytes.Replace(b, []byte(change[0]), []byte(change[1]), 1)
		if bytes.Equal(changed, b) {
			t.Fatalf("%s: nothing to change", name)
		}
		var invalid *jsonschema.ValidationError
		if err := validate(bytes.NewReader(changed)); !errors.As(err, &invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

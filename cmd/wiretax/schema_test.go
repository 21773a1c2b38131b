package main

import (
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

// strictSchema is the schema of all kinds, without the room that it leaves for fields of later versions: what is printed
// has to be in it.
var strictSchema = sync.OnceValues(func() (*jsonschema.Schema, error) {
	var printed bytes.Buffer
	if code := wiretax(context.Background(), nil, &printed, io.Discard, []string{"schema"}); code != 0 {
		return nil, fmt.Errorf("wiretax schema: exit code %d", code)
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
})

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

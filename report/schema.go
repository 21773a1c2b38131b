package report

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// The JSON Schemas (draft 2020-12) of what wiretax prints, a file for each kind of object. They leave room for fields to
// come; a test holds them against the types that are printed, without room.
//
//go:embed schema
var schemaFiles embed.FS

// SchemaKinds are the kinds of objects that have a schema: the value of their field kind.
var SchemaKinds = [...]string{"run", "analysis", "doctor"}

// Schema returns the schema of one kind of object, of a line of ndjson, or, for "", one that all kinds of objects satisfy.
func Schema(name string) ([]byte, error) {
	switch {
	case name == "":
		return anySchema()
	case name == string(NDJSON):
		return lineSchema()
	case slices.Contains(SchemaKinds[:], name):
		return schemaFiles.ReadFile("schema/" + name + ".json")
	}
	return nil, fmt.Errorf("schema %q: unknown (want %s or %s)", name, strings.Join(SchemaKinds[:], ", "), NDJSON)
}

// compoundSchema is a document that holds the schemas of all kinds (JSON Schema core, section 9.3).
type compoundSchema struct {
	Dialect     string                     `json:"$schema"`
	ID          string                     `json:"$id"`
	Title       string                     `json:"title"`
	Description string                     `json:"description,omitempty"`
	OneOf       []schemaReference          `json:"oneOf"`
	Defs        map[string]json.RawMessage `json:"$defs"`
}

type schemaReference struct {
	Ref string `json:"$ref"`
}

func anySchema() ([]byte, error) {
	c := compoundSchema{Dialect: "https://json-schema.org/draft/2020-12/schema", ID: "urn:wiretax:1", Title: "what wiretax prints as JSON",
		Defs: map[string]json.RawMessage{}}
	for _, kind := range SchemaKinds {
		c.OneOf = append(c.OneOf, schemaReference{"#/$defs/" + kind})
	}
	return c.bundle()
}

// lineSchema refers to the parts of the other schemas.
func lineSchema() ([]byte, error) {
	b, err := schemaFiles.ReadFile("schema/ndjson.json")
	if err != nil {
		return nil, err
	}
	var c compoundSchema
	if err := json.Unmarshal(b, &c); err != nil {
		return nil, fmt.Errorf("schema ndjson: %w", err)
	}
	return c.bundle()
}

// bundle adds the schemas of all kinds.
func (c *compoundSchema) bundle() ([]byte, error) {
	for _, kind := range SchemaKinds {
		b, err := Schema(kind)
		if err != nil {
			return nil, err
		}
		c.Defs[kind] = b
	}
	var b bytes.Buffer
	err := writeJSON(&b, c)
	return b.Bytes(), err
}

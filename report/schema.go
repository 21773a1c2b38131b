package report

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"strings"
)

// The JSON Schemas (draft 2020-12) of what wiretax prints, a file for each kind of object. They leave room for fields to
// come; a test holds them against the types that are printed, without room.
//
//go:embed schema
var schemaFiles embed.FS

// SchemaKinds are the kinds of objects that have a schema: the value of their field kind.
var SchemaKinds = [...]string{"run", "analysis", "doctor"}

// Schema returns the schema of one kind of object, or, for "", one that all of them satisfy.
func Schema(kind string) ([]byte, error) {
	if kind == "" {
		return anySchema()
	}
	for _, known := range SchemaKinds {
		if kind == known {
			return schemaFiles.ReadFile("schema/" + kind + ".json")
		}
	}
	return nil, fmt.Errorf("schema %q: unknown (want %s)", kind, strings.Join(SchemaKinds[:], ", "))
}

// anySchema bundles the schemas of all kinds into a compound document (JSON Schema core, section 9.3).
func anySchema() ([]byte, error) {
	type reference struct {
		Ref string `json:"$ref"`
	}
	all := struct {
		Dialect string                     `json:"$schema"`
		ID      string                     `json:"$id"`
		Title   string                     `json:"title"`
		OneOf   []reference                `json:"oneOf"`
		Defs    map[string]json.RawMessage `json:"$defs"`
	}{"https://json-schema.org/draft/2020-12/schema", "urn:wiretax:1", "what wiretax prints as JSON", nil, map[string]json.RawMessage{}}
	for _, kind := range SchemaKinds {
		b, err := Schema(kind)
		if err != nil {
			return nil, err
		}
		all.OneOf = append(all.OneOf, reference{"#/$defs/" + kind})
		all.Defs[kind] = b
	}
	var b bytes.Buffer
	err := writeJSON(&b, all)
	return b.Bytes(), err
}

package report

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"

	"wiretax/analyze"
	"wiretax/analyze/frame"
)

// jsonSchema is the part of a schema that the tests look at.
type jsonSchema struct {
	Ref                  string                 `json:"$ref"`
	Defs                 map[string]*jsonSchema `json:"$defs"`
	Description          string                 `json:"description"`
	Required             []string               `json:"required"`
	Properties           map[string]*jsonSchema `json:"properties"`
	Items                *jsonSchema            `json:"items"`
	AdditionalProperties *jsonSchema            `json:"additionalProperties"`
	Enum                 []any                  `json:"enum"`
}

func readSchema(t *testing.T, kind string) (s jsonSchema) {
	t.Helper()
	b, err := Schema(kind)
	if err == nil {
		err = json.Unmarshal(b, &s)
	}
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// resolved is the schema with what it refers to.
func (s jsonSchema) resolved(defs map[string]*jsonSchema) jsonSchema {
	if s.Ref == "" {
		return s
	}
	target := defs[strings.TrimPrefix(s.Ref, "#/$defs/")].resolved(defs)
	properties := map[string]*jsonSchema{}
	for _, from := range []map[string]*jsonSchema{target.Properties, s.Properties} {
		for name, p := range from {
			properties[name] = p
		}
	}
	target.Properties = properties
	target.Required = append(slices.Clone(target.Required), s.Required...)
	if s.Description != "" {
		target.Description = s.Description
	}
	return target
}

// A field of the types and a field of the schemas are the same: name, and whether it is always there.
func TestSchemaIsThatOfTheTypes(t *testing.T) {
	for kind, printed := range map[string]any{"run": analyze.Run{}, "analysis": analyze.Result{}, "doctor": Checkup{}} {
		s := readSchema(t, kind)
		compareSchema(t, kind, &s, s.Defs, reflect.TypeOf(printed))
	}
}

func compareSchema(t *testing.T, path string, s *jsonSchema, defs map[string]*jsonSchema, typ reflect.Type) {
	r := s.resolved(defs)
	if typ.Kind() == reflect.Pointer {
		typ = typ.Elem()
	}
	switch typ.Kind() {
	case reflect.Slice:
		if r.Items != nil {
			compareSchema(t, path, r.Items, defs, typ.Elem())
		} else {
			t.Errorf("%s: the schema has no items", path)
		}
	case reflect.Map:
		if r.AdditionalProperties != nil {
			compareSchema(t, path+".*", r.AdditionalProperties, defs, typ.Elem())
		}
	case reflect.Struct:
		fields := jsonFields(typ)
		for name := range r.Properties {
			if _, ok := fields[name]; !ok {
				t.Errorf("%s.%s: in the schema, but not printed", path, name)
			}
		}
		for name, f := range fields {
			p := r.Properties[name]
			if p == nil {
				t.Errorf("%s.%s: printed, but not in report/schema", path, name)
				continue
			}
			if required := slices.Contains(r.Required, name); required == f.optional {
				t.Errorf("%s.%s: omitempty is %t, required in the schema is %t", path, name, f.optional, required)
			}
			compareSchema(t, path+"."+name, p, defs, f.typ)
		}
	}
}

type jsonField struct {
	typ      reflect.Type
	optional bool
}

func jsonFields(typ reflect.Type) map[string]jsonField {
	fields := map[string]jsonField{}
	for _, f := range reflect.VisibleFields(typ) {
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name != "" && name != "-" {
			fields[name] = jsonField{f.Type, strings.Contains(options, "omitempty")}
		}
	}
	return fields
}

func TestSchemaNamesEveryOwnerAndRole(t *testing.T) {
	defs := readSchema(t, "analysis").Defs
	want := func(def string, names []string) {
		r := defs[def].resolved(defs)
		var known []string
		for name := range r.Properties {
			known = append(known, name)
		}
		slices.Sort(known)
		slices.Sort(names)
		slices.Sort(r.Required)
		if !slices.Equal(known, names) || !slices.Equal(r.Required, names) {
			t.Errorf("%s: the schema has %v and requires %v, want %v", def, known, r.Required, names)
		}
	}
	var owners [2][]string // measured, inferred
	for o := range frame.NumOwners {
		i := 0
		if o >= frame.NumMeasured {
			i = 1
		}
		owners[i] = append(owners[i], frame.Owner(o).String())
	}
	want("owners", owners[0])
	want("inferred", owners[1])
	var roles []string
	for i, r := range analyze.Roles {
		roles = append(roles, string(r))
		if got := defs["role"].Enum[i]; got != string(r) {
			t.Errorf("role %d of the schema is %v, want %s", i+1, got, r)
		}
	}
	want("roles", roles)
}

// Whoever reads a schema learns what each field means.
func TestSchemaExplainsEveryField(t *testing.T) {
	for _, kind := range SchemaKinds {
		s := readSchema(t, kind)
		all := map[string]*jsonSchema{kind: &s}
		for name, def := range s.Defs {
			all[kind+": "+name] = def
		}
		for where, def := range all {
			for name, p := range def.Properties {
				if p.resolved(s.Defs).Description == "" && name != "schema" && name != "kind" && len(p.Enum) == 0 && p.Items == nil {
					t.Errorf("%s.%s: no description", where, name)
				}
			}
		}
	}
}

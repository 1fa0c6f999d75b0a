package openapi

import (
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// Document returns the document as JSON. A Spec that cannot be described, as
// two types of one name cannot, is a panic: it is a mistake of the program.
func (s Spec) Document() ([]byte, error) {
	b := s.build()
	text, err := json.Marshal(b.doc)
	if err != nil {
		return nil, fmt.Errorf("encode document: %w", err)
	}
	return text, nil
}

func (s Spec) build() *builder {
	b := &builder{
		spec:  s,
		types: huma.NewMapRegistry(schemas, nameOf),
		doc: &huma.OpenAPI{
			OpenAPI: "3.1.0",
			Info:    &huma.Info{Title: s.Title, Version: s.Version, Description: s.About},
		},
	}
	for _, a := range s.Types {
		b.types.RegisterTypeAlias(reflect.TypeOf(a.Type), reflect.TypeOf(a.As))
	}
	for _, t := range s.Tags {
		b.doc.Tags = append(b.doc.Tags, &huma.Tag{Name: t.Name, Description: t.About})
	}
	for _, o := range s.Operations {
		b.doc.AddOperation(b.operation(o))
	}
	b.refine()
	b.doc.Components = &huma.Components{
		Schemas:         b.types,
		SecuritySchemes: map[string]*huma.SecurityScheme{keyScheme: {Type: "http", Scheme: "bearer", Description: s.Key}},
	}
	return b
}

// keyScheme names how callers say who they are.
const keyScheme = "key"

const schemas = "#/components/schemas/"

// nameOf names a type: batchView is a Batch.
func nameOf(t reflect.Type, hint string) string {
	// The name of a generic type is made of those of its parts.
	return strings.ReplaceAll(huma.DefaultSchemaNamer(t, hint), "View", "")
}

type builder struct {
	spec  Spec
	types huma.Registry
	doc   *huma.OpenAPI
}

// inPath are the wildcards of a path.
var inPath = regexp.MustCompile(`\{([a-z_]+)\}`)

func (b *builder) operation(o Operation) *huma.Operation {
	out := &huma.Operation{
		Method: o.Method, Path: o.Path, OperationID: o.ID, Summary: o.Summary, Description: o.About, Tags: []string{o.Tag},
		Responses: map[string]*huma.Response{},
	}
	if o.Scope != "" {
		out.Security = []map[string][]string{{keyScheme: {o.Scope}}}
	}
	for _, m := range inPath.FindAllStringSubmatch(o.Path, -1) {
		out.Parameters = append(out.Parameters, &huma.Param{
			Name: m[1], In: "path", Required: true, Schema: &huma.Schema{Type: huma.TypeString},
		})
	}
	for _, p := range o.Params {
		out.Parameters = append(out.Parameters, p.param())
	}
	if o.Body != nil {
		out.RequestBody = &huma.RequestBody{Required: o.Body.Required, Content: b.content(o.Body.Content)}
	}
	for _, a := range o.Answers {
		out.Responses[strconv.Itoa(a.Status)] = &huma.Response{Description: a.About, Content: b.content(a.Content)}
	}
	failed := &huma.Response{Description: "A problem of RFC 9457. Its code is stable, its errors name every field that is wrong."}
	if o.Bare {
		failed.Description = "It was not taken; the status says why."
	} else {
		failed.Content = b.content([]Content{{mediaProblem, b.spec.Problem}})
	}
	out.Responses["default"] = failed
	return out
}

func (b *builder) content(all []Content) map[string]*huma.MediaType {
	if len(all) == 0 {
		return nil
	}
	out := map[string]*huma.MediaType{}
	for _, c := range all {
		schema := &huma.Schema{Type: huma.TypeString}
		if c.Type != nil {
			schema = b.types.Schema(reflect.TypeOf(c.Type), true, "")
		}
		out[c.Media] = &huma.MediaType{Schema: schema}
	}
	return out
}

// refine sets right what huma cannot know of types: that our lists are never
// null, that a pointer to an object may be, what values of some types there
// are, and that answers may say more one day.
func (b *builder) refine() {
	enums := map[reflect.Type][]string{}
	for _, e := range b.spec.Enums {
		enums[reflect.TypeOf(e.Type)] = e.Values
	}
	for name, schema := range b.types.Map() {
		schema.AdditionalProperties = nil
		t := b.types.TypeFromRef(schemas + name)
		for t.Kind() == reflect.Pointer {
			t = t.Elem()
		}
		for _, f := range reflect.VisibleFields(t) {
			member, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			if prop := schema.Properties[member]; prop != nil {
				schema.Properties[member] = property(prop, f, enums)
			}
		}
	}
}

func property(s *huma.Schema, f reflect.StructField, enums map[reflect.Type][]string) *huma.Schema {
	t, omitted := f.Type, strings.Contains(f.Tag.Get("json"), ",omitempty")
	switch {
	case t.Kind() == reflect.Slice && s.Type == huma.TypeArray:
		s.Nullable = f.Tag.Get("nullable") == "true"
	case t.Kind() == reflect.Pointer && s.Ref != "":
		return &huma.Schema{AnyOf: []*huma.Schema{s, {Type: "null"}}}
	case t.Kind() == reflect.Pointer:
		s.Nullable = !omitted || f.Tag.Get("nullable") == "true"
		t = t.Elem()
	}
	for _, v := range enums[t] {
		s.Enum = append(s.Enum, v)
	}
	return s
}

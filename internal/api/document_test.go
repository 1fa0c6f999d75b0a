package api_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// document is what /openapi.json says, as far as answers are held against it.
type document struct {
	OpenAPI    string `json:"openapi"`
	Paths      map[string]map[string]*operation
	Tags       []struct{ Name string }
	Components struct{ Schemas map[string]*schema }
}

type operation struct {
	OperationID string
	Summary     string
	Tags        []string
	Parameters  []struct {
		Name, In, Description string
		Schema                *schema
	}
	RequestBody *struct {
		Content map[string]struct{ Schema *schema }
	}
	Responses map[string]struct {
		Content map[string]struct{ Schema *schema }
	}
}

type schema struct {
	Ref                  string `json:"$ref"`
	Type                 any
	Format               string
	Enum                 []any
	AnyOf                []*schema
	Items                *schema
	Properties           map[string]*schema
	Required             []string
	AdditionalProperties any
}

func (w *world) readDocument() (*document, error) {
	r := httptest.NewRequest(http.MethodGet, "/openapi.json", http.NoBody)
	r.Host = "127.0.0.1:8080"
	rec := httptest.NewRecorder()
	w.handler.ServeHTTP(rec, r)
	d := &document{}
	if err := json.Unmarshal(rec.Body.Bytes(), d); err != nil || rec.Code != http.StatusOK {
		return nil, fmt.Errorf("read document: %d %s: %w", rec.Code, rec.Body, err)
	}
	return d, nil
}

func (w *world) document(t *testing.T) *document {
	t.Helper()
	d, err := w.doc()
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// check holds an answer against what the document says of its operation. What
// has no route is not in it.
func (d *document) check(t *testing.T, method, path string, rec *httptest.ResponseRecorder) {
	t.Helper()
	op := d.find(method, path)
	media, _, _ := strings.Cut(rec.Header().Get("Content-Type"), ";")
	if op == nil || rec.Code == http.StatusNotModified {
		return
	}
	response, ok := op.Responses[strconv.Itoa(rec.Code)]
	if !ok {
		response = op.Responses["default"]
	}
	if !ok && rec.Code < 400 {
		t.Errorf("%s %s: the document has no answer %d", method, path, rec.Code)
		return
	}
	content, ok := response.Content[media]
	if !ok {
		if rec.Body.Len() > 0 {
			t.Errorf("%s %s: the document has no %q for %d", method, path, media, rec.Code)
		}
		return
	}
	if media != "application/json" && media != "application/problem+json" {
		return
	}
	var body any
	if err := json.Unmarshal(rec.Body.Bytes(), &body); err != nil {
		t.Errorf("%s %s: %v", method, path, err)
		return
	}
	for _, fault := range d.faults(content.Schema, body, "body") {
		t.Errorf("%s %s: %d: %s", method, path, rec.Code, fault)
	}
}

// find returns the operation of a path, nil: there is none.
func (d *document) find(method, path string) *operation {
	given := strings.Split(path, "/")
	for pattern, ops := range d.Paths {
		want := strings.Split(pattern, "/")
		fits := len(given) == len(want)
		for i := range want {
			fits = fits && (given[i] == want[i] || strings.HasPrefix(want[i], "{") && given[i] != "")
		}
		if fits {
			return ops[strings.ToLower(method)]
		}
	}
	return nil
}

// faults says where a value is not as a schema has it. Members that the schema
// does not name are faults.
func (d *document) faults(s *schema, v any, at string) []string {
	if s.Ref != "" {
		return d.faults(d.Components.Schemas[strings.TrimPrefix(s.Ref, "#/components/schemas/")], v, at)
	}
	if len(s.AnyOf) > 0 {
		var first []string
		for i, one := range s.AnyOf {
			found := d.faults(one, v, at)
			if len(found) == 0 {
				return nil
			}
			if i == 0 {
				first = found
			}
		}
		return first
	}
	if kind := kindOf(v); s.Type != nil && !slices.Contains(kinds(s.Type), kind) && (kind != "integer" || !slices.Contains(kinds(s.Type), "number")) {
		return []string{fmt.Sprintf("%s is %s, not %v", at, kind, s.Type)}
	}
	var found []string
	if v != nil && len(s.Enum) > 0 && !slices.Contains(s.Enum, v) {
		found = append(found, fmt.Sprintf("%s is %v, none of %v", at, v, s.Enum))
	}
	switch v := v.(type) {
	case string:
		if _, err := time.Parse(time.RFC3339, v); s.Format == "date-time" && err != nil {
			found = append(found, at+" is no time: "+v)
		}
	case []any:
		for i, item := range v {
			found = append(found, d.faults(s.Items, item, at+"["+strconv.Itoa(i)+"]")...)
		}
	case map[string]any:
		if s.Properties == nil {
			break
		}
		for _, name := range s.Required {
			if _, ok := v[name]; !ok {
				found = append(found, at+"."+name+" is missing")
			}
		}
		for _, name := range slices.Sorted(maps.Keys(v)) {
			if s.Properties[name] == nil {
				found = append(found, at+"."+name+" is not in the document")
				continue
			}
			found = append(found, d.faults(s.Properties[name], v[name], at+"."+name)...)
		}
	}
	return found
}

func kinds(t any) []string {
	if one, ok := t.(string); ok {
		return []string{one}
	}
	var all []string
	for _, k := range t.([]any) {
		all = append(all, k.(string))
	}
	return all
}

func kindOf(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case bool:
		return "boolean"
	case string:
		return "string"
	case []any:
		return "array"
	case float64:
		if v == math.Trunc(v) {
			return "integer"
		}
		return "number"
	}
	return "object"
}

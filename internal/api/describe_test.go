package api_test

import (
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plateq/plateq/internal/api"
)

func TestDocumentHasEveryRouteAndNoOther(t *testing.T) {
	t.Parallel()
	var routes []string
	w := newWorld(t, func(o *api.Options) { routes = api.Routes(*o) })
	var described []string
	for path, ops := range w.document(t).Paths {
		for method := range ops {
			described = append(described, strings.ToUpper(method)+" "+path)
		}
	}
	slices.Sort(routes)
	slices.Sort(described)
	if diff := cmp.Diff(routes, described); diff != "" {
		t.Errorf("routes (-served +described):\n%s", diff)
	}
}

func TestDocumentHoldsTogether(t *testing.T) {
	t.Parallel()
	d := newWorld(t, nil).document(t)
	if d.OpenAPI != "3.1.0" {
		t.Errorf("OpenAPI %q", d.OpenAPI)
	}
	tags, ids := map[string]bool{}, map[string]bool{}
	for _, tag := range d.Tags {
		tags[tag.Name] = true
	}
	for path, ops := range d.Paths {
		for method, op := range ops {
			at := method + " " + path
			if op.OperationID == "" || ids[op.OperationID] || op.Summary == "" || len(op.Tags) != 1 || !tags[op.Tags[0]] {
				t.Errorf("%s: id %q, summary %q, tags %v", at, op.OperationID, op.Summary, op.Tags)
			}
			ids[op.OperationID] = true
			var inPath []string
			for _, p := range op.Parameters {
				if p.In == "path" {
					inPath = append(inPath, "{"+p.Name+"}")
				}
			}
			if diff := cmp.Diff(regexp.MustCompile(`\{[^}]*\}`).FindAllString(path, -1), inPath); diff != "" {
				t.Errorf("%s: parameters of the path (-want +got):\n%s", at, diff)
			}
			if len(op.Responses) < 2 {
				t.Errorf("%s: answers %v", at, op.Responses)
			}
			for _, r := range op.Responses {
				for _, c := range r.Content {
					d.checkRefs(t, at, c.Schema)
				}
			}
			if op.RequestBody != nil {
				for _, c := range op.RequestBody.Content {
					d.checkRefs(t, at, c.Schema)
				}
			}
		}
	}
	for name, s := range d.Components.Schemas {
		d.checkRefs(t, name, s)
	}
}

// checkRefs looks whether what is referred to is there.
func (d *document) checkRefs(t *testing.T, at string, s *schema) {
	t.Helper()
	if name, ok := strings.CutPrefix(s.Ref, "#/components/schemas/"); s.Ref != "" && (!ok || d.Components.Schemas[name] == nil) {
		t.Errorf("%s: %q is not there", at, s.Ref)
	}
	for _, one := range s.AnyOf {
		d.checkRefs(t, at, one)
	}
	for name, p := range s.Properties {
		d.checkRefs(t, at+"."+name, p)
	}
	if s.Items != nil {
		d.checkRefs(t, at+"[]", s.Items)
	}
}

// Parameters are read by hand. What the document says of them and what is read
// must be the same.
func TestDocumentKnowsEveryParameter(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	id := w.submitted(t, "plate\nDL01AA1000\n").ID
	for path, ops := range w.document(t).Paths {
		for method, op := range ops {
			if op.Tags[0] == "service" || strings.HasPrefix(path, "/hooks/") {
				continue // whoever asks for health may add what he likes
			}
			url := strings.NewReplacer("{id}", id, "{name}", "attestr", "{scope}", "nobody").Replace(path)
			header := csvBody
			if op.RequestBody == nil || op.RequestBody.Content["text/csv"].Schema == nil {
				header = jsonBody
			}
			refused := func(query string) string {
				rec := w.do(t, strings.ToUpper(method), url+"?"+query, "", header)
				if rec.Code != http.StatusBadRequest {
					return ""
				}
				return rec.Body.String()
			}
			if got := refused("nobody=1"); !strings.Contains(got, `{"field":"nobody","detail":"there is no such parameter"}`) {
				t.Errorf("%s %s takes a parameter that is not described: %s", method, path, got)
			}
			for _, p := range op.Parameters {
				if p.In != "query" {
					continue
				}
				// A fault beside it keeps the request from doing anything.
				if got := refused("nobody=1&" + p.Name + "=x"); strings.Contains(got, `{"field":"`+p.Name+`","detail":"there is no such parameter"}`) {
					t.Errorf("%s %s has no parameter %s: %s", method, path, p.Name, got)
				}
			}
		}
	}
}

// TestDocumentKnowsEveryFieldOfALookUp wants of it what a list in JSON has, as
// one code reads both.
func TestDocumentKnowsEveryFieldOfALookUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	d := w.document(t)
	fields := func(path, rows string) []string {
		body := d.resolved(d.find("POST", path).RequestBody.Content["application/json"].Schema)
		names := slices.DeleteFunc(slices.Sorted(maps.Keys(body.Properties)), func(name string) bool { return name == rows })
		for _, name := range names {
			rec := w.do(t, "POST", path, `{"`+name+`":[[]]}`, jsonBody)
			if got := rec.Body.String(); rec.Code != http.StatusUnprocessableEntity || strings.Contains(got, "there is no such field") {
				t.Errorf("%s has no field %s: %d %s", path, name, rec.Code, got)
			}
		}
		return names
	}
	if diff := cmp.Diff(fields("/v1/batches", "items"), fields("/v1/lookups", "item")); diff != "" {
		t.Errorf("fields (-a list +a look-up):\n%s", diff)
	}
}

// resolved is a schema, or what it refers to.
func (d *document) resolved(s *schema) *schema {
	if name, ok := strings.CutPrefix(s.Ref, "#/components/schemas/"); ok {
		return d.Components.Schemas[name]
	}
	return s
}

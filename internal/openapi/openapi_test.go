package openapi_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/plateq/plateq/internal/openapi"
)

type (
	stamp time.Time
	mood  string
	inner struct {
		Word string `json:"word"`
	}
	thingView struct {
		Must  []string  `json:"must"`
		May   []string  `json:"may" nullable:"true"`
		Inner *inner    `json:"inner"`
		Note  *string   `json:"note"`
		Left  *string   `json:"left,omitempty"`
		Moods []mood    `json:"moods"`
		Mood  mood      `json:"mood"`
		At    stamp     `json:"at"`
		Until *stamp    `json:"until"`
		Seen  time.Time `json:"seen" doc:"when"`
	}
)

// Clients are generated from what may be null, and break where it is not so.
func TestTypesAreDescribedAsTheyComeOut(t *testing.T) {
	t.Parallel()
	text, err := openapi.Spec{
		Types:   []openapi.Alias{{Type: stamp{}, As: time.Time{}}},
		Enums:   []openapi.Enum{{Type: mood(""), Values: []string{"good", "bad"}}},
		Problem: inner{},
		Operations: []openapi.Operation{{
			Method: "GET", Path: "/things/{id}", ID: "getThing", Answers: openapi.OK("It.", thingView{}),
			Params: []openapi.Param{openapi.Choice("mood", "", "good", "bad").Many(), openapi.Text("If-None-Match", "").InHeader()},
		}},
	}.Document()
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Paths      map[string]map[string]struct{ Parameters []map[string]any }
		Components struct {
			Schemas map[string]struct{ Properties map[string]any }
		}
	}
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	type m = map[string]any
	str, null := any("string"), any("null")
	want := m{
		"must":  m{"type": "array", "items": m{"type": "string"}},
		"may":   m{"type": []any{any("array"), null}, "items": m{"type": "string"}},
		"inner": m{"anyOf": []any{m{"$ref": "#/components/schemas/Inner"}, m{"type": "null"}}},
		"note":  m{"type": []any{str, null}},
		"left":  m{"type": "string"},
		"moods": m{"type": "array", "items": m{"type": "string"}},
		"mood":  m{"type": "string", "enum": []any{"good", "bad"}},
		"at":    m{"type": "string", "format": "date-time"},
		"until": m{"type": []any{str, null}, "format": "date-time"},
		"seen":  m{"type": "string", "format": "date-time", "description": "when"},
	}
	if diff := cmp.Diff(want, got.Components.Schemas["Thing"].Properties); diff != "" {
		t.Errorf("Thing (-want +got):\n%s", diff)
	}
	params := []map[string]any{
		{"name": "id", "in": "path", "required": true, "schema": m{"type": "string"}},
		{"name": "mood", "in": "query", "explode": true, "schema": m{"type": "array", "items": m{"type": "string", "enum": []any{"good", "bad"}}}},
		{"name": "If-None-Match", "in": "header", "schema": m{"type": "string"}},
	}
	if diff := cmp.Diff(params, got.Paths["/things/{id}"]["get"].Parameters); diff != "" {
		t.Errorf("parameters (-want +got):\n%s", diff)
	}
}

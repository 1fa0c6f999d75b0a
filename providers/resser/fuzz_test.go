package resser

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/plateq/plateq/providers"
)

// FuzzAnswer: whatever comes, each vehicle gets one outcome, a record is about
// the vehicle that was asked for, and no member of a portal's credentials
// leaves.
func FuzzAnswer(f *testing.F) {
	files, err := filepath.Glob("testdata/*.json")
	if err != nil || len(files) == 0 {
		f.Fatalf("got %v, %v, want answers in testdata", files, err)
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(200, b)
		f.Add(400, b)
	}
	f.Add(502, []byte("<html>"))
	f.Add(401, []byte(""))
	f.Add(200, []byte(`{"vehicleData":[{"vin":"3N1AB7AP0KY000000","plate":"ABC1230","info":[{"status":1,"result":[{"passWord":"x"}]}]}]}`))
	p, err := New(Config{AuthHeader: "X-Key", AuthValue: "fuzz-key"}, Options{Now: func() time.Time { return time.Unix(0, 0) }})
	if err != nil {
		f.Fatal(err)
	}
	v := vehicle{VIN: "3N1AB7AP0KY000000", Plate: "ABC1230"}
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		a := &providers.Answer{Status: status, Body: body}
		got, ok := decode(a)
		if !ok {
			if e := p.refusal(a); e.Class == 0 || e.Class == providers.NotFound || e.Class == providers.ProviderError {
				t.Errorf("got %v of an answer that is none", e)
			}
			return
		}
		o := got.outcome(v)
		if (o.Record == nil) == (o.Err == nil) {
			t.Fatalf("got %+v, want a record or an error", o)
		}
		if o.Record == nil {
			return
		}
		var result struct {
			VIN, Plate json.RawMessage
			Info       []map[string]json.RawMessage
		}
		if json.Unmarshal(o.Record.Result, &result) != nil || !json.Valid(o.Record.Raw) {
			t.Fatalf("got result %q, raw %q, want JSON", o.Record.Result, o.Record.Raw)
		}
		answered := false
		for _, e := range result.Info {
			answered = answered || string(e["status"]) != "null"
			if len(e) != len(entryFields) {
				t.Errorf("got entry %v, want %v", e, entryFields)
			}
		}
		if !answered {
			t.Errorf("got %s, want a status in it", o.Record.Result)
		}
		for _, kept := range []json.RawMessage{o.Record.Result, o.Record.Raw} {
			var all any
			if err := json.Unmarshal(kept, &all); err == nil && holdsCredential(all) {
				t.Errorf("got %s, want no credentials", kept)
			}
		}
	})
}

func holdsCredential(v any) bool {
	switch v := v.(type) {
	case map[string]any:
		for k, inner := range v {
			if strings.EqualFold(k, "username") || strings.EqualFold(k, "password") || holdsCredential(inner) {
				return true
			}
		}
	case []any:
		return slices.ContainsFunc(v, holdsCredential)
	}
	return false
}

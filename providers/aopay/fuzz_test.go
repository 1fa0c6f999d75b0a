package aopay

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/plateq/plateq/providers"
)

func fuzzed(f testing.TB) *Provider {
	f.Helper()
	p, err := New(Config{RegistrationID: "AOP-fuzz"}, Options{Now: func() time.Time { return time.Unix(0, 0) }})
	if err != nil {
		f.Fatal(err)
	}
	return p
}

var decimal = regexp.MustCompile(`-?[0-9]+(\.[0-9]+)?`)

func FuzzOutcome(f *testing.F) {
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
	}
	f.Add(502, []byte("<html>"))
	f.Add(200, []byte("\ufeff{}"))
	f.Add(401, []byte(`{"status":"False","responsecode":"10","message":null}`))
	p := fuzzed(f)
	names := map[string]bool{}
	for _, field := range append(append([]field{{name: "response_code"}, {name: "status"}, {name: billFetch}}, head...), tail...) {
		names[field.name] = true
	}
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		o := p.outcome(&providers.Answer{Status: status, Body: body})
		if (o.Record == nil) == (o.Err == nil) {
			t.Fatalf("got %+v, want a record or an error", o)
		}
		if o.Record == nil {
			e, _ := o.Err.(*providers.Error) //nolint:errorlint // made here
			if e.Class == providers.NotFound || e.Class == providers.InvalidInput {
				t.Errorf("got %v, which AOPay does not document", e)
			}
			return
		}
		if status/100 != 2 {
			t.Errorf("got a record out of status %d", status)
		}
		var result, raw map[string]json.RawMessage
		if json.Unmarshal(o.Record.Result, &result) != nil || json.Unmarshal(o.Record.Raw, &raw) != nil {
			t.Fatalf("got result %q, raw %q, want JSON objects", o.Record.Result, o.Record.Raw)
		}
		if len(result) != len(names) {
			t.Errorf("got fields %v, want %v", result, names)
		}
		if came := raw["amount"]; len(came) > 0 && decimal.FindString(string(came)) == string(came) {
			if want := `"` + string(came) + `"`; string(result["amount"]) != want {
				t.Errorf("got amount %s, want %s", result["amount"], want)
			}
		}
	})
}

func FuzzQuestion(f *testing.F) {
	f.Add("DL12CB4685", "311")
	f.Add("dl-12 cb/4685", "")
	f.Add("\"}", "-0")
	p := fuzzed(f)
	f.Fuzz(func(t *testing.T, plate, operator string) {
		q, err := p.question(providers.Request{Subject: providers.Subject{providers.Plate: plate}, Params: providers.Params{"operator": operator}})
		if err != nil {
			return
		}
		body, err := p.client.body(q)
		if err != nil {
			t.Fatal(err)
		}
		var sent map[string]any
		if json.Unmarshal(body, &sent) != nil || len(sent) != 3 || sent["RegistrationID"] != "AOP-fuzz" || sent["canumber"] != canonical(plate) {
			t.Errorf("got %q out of %q", body, plate)
		}
		if n, ok := sent["operator"].(float64); !ok || n < 1 || n != float64(int(n)) {
			t.Errorf("got operator %v out of %q", sent["operator"], operator)
		}
	})
}

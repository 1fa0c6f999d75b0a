package spectrumdata

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/plateq/plateq/providers"
)

// seed adds the answers of testdata, and some that are none.
func seed(f *testing.F) {
	f.Helper()
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
	f.Add(200, []byte(`{"state":"ok","data":[{"uid":"\ud800"}]}`))
	f.Add(200, []byte(`{"data":[{"balance_type":"DAY","quote_init":1,"quote_up":-1,"quote_use":"3"}]}`))
}

func FuzzDecodeMade(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		m, ok := decodeMade(&providers.Answer{Status: status, Body: body})
		if !ok {
			return
		}
		if _, refused := decodeEvent(body); refused || status/100 != 2 || !usableUID(m.uid) {
			t.Errorf("got report %q of status %d, refused as well %t", m.uid, status, refused)
		}
		m.suggested(time.Unix(0, 0))
	})
}

func FuzzDecodeReports(f *testing.F) {
	seed(f)
	const uid = "A.0076.CAR.ACT-ALL_x@test_domain"
	open := []providers.Request{{Ref: "a"}, {Ref: "b"}}
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		found, ok := decodeReports(&providers.Answer{Status: status, Body: body})
		if !ok {
			return
		}
		if _, refused := decodeEvent(body); refused || status/100 != 2 {
			t.Errorf("got reports of status %d, refused as well %t", status, refused)
		}
		got := progress(providers.Ticket{ID: uid}, found, open)
		if len(got.Outcomes) != 0 && len(got.Outcomes) != len(open) {
			t.Errorf("got %d outcomes of %d requests", len(got.Outcomes), len(open))
		}
		for _, o := range got.Outcomes {
			if o.Record != nil && (!json.Valid(o.Record.Result) || !json.Valid(o.Record.Raw)) {
				t.Errorf("got result %q, raw %q, want JSON", o.Record.Result, o.Record.Raw)
			}
		}
		if absent(got.Ticket.Cursor) > absences+1 {
			t.Errorf("got a count of %d", absent(got.Ticket.Cursor))
		}
	})
}

func FuzzDecodeEvent(f *testing.F) {
	seed(f)
	mask := masker("somebody@example", "canary-password")
	f.Fuzz(func(t *testing.T, _ int, body []byte) {
		e, ok := decodeEvent(body)
		if !ok {
			return
		}
		for _, op := range []string{opMake, opReport, opRefresh, opBalance, opUser} {
			if e.class(op) == providers.NotFound || e.class(op) == 0 {
				t.Errorf("got class %v of %s", e.class(op), op)
			}
		}
		if !isWord(e.code()) && e.status == 0 {
			t.Errorf("got code %q", e.code())
		}
		short(mask(e.words))
	})
}

func FuzzDecodeQuotas(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		quotas, ok := decodeQuotas(&providers.Answer{Status: status, Body: body})
		if !ok {
			return
		}
		for _, q := range quotas {
			if q.exhausted() && !q.limited() || q.exhausted() != (q.left() == "0") || q.limited() != (q.left() != "") {
				t.Errorf("got %+v with %q left", q, q.left())
			}
		}
	})
}

func FuzzCyrillic(f *testing.F) {
	f.Add("A111AA00")
	f.Add("D1")
	f.Fuzz(func(t *testing.T, plate string) {
		got, ok := cyrillic(plate)
		if ok && len([]rune(got)) != len([]rune(plate)) {
			t.Errorf("got %q of %q", got, plate)
		}
	})
}

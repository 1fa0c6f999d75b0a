package attestr

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"testing"

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
	f.Add(200, []byte(`{"_id":"\ud800"}`))
}

func FuzzDecodeSubmit(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		a := &providers.Answer{Status: status, Body: body}
		got, ok := decodeSubmit(a)
		_, isFault := decodeFault(body)
		switch {
		case ok && isFault:
			t.Error("got a ticket and an error of one body")
		case ok && (got.id == "" || status/100 != 2 || !json.Valid(bytes.TrimPrefix(body, []byte("\ufeff")))):
			t.Errorf("got id %q out of status %d", got.id, status)
		}
	})
}

func FuzzDecodeItems(f *testing.F) {
	seed(f)
	plates := []string{"KA01AB1234", "DL8CAF5031", "MH12AB0001"}
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		records, ok := decodeItems(&providers.Answer{Status: status, Body: body})
		if !ok {
			return
		}
		var open []providers.Request
		for _, plate := range plates {
			open = append(open, providers.Request{Ref: plate, Subject: providers.Subject{providers.Plate: plate}})
		}
		ticket := providers.Ticket{ID: "b1", Cursor: newCursor(plates, 2).encode()}
		got := newSweep(ticket, open, 2).take(records)
		if len(got.Outcomes) > len(open) {
			t.Errorf("got %d outcomes of %d requests", len(got.Outcomes), len(open))
		}
		for _, o := range got.Outcomes {
			if o.Record != nil && (!json.Valid(o.Record.Result) || !json.Valid(o.Record.Raw)) {
				t.Errorf("got result %q, raw %q, want JSON", o.Record.Result, o.Record.Raw)
			}
		}
		if _, err := decodeCursor(got.Ticket.Cursor); err != nil {
			t.Errorf("got a cursor that does not read back: %v", err)
		}
		page := newSweep(ticket, open, 2).takePart(0, records)
		if c, err := decodeCursor(page.Ticket.Cursor); err != nil {
			t.Errorf("got a cursor that does not read back from a page: %v", err)
		} else {
			wantParts(t, c)
		}
	})
}

// wantParts wants parts that can be.
func wantParts(t *testing.T, c *cursor) {
	t.Helper()
	total := 0
	for i, p := range c.parts() {
		total += p.Size
		if p.Size < 1 || p.Open < 0 || p.Open > p.Size || p.Ahead < 0 || p.Ahead > p.Size-p.Open {
			t.Errorf("got part %d as %+v", i, p)
		}
	}
	if total != 0 && total != len(c.plates) {
		t.Errorf("got parts of %d plates in all, want %d", total, len(c.plates))
	}
}

func FuzzDecodeCursor(f *testing.F) {
	for _, n := range []int{0, 1, 7, 8, 9, 500} {
		c := newCursor(make([]string, n), 3)
		c.skip, c.doubts, c.passes, c.barren, c.doubtful = 1, 2, 3, 4, 5
		if n > 0 {
			c.seen.set(n - 1)
			c.final.set(0)
			c.place(n-1, n-1)
			c.place(0, n-1)
		}
		f.Add(c.encode())
	}
	f.Add([]byte{cursorVersion})
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := decodeCursor(b)
		if err != nil {
			return
		}
		if got := c.encode(); !bytes.Equal(got, b) {
			t.Errorf("got %x back from %x", got, b)
		}
		wantParts(t, c)
		c.covered()
		c.endPass(false)
		if c.seen.any() || c.skip != 0 {
			t.Error("got a new pass that has seen something")
		}
	})
}

func FuzzReadCallback(f *testing.F) {
	for _, body := range []string{
		`{"event":"async.completed","payload":{"_id":"i1","requestId":"q1","status":"COMPLETED","output":{"_id":"i1","batchId":"b1","input":{"reg":"DL01AA1000"}},"signature":"00"}}`,
		`{"event":"async.completed","payload":{"output":"{\"batchId\":\"b1\"}","signature":"00"}}`,
		`{"event":"async.errored","payload":{"_id":"i1","status":"ERRORED","output":null,"signature":null}}`,
		`{"event":"flowx.completed","payload":[]}`,
		`{"status":"ERRORED","_id":"i1"}`,
		`{"event":"async.completed","payload":{"output":{},"output":{}}}`,
	} {
		f.Add([]byte(body))
	}
	base := Config{AuthToken: "t", WebhookToken: "w", SignedForm: formAny}
	withKey := base
	withKey.ClientSecret = "s"
	trusting, strict := &Provider{proof: newProof(base)}, &Provider{proof: newProof(withKey)}
	f.Fuzz(func(t *testing.T, body []byte) {
		h := http.Header{"Authorization": {"Basic w"}}
		hints, err := trusting.ReadCallback(h, body)
		for _, hint := range hints {
			if err != nil || hint.Ticket == "" && hint.Record == "" && hint.Subject == nil || hint.Signed != "" {
				t.Errorf("got %+v, %v", hint, err)
			}
		}
		hints, err = strict.ReadCallback(h, body)
		e, readable := decodeEvent(body)
		if err == nil && e.name == eventCompleted {
			t.Errorf("got %v, want nothing that is unsigned to be believed", hints)
		}
		if readable != nil && err == nil {
			t.Errorf("got %v of what cannot be read", hints)
		}
		if hints, err := trusting.ReadCallback(nil, body); err == nil {
			t.Errorf("got %v without a token", hints)
		}
	})
}

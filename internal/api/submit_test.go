package api_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/plateq/plateq/client"
	"github.com/plateq/plateq/internal/api"
)

func TestListsAreTakenInEveryForm(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, path, body, media string }{
		{"JSON", "/v1/batches", `{"provider":"attestr","name":"fleet","weight":2,"metadata":{"a":[1,{}]},"items":[{"plate":"DL01AA1000","id":"1"},{"plate":"dl 01 aa 1000"},{"plate":""}]}`, jsonBody},
		{"JSON, items first", "/v1/batches", `{"items":[{"plate":"DL01AA1000"},{"plate":"DL-01-AA-1000"},null],"metadata":{"a":[1,{}]},"name":"fleet","provider":"attestr"}`, jsonBody},
		{"CSV", "/v1/batches?provider=attestr&name=fleet&metadata=%7B%22a%22:[1,%7B%7D]%7D", "plate,depot\nDL01AA1000,x\nDL01AA1000,y\n??,z\n", csvBody},
		{"CSV, named column", "/v1/batches?provider=attestr&name=fleet&column=Car&metadata=%7B%22a%22:[1,%7B%7D]%7D", "Car\nDL01AA1000\nDL01AA1000\n?\n", csvBody + "; charset=utf-8"},
		{"NDJSON", "/v1/batches?provider=attestr&name=fleet&metadata=%7B%22a%22:[1,%7B%7D]%7D", `{"plate":"DL01AA1000"}` + "\n" + `{"plate":"DL01AA1000"}` + "\n[]\n", ndjson},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, nil)
			rec := w.do(t, "POST", tt.path, tt.body, tt.media)
			if rec.Code != http.StatusCreated {
				t.Fatalf("got %d %s", rec.Code, rec.Body)
			}
			b := decoded[client.Batch](t, rec)
			if rec.Header().Get("Location") != "/v1/batches/"+b.ID || !strings.HasPrefix(b.ID, "b_") {
				t.Errorf("id %q at %q", b.ID, rec.Header().Get("Location"))
			}
			if b.Rows != 3 || b.Counts["queued"] != 2 || b.Counts["invalid"] != 1 || b.Name != "fleet" || b.State != client.Running {
				t.Errorf("got %+v", b)
			}
			if string(b.Metadata) != `{"a":[1,{}]}` {
				t.Errorf("metadata %s", b.Metadata)
			}
			if len(w.wakes) != 1 {
				t.Errorf("woken %d times, want once", len(w.wakes))
			}
			got, err := w.store.Batch(t.Context(), b.ID)
			if err != nil || got.Asks != 1 {
				t.Errorf("asks %d, %v; want 1", got.Asks, err)
			}
		})
	}
}

func TestListsAreRefusedWhole(t *testing.T) {
	t.Parallel()
	one := `"items":[{"plate":"DL01AA1000"}]`
	deep := strings.Repeat("[", 40) + strings.Repeat("]", 40)
	// One after another, so that what is left can be counted.
	w := newWorld(t, func(o *api.Options) { o.MaxBody, o.MaxRows = 600<<10, 200 })
	for _, tt := range []struct {
		name, path, body, media string
		status                  int
		code                    string
		names                   []string // that the answer holds
	}{
		{"no body", "/v1/batches", ``, jsonBody, 400, "bad_json", nil},
		{"no JSON", "/v1/batches", `plate`, jsonBody, 400, "bad_json", nil},
		{"an array", "/v1/batches", `[]`, jsonBody, 400, "bad_json", nil},
		{"cut", "/v1/batches", `{"provider":"attestr",` + one, jsonBody, 400, "bad_json", nil},
		{"cut in an item", "/v1/batches", `{"provider":"attestr","items":[{"pla`, jsonBody, 400, "bad_json", nil},
		{"more behind", "/v1/batches", `{"provider":"attestr",` + one + `} {}`, jsonBody, 400, "bad_json", nil},
		{"not a number", "/v1/batches", `{"provider":"attestr","weight":NaN,` + one + `}`, jsonBody, 400, "bad_json", nil},
		{"items no array", "/v1/batches", `{"provider":"attestr","items":{}}`, jsonBody, 422, "bad_envelope", []string{`"items"`, "must be an array"}},
		{"no items", "/v1/batches", `{"provider":"attestr","items":null}`, jsonBody, 422, "bad_envelope", []string{`"items"`, "must be an array"}},
		{
			"all fields at once", "/v1/batches", `{"name":1,"wieght":2,"weight":"x","name":"y","metadata":` + deep + `}`,
			jsonBody, 422, "bad_envelope", []string{`"wieght"`, `"weight"`, `"name"`, "given twice", `"items"`, "nested deeper", "a number"},
		},
		{
			"fields of all kinds", "/v1/batches", `{"provider":"attestr","weight":-1,"metadata":[1],"retention":"y","bogus":1,` + one + `}`,
			jsonBody, 422, "bad_envelope", []string{`"weight"`, `"metadata"`, `"retention"`, `"bogus"`},
		},
		{"name twice in metadata", "/v1/batches", `{"provider":"attestr","metadata":{"a":1,"a":2},` + one + `}`, jsonBody, 422, "bad_envelope", []string{"comes twice"}},
		{"metadata no object", "/v1/batches", `{"provider":"attestr","metadata":[],` + one + `}`, jsonBody, 422, "bad_envelope", []string{"must be an object"}},
		{"no provider", "/v1/batches", `{` + one + `}`, jsonBody, 422, "bad_envelope", []string{`"provider"`}},
		{"unknown provider", "/v1/batches", `{"provider":"regnum",` + one + `}`, jsonBody, 422, "unknown_provider", []string{"there is attestr"}},
		{"unknown field", "/v1/batches", `{"provider":"attestr","call_back":"https://x",` + one + `}`, jsonBody, 422, "bad_envelope", []string{`"call_back"`}},
		{"callback in clear", "/v1/batches", `{"provider":"attestr","callback_url":"http://example.com",` + one + `}`, jsonBody, 422, "callback_not_allowed", []string{`"callback_url"`}},
		{"empty list", "/v1/batches", `{"provider":"attestr","items":[]}`, jsonBody, 422, "empty_list", nil},
		{"empty CSV", "/v1/batches?provider=attestr", "plate\n", csvBody, 422, "empty_list", nil},
		{"no plate column", "/v1/batches?provider=attestr", "a,b\n1,2\n", csvBody, 422, "missing_column", nil},
		{"not UTF-8", "/v1/batches?provider=attestr", "plate\nDL01AA1000\n\xff\xfe\xfa\n", csvBody, 422, "encoding", []string{"line 3"}},
		{"a line too long", "/v1/batches?provider=attestr", "plate\n" + strings.Repeat("A", 1<<20), csvBody, 413, "line_too_long", nil},
		{"an item too long", "/v1/batches", `{"provider":"attestr","items":[{"plate":"` + strings.Repeat("A", 1<<20) + `"}]}`, jsonBody, 413, "line_too_long", nil},
		{"a body too long", "/v1/batches?provider=attestr", "plate,note\n" + strings.Repeat("DL01AA1000,"+strings.Repeat("x", 10_000)+"\n", 100), csvBody, 413, "too_large", nil},
		{"too many rows", "/v1/batches?provider=attestr", "plate\n" + strings.Repeat("DL01AA1000\n", 201), csvBody, 413, "too_many_rows", nil},
		{
			"bad query", "/v1/batches?provider=attestr&weight=x&limit=0&fresh=perhaps&colour=red&name=a&name=b", "plate\nDL01AA1000\n",
			csvBody, 400, "bad_query", []string{`"weight"`, `"limit"`, `"fresh"`, `"colour"`, `"name"`},
		},
		{
			"fields in a query", "/v1/batches?provider=attestr&weight=-1&metadata=%5B1%5D&retention=y&bogus=1", "plate\nDL01AA1000\n",
			csvBody, 400, "bad_query", []string{`"weight"`, `"metadata"`, `"retention"`, `"bogus"`},
		},
		{"JSON with a query", "/v1/batches?provider=attestr", `{"provider":"attestr",` + one + `}`, jsonBody, 400, "bad_query", nil},
		{"spreadsheet", "/v1/batches?provider=attestr", "PK", "Content-Type: application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", 415, "unknown_format", nil},
		{"old spreadsheet", "/v1/batches?provider=attestr", "\xd0\xcf\x11\xe0", csvBody, 415, "unknown_format", nil},
		{"windows-1251", "/v1/batches?provider=attestr", "plate;\xe3\xee\xf0\xee\xe4\n\xc0123\xc2\xd177;x\n", csvBody, 422, "encoding", []string{"looks like windows-1251"}},
		{"no such encoding", "/v1/batches?provider=attestr&encoding=ebcdic", "plate\nDL01AA1000\n", csvBody, 400, "bad_query", []string{`"encoding"`}},
		{"no type", "/v1/batches?provider=attestr", "plate\nDL01AA1000\n", "X: y", 415, "unsupported_media_type", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			rec := w.do(t, "POST", tt.path, tt.body, tt.media)
			checkProblem(t, rec, tt.status, tt.code)
			for _, name := range tt.names {
				if !strings.Contains(rec.Body.String(), strings.Trim(name, `"`)) {
					t.Errorf("the answer does not name %s: %s", name, rec.Body)
				}
			}
			if n := w.batches(t); n != 0 {
				t.Errorf("%d batches were left", n)
			}
			if strings.Contains(rec.Body.String()+w.log.String(), "DL01AA1000") {
				t.Error("a plate is in the answer or the log")
			}
		})
	}
}

func checkProblem(t *testing.T, rec *httptest.ResponseRecorder, status int, code string) {
	t.Helper()
	p := decoded[client.Problem](t, rec)
	if rec.Code != status || p.Status != status || p.Code != code {
		t.Errorf("got %d, %s; want %d %s", rec.Code, rec.Body, status, code)
	}
	if got := rec.Header().Get("Content-Type"); got != "application/problem+json" {
		t.Errorf("Content-Type %q", got)
	}
	if p.RequestID == "" || p.RequestID != rec.Header().Get("X-Request-Id") {
		t.Errorf("request id %q in the body, %q in the header", p.RequestID, rec.Header().Get("X-Request-Id"))
	}
}

func TestPurposeMustBeOneOfThoseSet(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(o *api.Options) { o.Purposes = []string{"claims"} })
	rec := w.do(t, "POST", "/v1/batches?provider=attestr&purpose=fun", "plate\nDL01AA1000\n", csvBody)
	checkProblem(t, rec, 422, "bad_envelope")
	if rec := w.do(t, "POST", "/v1/batches?provider=attestr&purpose=claims", "plate\nDL01AA1000\n", csvBody); rec.Code != 201 {
		t.Errorf("got %d %s", rec.Code, rec.Body)
	}
}

// manyItems returns a body of n items of about 4 KiB each, and what is before
// and behind them. As a server does, whoever is through with it closes it.
func manyItems(before, behind string, n int) io.ReadCloser {
	pad := strings.Repeat("x", 4000)
	r, w := io.Pipe()
	go func() {
		b := bufio.NewWriter(w)
		fmt.Fprintf(b, `{%s"items":[`, before)
		for i := range n {
			if i > 0 {
				b.WriteByte(',')
			}
			fmt.Fprintf(b, `{"plate":"DL01AA%04d","note":"%s"}`, i, pad)
		}
		fmt.Fprintf(b, `]%s}`, behind)
		w.CloseWithError(b.Flush())
	}()
	return r
}

func TestLongListsStream(t *testing.T) {
	t.Parallel()
	const n = 1200 // 4.8 MB, more than is looked ahead
	for _, tt := range []struct {
		name, before, behind string
		status               int
	}{
		{"provider first", `"provider":"attestr","name":"long",`, ``, 201},
		{"provider last", ``, `,"provider":"attestr"`, 422},
		{"name last", `"provider":"attestr",`, `,"name":"late"`, 422},
		{"more behind", `"provider":"attestr",`, `} `, 400},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, nil)
			body := manyItems(tt.before, tt.behind, n)
			defer body.Close()
			rec := w.send(t, "POST", "/v1/batches", body, jsonBody)
			if rec.Code != tt.status {
				t.Fatalf("got %d %s", rec.Code, rec.Body)
			}
			if tt.status != 201 {
				if left := w.batches(t); left != 0 {
					t.Errorf("%d batches were left", left)
				}
				return
			}
			if b := decoded[client.Batch](t, rec); b.Rows != n || b.Counts["queued"] != n {
				t.Errorf("got %+v", b)
			}
		})
	}
}

func TestBrokenUploadLeavesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	srv := httptest.NewUnstartedServer(nil)
	srv.Config = api.NewServer(w.handler)
	srv.Start()
	defer srv.Close()
	conn, err := net.Dial("tcp", srv.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	rows := strings.Repeat("DL01AA1000\n", 6_000)
	fmt.Fprintf(conn, "POST /v1/batches?provider=attestr HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/csv\r\nContent-Length: 999999\r\n\r\nplate\n%s", rows)
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err == nil {
		_, _ = io.Copy(io.Discard, resp.Body)
		if resp.StatusCode/100 == 2 {
			t.Errorf("got %s for half a list", resp.Status)
		}
	}
	_ = conn.Close()
	srv.Close() // waits for the handler
	if n := w.batches(t); n != 0 {
		t.Errorf("%d batches were left", n)
	}
}

func TestFailingBodyLeavesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	body := io.MultiReader(strings.NewReader("plate\n"+strings.Repeat("DL01AA1000\n", 6_000)), failing{})
	rec := w.send(t, "POST", "/v1/batches?provider=attestr", body, csvBody)
	if rec.Code/100 == 2 {
		t.Errorf("got %d", rec.Code)
	}
	if n := w.batches(t); n != 0 {
		t.Errorf("%d batches were left", n)
	}
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errors.New("connection reset") }

func TestAListIsRefusedWholeWhileTheQueueIsFull(t *testing.T) {
	t.Parallel()
	full := true
	w := newWorld(t, func(o *api.Options) {
		o.Full = func(_ context.Context, provider string) bool { return full && provider == "attestr" }
	})
	for _, rec := range []*httptest.ResponseRecorder{
		w.do(t, "POST", "/v1/batches?provider=attestr", "plate\nDL01AA1000\n", csvBody),
		w.do(t, "POST", "/v1/batches", `{"provider":"attestr","items":[{"plate":"DL01AA1000"}]}`, jsonBody),
	} {
		checkProblem(t, rec, 503, "queue_full")
		if rec.Header().Get("Retry-After") != "5" || w.batches(t) != 0 {
			t.Errorf("Retry-After %q, %d batches; want 5 and none", rec.Header().Get("Retry-After"), w.batches(t))
		}
	}
	full = false
	w.submitted(t, "plate\nDL01AA1000\n")
}

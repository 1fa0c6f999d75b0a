package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/plateq/plateq/internal/api"
	"github.com/plateq/plateq/store"
)

// endless is a body without an end. It counts how much of it was read.
type endless struct {
	begin string
	n     int64
}

func (e *endless) Read(p []byte) (int, error) {
	k := copy(p, e.begin)
	e.begin = e.begin[k:]
	for i := k; i < len(p); i++ {
		p[i] = 'a'
	}
	e.n += int64(len(p))
	return len(p), nil
}

// filled is the path of a pattern whose wildcards are all that value.
func filled(pattern, value string) (method, path string) {
	method, path, _ = strings.Cut(pattern, " ")
	for strings.Contains(path, "{") {
		before, rest, _ := strings.Cut(path, "{")
		_, after, _ := strings.Cut(rest, "}")
		path = before + url.PathEscape(value) + after
	}
	return method, path
}

// TestABodyWithoutEndIsLeft at the bound of its route, whatever the route.
func TestABodyWithoutEndIsLeft(t *testing.T) {
	t.Parallel()
	const most = 2 << 20
	w := newWorld(t, func(o *api.Options) { o.MaxBody = 1 << 20 })
	for _, pattern := range api.Routes(api.Options{Providers: w.set}) {
		method, path := filled(pattern, "attestr")
		if method == http.MethodGet {
			continue // no body is read
		}
		for media, begin := range map[string]string{"application/json": `{"name":"`, "text/csv": "plate\n", "application/octet-stream": "", "application/x-ndjson": `{"plate":"`} {
			body := &endless{begin: begin}
			r := httptest.NewRequestWithContext(t.Context(), method, path, body)
			r.Host = "localhost"
			r.Header.Set("Content-Type", media)
			rec := httptest.NewRecorder()
			w.handler.ServeHTTP(rec, r)
			if rec.Code < 400 && body.n > 0 || rec.Code >= 500 || body.n > most {
				t.Errorf("%s with %s: got %d after %d bytes", pattern, media, rec.Code, body.n)
			}
		}
	}
	if n := w.batches(t); n != 0 {
		t.Errorf("%d batches were made", n)
	}
}

// TestJSONThatIsMeantToHarm is refused by every route that takes JSON.
func TestJSONThatIsMeantToHarm(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	var many strings.Builder
	for i := range 20_000 {
		fmt.Fprintf(&many, `"k%d":1,`, i)
	}
	bodies := map[string]string{
		"deep arrays":     strings.Repeat("[", 10_001),
		"deep objects":    strings.Repeat(`{"a":`, 10_001) + "1" + strings.Repeat("}", 10_001),
		"many members":    `{` + many.String() + `"z":1}`,
		"a name twice":    `{"provider":"attestr","provider":"attestr","items":[{"plate":"DL01AA1000"}]}`,
		"NaN":             `{"weight":NaN}`,
		"Infinity":        `{"weight":-Infinity}`,
		"a huge number":   `{"weight":1e999999}`,
		"something after": `{"provider":"attestr","items":[{"plate":"DL01AA1000"}]} {}`,
		"no such member":  `{"no_such_member":1}`,
		"half of one":     `{"provider":`,
		"a text":          `"provider"`,
		"NUL":             "\x00",
	}
	tried := 0
	for pattern, op := range w.operations(t) {
		if op.RequestBody == nil || op.RequestBody.Content["application/json"].Schema == nil {
			continue
		}
		tried++
		method, path := filled(pattern, "attestr")
		for name, body := range bodies {
			rec := w.do(t, method, path, body, jsonBody)
			if rec.Code < 400 || rec.Code >= 500 {
				t.Errorf("%s with %s: got %d %.200s", pattern, name, rec.Code, rec.Body)
			}
		}
	}
	if tried < 10 {
		t.Errorf("%d routes were tried", tried)
	}
	if n := w.batches(t); n != 0 {
		t.Errorf("%d batches were made", n)
	}
}

// operations are those of the document, by their patterns.
func (w *world) operations(t *testing.T) map[string]*operation {
	t.Helper()
	all := map[string]*operation{}
	for path, ops := range w.document(t).Paths {
		for method, op := range ops {
			all[strings.ToUpper(method)+" "+path] = op
		}
	}
	return all
}

// injections are texts by which databases are asked what they should not tell.
var injections = []string{
	`'`, `"`, `\`, `;`, `--`, `#`, `/*`, `')`, `'))`, `%27`, `' OR '1'='1`, `' OR 1=1--`, `" OR ""="`, `1 OR 1=1`, `1' AND '1'='2`,
	`' UNION SELECT NULL--`, `' UNION SELECT NULL,NULL,NULL--`, `1 UNION ALL SELECT name FROM sqlite_master`, `' UNION SELECT version()--`,
	`'; DROP TABLE batches;--`, `'; DELETE FROM calls WHERE ''='`, `1; SELECT pg_sleep(10)`, `'||pg_sleep(10)--`, `'; VACUUM;--`,
	`1 AND (SELECT COUNT(*) FROM asks)>0`, `' AND SUBSTR((SELECT hash FROM api_keys),1,1)='a`, `' AND 1=CAST((SELECT version()) AS INT)--`,
	`(SELECT CASE WHEN 1=1 THEN 1 ELSE 1/0 END)`, `id); --`, `id DESC; --`, `1 ORDER BY 99--`, `' HAVING 1=1--`, `' GROUP BY 1--`,
	`$1`, `?1`, `:name`, `@p1`, `{{1}}`, `%s`, `%d`, `\x27`, `ʼ`, `＇ OR 1=1`, "\x00", "a\x00' OR 1=1", `E'\\''`, `$$a$$`, `U&'\0027'`,
	`LIKE '%'`, `*`, `..%2f..%2fetc%2fpasswd`, `\\host\share`, `CON`,
}

// TestInjectionsAreValues: in every parameter of every route they are refused
// or find nothing, and break nothing.
func TestInjectionsAreValues(t *testing.T) {
	t.Parallel()
	overEachStore(t, func(t *testing.T, w *world) { w.inject(t) })
}

func (w *world) inject(t *testing.T) {
	t.Helper()
	b := w.submitted(t, "plate\nDL01AA1000\n")
	before := decoded[map[string]any](t, w.do(t, "GET", "/v1/batches/"+b.ID, ""))
	ask := func(pattern, path string) {
		t.Helper()
		method, _, _ := strings.Cut(pattern, " ")
		r, err := http.NewRequestWithContext(t.Context(), method, "http://localhost"+path, strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		rec := httptest.NewRecorder()
		w.handler.ServeHTTP(rec, r)
		if rec.Code >= 500 {
			t.Errorf("%s: %q: got %d %s", pattern, path, rec.Code, rec.Body)
		}
	}
	for pattern, op := range w.operations(t) {
		_, own := filled(pattern, b.ID)
		for i, text := range injections {
			if _, path := filled(pattern, text); path != own {
				ask(pattern, path)
			}
			for k, p := range op.Parameters {
				// Each text in some parameter, and each parameter with a fifth of them.
				if p.In == "query" && (i+k)%5 == 0 {
					ask(pattern, own+"?"+url.Values{p.Name: {text}}.Encode())
				}
			}
		}
	}
	after := decoded[map[string]any](t, w.do(t, "GET", "/v1/batches/"+b.ID, ""))
	if before["rows"] != after["rows"] {
		t.Errorf("the list was %v and is %v", before, after)
	}
	report, err := w.store.Check(t.Context())
	if err != nil || len(report.Problems) != 0 {
		t.Errorf("the books: %v, %v", report.Problems, err)
	}
}

// TestPathsLeadNowhere but to what has that id.
func TestPathsLeadNowhere(t *testing.T) {
	t.Parallel()
	overEachStore(t, func(t *testing.T, w *world) { w.lead(t) })
}

func (w *world) lead(t *testing.T) {
	t.Helper()
	for _, id := range []string{"..%2f..%2fetc%2fpasswd", "%00", "..%5c..%5cwindows", "%2e%2e%2f", "b_aaaaaaaaaaaaaaaaaaaa%00.csv", "%252e%252e%252f", "~root"} {
		for _, path := range []string{"/v1/batches/" + id + "/results", "/v1/batches/" + id, "/v1/batches/" + id + "/events", "/v1/schedules/" + id} {
			if rec := w.do(t, "GET", path, "", "Accept: text/csv, application/json, text/event-stream"); rec.Code != http.StatusNotFound {
				t.Errorf("%s: got %d %s", path, rec.Code, rec.Body)
			}
		}
		for _, path := range []string{"/docs/" + id, "/" + id} {
			if rec := w.do(t, "GET", path, ""); rec.Code == http.StatusOK {
				t.Errorf("%s: got %d %s", path, rec.Code, rec.Body)
			}
		}
	}
}

// TestOneRequestIsOneLineOfTheLog, and the line is JSON, whatever the request
// holds.
func TestOneRequestIsOneLineOfTheLog(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	forged := "x\r\n" + `{"level":"error","message":"forged"}` + "\n\x1b[31mred\x1b[0m\x00\u2028"
	requests := 0
	for _, where := range []string{"path", "query", "header", "body", "key", "name"} {
		path, body, headers := "/v1/batches", "", http.Header{}
		method := http.MethodGet
		switch where {
		case "path":
			path += "/" + url.PathEscape(forged)
		case "query":
			path += "?state=" + url.QueryEscape(forged)
		case "header":
			for _, name := range []string{"User-Agent", "X-Request-Id", "X-Forwarded-For", "Referer", "Content-Type", "Idempotency-Key", "Accept"} {
				headers.Set(name, forged)
			}
		case "body":
			method, body = http.MethodPost, forged
			headers.Set("Content-Type", "application/json")
		case "key":
			headers.Set("Authorization", "Bearer "+forged)
		case "name":
			method, body = http.MethodPost, "plate\nDL01AA1000\n"
			path += "?provider=attestr&name=" + url.QueryEscape(forged)
			headers.Set("Content-Type", "text/csv")
		}
		r := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body))
		r.Host, r.Header = "localhost", headers
		w.handler.ServeHTTP(httptest.NewRecorder(), r)
		requests++
	}
	lines := strings.Split(strings.TrimSuffix(w.log.String(), "\n"), "\n")
	if len(lines) != requests {
		t.Errorf("%d lines for %d requests: %q", len(lines), requests, lines)
	}
	for _, line := range lines {
		if !json.Valid([]byte(line)) || strings.Contains(line, "forged") || strings.ContainsAny(line, "\x1b\r\x00") {
			t.Errorf("line %q", line)
		}
	}
}

// TestOtherMethodsDoNothing: what a route does not take is refused, and what
// names a method beside the real one has no say.
func TestOtherMethodsDoNothing(t *testing.T) {
	t.Parallel()
	w, _ := guarded(t, api.AccessOptions{})
	key, _ := w.key(t, store.APIKey{Tenant: store.AllTenants, Scopes: store.Scopes()})
	takes := map[string][]string{} // methods, by path
	for pattern := range api.Scopes() {
		method, path := filled(pattern, "b_aaaaaaaaaaaaaaaaaaaa")
		takes[path] = append(takes[path], method)
		if method == http.MethodGet {
			takes[path] = append(takes[path], http.MethodHead)
		}
	}
	for path, methods := range takes {
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PROPFIND", "get"} {
			if slices.Contains(methods, method) {
				continue
			}
			rec := w.plain(t, method, path, key)
			if rec.Code != http.StatusMethodNotAllowed && rec.Code != http.StatusNotFound || strings.Contains(rec.Header().Get("Access-Control-Allow-Origin"), "*") {
				t.Errorf("%s %s: got %d", method, path, rec.Code)
			}
		}
		if rec := w.plain(t, methods[0], path+"/", key); path != "/" && rec.Code != http.StatusNotFound {
			t.Errorf("%s/: got %d", path, rec.Code)
		}
	}
	for pattern, needs := range api.Scopes() {
		method, path := filled(pattern, "b_aaaaaaaaaaaaaaaaaaaa")
		if method != http.MethodGet || needs == "" {
			continue
		}
		if rec := w.plain(t, http.MethodHead, path); rec.Code != http.StatusUnauthorized && rec.Code != http.StatusTooManyRequests {
			t.Errorf("HEAD %s without a key: got %d", path, rec.Code)
		}
	}
	id := w.submittedBy(t, key)
	for _, header := range []string{"X-HTTP-Method-Override: DELETE", "X-Method-Override: POST", "X-HTTP-Method: POST"} {
		if rec := w.do(t, "GET", "/v1/batches/"+id+"?_method=POST", "", key, header); rec.Code != http.StatusBadRequest {
			t.Errorf("with _method: got %d", rec.Code)
		}
		if rec := w.do(t, "GET", "/v1/batches/"+id, "", key, header); rec.Code != http.StatusOK || !strings.Contains(rec.Body.String(), `"running"`) {
			t.Errorf("with %s: got %d %s", header, rec.Code, rec.Body)
		}
	}
}

// plain makes a request that is not held against the document.
func (w *world) plain(t *testing.T, method, path string, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, http.NoBody)
	r.Method, r.Host = method, "localhost"
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Set(name, value)
	}
	rec := httptest.NewRecorder()
	w.handler.ServeHTTP(rec, r)
	return rec
}

func (w *world) submittedBy(t *testing.T, key string) string {
	t.Helper()
	rec := w.do(t, "POST", "/v1/batches?provider=attestr", "plate\nDL01AA1000\n", csvBody, key)
	if rec.Code != http.StatusCreated {
		t.Fatalf("submit: %d %s", rec.Code, rec.Body)
	}
	var b struct{ ID string }
	if err := json.Unmarshal(rec.Body.Bytes(), &b); err != nil {
		t.Fatal(err)
	}
	return b.ID
}

// TestAKeyIsShownInItsHeaderAlone: elsewhere it is none, and it does not get
// into the log.
func TestAKeyIsShownInItsHeaderAlone(t *testing.T) {
	t.Parallel()
	w, _ := guarded(t, api.AccessOptions{})
	header, _ := w.key(t, store.APIKey{Tenant: "acme", Scopes: store.Scopes()})
	key := strings.TrimPrefix(header, "Authorization: Bearer ")
	for _, query := range []string{"?key=", "?api_key=", "?access_token=", "?authorization=Bearer%20"} {
		checkProblem(t, w.do(t, "GET", "/v1/batches"+query+key, ""), http.StatusUnauthorized, "unauthorised")
	}
	for _, h := range []string{"Cookie: plateq=" + key, "X-Api-Key: " + key, "Authorization: Basic " + key, "Authorization: Bearer " + key + strings.Repeat("a", 1<<20)} {
		checkProblem(t, w.do(t, "GET", "/v1/batches", "", h), http.StatusUnauthorized, "unauthorised")
	}
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/v1/batches", http.NoBody)
	r.Host, r.Header = "localhost", http.Header{"Authorization": {"Bearer " + key, "Bearer " + key}}
	rec := httptest.NewRecorder()
	w.handler.ServeHTTP(rec, r)
	checkProblem(t, rec, http.StatusUnauthorized, "unauthorised")
	if strings.Contains(w.log.String(), key) {
		t.Error("the key is in the log")
	}
}

// TestNobodyIsTriedUnderManyNames: who tries keys is told by his connection, not
// by what he says of it, and all of an IPv6 network are one.
func TestNobodyIsTriedUnderManyNames(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for name, from := range map[string]func(i int) (addr, said string){
		"what he says": func(i int) (string, string) { return "192.0.2.7:1000", fmt.Sprintf("198.51.100.%d", i) },
		"his port":     func(i int) (string, string) { return fmt.Sprintf("192.0.2.8:%d", 1000+i), "" },
		"his network":  func(i int) (string, string) { return fmt.Sprintf("[2001:db8:1:2::%x]:1000", i+1), "" },
	} {
		w, _ := guarded(t, api.AccessOptions{Needed: true, Now: func() time.Time { return now }})
		last := 0
		for i := range 30 {
			addr, said := from(i)
			r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/v1/batches", http.NoBody)
			r.RemoteAddr = addr
			for _, h := range []string{"X-Forwarded-For", "X-Real-Ip", "Forwarded", "True-Client-Ip"} {
				r.Header.Set(h, said)
			}
			rec := httptest.NewRecorder()
			w.handler.ServeHTTP(rec, r)
			last = rec.Code
		}
		if last != http.StatusTooManyRequests {
			t.Errorf("%s: the last of 30 tries got %d", name, last)
		}
	}
}

package web_test

import (
	"bytes"
	"encoding/json"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/plateq/plateq/internal/api"
	"github.com/plateq/plateq/internal/pgtest"
	"github.com/plateq/plateq/internal/web"
	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/providers/attestr"
	"github.com/plateq/plateq/store"
	"github.com/plateq/plateq/store/sqlite"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// world is the pages over an API and a store of their own.
type world struct {
	store  store.Store
	api    http.Handler
	pages  http.Handler
	access *api.Access
	log    *bytes.Buffer
	now    func() time.Time
	set    *providers.Set
}

const secret = "a secret of 32 bytes, for a test."

func newWorld(t *testing.T) *world {
	t.Helper()
	return newWorldAt(t, time.Now)
}

func newWorldAt(t *testing.T, now func() time.Time) *world {
	t.Helper()
	return newWorldOf(t, now, func(*api.Options) {})
}

func newWorldOf(t *testing.T, now func() time.Time, change func(*api.Options)) *world {
	t.Helper()
	st, err := sqlite.Open(t.Context(), sqlite.Options{Path: filepath.Join(t.TempDir(), "plateq.db"), Keys: store.NewKeys()})
	if err != nil {
		t.Fatal(err)
	}
	return newWorldOver(t, st, now, change)
}

// newWorldOver is newWorldOf over a store, which is closed with the test.
func newWorldOver(t *testing.T, st store.Store, now func() time.Time, change func(*api.Options)) *world {
	t.Helper()
	t.Cleanup(func() {
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	p, err := attestr.New(attestr.Config{AuthToken: "t"}, attestr.Options{})
	if err != nil {
		t.Fatal(err)
	}
	set, err := providers.NewSet(p)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{store: st, log: &bytes.Buffer{}, now: now, set: set}
	w.access = api.NewAccess(st, api.AccessOptions{Now: now})
	price := store.Price{Each: 2 * store.One, Currency: "INR"}
	o := api.Options{
		Store: st, Providers: set, Access: w.access, Log: zerolog.New(w.log), Now: now,
		Price: func(string) store.Price { return price },
	}
	change(&o)
	w.api = api.New(o)
	w.pages = w.serve(t)
	return w
}

// serve makes the pages anew, as another process would.
func (w *world) serve(t *testing.T) http.Handler {
	t.Helper()
	pages, err := web.New(web.Options{API: w.api, Access: w.access, Secret: []byte(secret), Log: zerolog.New(w.log), Now: w.now})
	if err != nil {
		t.Fatal(err)
	}
	return pages
}

// key makes a key and returns what its holder types in, and its id.
func (w *world) key(t *testing.T, k store.APIKey) (text, id string) {
	t.Helper()
	if k.Tenant == "" {
		k.Tenant = store.DefaultTenant
	}
	k.Created = store.Millis(w.now())
	kept, text := store.MakeAPIKey(k)
	if err := w.store.AddAPIKey(t.Context(), kept, nil); err != nil {
		t.Fatal(err)
	}
	return text, kept.ID
}

// browser keeps cookies, and follows nothing.
type browser struct {
	t       *testing.T
	pages   http.Handler
	host    string
	cookies map[string]string
	headers map[string]string
}

func (w *world) browser(t *testing.T) *browser {
	return &browser{t: t, pages: w.pages, host: "127.0.0.1:8080", cookies: map[string]string{}, headers: map[string]string{}}
}

func (b *browser) send(r *http.Request) *httptest.ResponseRecorder {
	b.t.Helper()
	r.Host = b.host
	for name, value := range b.cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	for name, value := range b.headers {
		r.Header.Set(name, value)
	}
	rec := httptest.NewRecorder()
	b.pages.ServeHTTP(rec, r)
	for _, c := range rec.Result().Cookies() {
		if c.MaxAge < 0 {
			delete(b.cookies, c.Name)
		} else {
			b.cookies[c.Name] = c.Value
		}
	}
	return rec
}

func (b *browser) get(path string) *httptest.ResponseRecorder {
	b.t.Helper()
	return b.send(httptest.NewRequestWithContext(b.t.Context(), "GET", path, http.NoBody))
}

// post sends fields, with the token of the page at from.
func (b *browser) post(from, path string, fields url.Values) *httptest.ResponseRecorder {
	b.t.Helper()
	if fields == nil {
		fields = url.Values{}
	}
	if from != "" {
		fields.Set("token", tokenOf(b.t, b.get(from)))
	}
	r := httptest.NewRequestWithContext(b.t.Context(), "POST", path, strings.NewReader(fields.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return b.send(r)
}

var tokenField = regexp.MustCompile(`name="token" value="([^"]*)"`)

func tokenOf(t *testing.T, page *httptest.ResponseRecorder) string {
	t.Helper()
	m := tokenField.FindStringSubmatch(page.Body.String())
	if m == nil {
		t.Fatalf("no form on the page: %d %s", page.Code, page.Body)
	}
	return html.UnescapeString(m[1])
}

// in logs a browser in.
func (b *browser) in(key string) *browser {
	b.t.Helper()
	if rec := b.post("/login", "/login", url.Values{"key": {key}}); rec.Code != http.StatusSeeOther {
		b.t.Fatalf("log in: %d %s", rec.Code, rec.Body)
	}
	return b
}

// submitted hands a list in by the API, as nobody in particular.
func (w *world) submitted(t *testing.T, query, list string) string {
	t.Helper()
	return w.submittedTo(t, "attestr", query, list)
}

func (w *world) submittedTo(t *testing.T, provider, query, list string) string {
	t.Helper()
	r := httptest.NewRequestWithContext(api.As(t.Context(), ""), "POST", "/v1/batches?provider="+provider+query, strings.NewReader(list))
	r.Host = "127.0.0.1"
	r.Header.Set("Content-Type", "text/csv")
	rec := httptest.NewRecorder()
	w.api.ServeHTTP(rec, r)
	var b struct{ ID string }
	if err := json.Unmarshal(rec.Body.Bytes(), &b); err != nil || rec.Code != http.StatusCreated {
		t.Fatalf("submit: %d %s", rec.Code, rec.Body)
	}
	return b.ID
}

func want(t *testing.T, rec *httptest.ResponseRecorder, status int, texts ...string) {
	t.Helper()
	if rec.Code != status {
		t.Errorf("got %d, want %d: %s", rec.Code, status, rec.Body)
	}
	for _, text := range texts {
		if !strings.Contains(rec.Body.String(), text) {
			t.Errorf("the page has no %q:\n%s", text, rec.Body)
		}
	}
}

// batches counts all there are.
func (w *world) batches(t *testing.T) int {
	t.Helper()
	all, err := w.store.Batches(t.Context(), store.BatchFilter{})
	if err != nil {
		t.Fatal(err)
	}
	return len(all)
}

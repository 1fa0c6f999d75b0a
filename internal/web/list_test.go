package web_test

import (
	"bytes"
	"html"
	"maps"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/plateq/plateq/internal/api"
	"github.com/plateq/plateq/store"
)

// form is the form for a list with a file.
type form struct {
	fields   url.Values
	name     string // of the file
	contents string
}

func (b *browser) sendList(path string, f form) *httptest.ResponseRecorder {
	b.t.Helper()
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	for name, values := range f.fields {
		for _, value := range values {
			if err := w.WriteField(name, value); err != nil {
				b.t.Fatal(err)
			}
		}
	}
	part, err := w.CreateFormFile("list", f.name)
	if err != nil {
		b.t.Fatal(err)
	}
	_, _ = part.Write([]byte(f.contents))
	if err := w.Close(); err != nil {
		b.t.Fatal(err)
	}
	r := httptest.NewRequestWithContext(b.t.Context(), "POST", path, &body)
	r.Header.Set("Content-Type", w.FormDataContentType())
	return b.send(r)
}

var (
	inputs  = regexp.MustCompile(`<input [^>]*name="(seen|once|token|name)"[^>]*value="([^"]*)"`)
	selects = regexp.MustCompile(`(?s)<select [^>]*name="([^"]*)"[^>]*>(.*?)</select>`)
	options = regexp.MustCompile(`<option(?: value="([^"]*)")?( selected)?>([^<]*)`)
)

// filled is the form as a page has it filled in.
func filled(t *testing.T, page *httptest.ResponseRecorder) url.Values {
	t.Helper()
	v := url.Values{}
	_, list, found := strings.Cut(page.Body.String(), `id="list"`)
	if !found {
		t.Fatalf("no form for a list: %d %s", page.Code, page.Body)
	}
	for _, m := range inputs.FindAllStringSubmatch(list, -1) {
		v.Set(m[1], html.UnescapeString(m[2]))
	}
	for _, m := range selects.FindAllStringSubmatch(list, -1) {
		for i, o := range options.FindAllStringSubmatch(m[2], -1) {
			if value := o[1]; i == 0 || o[2] != "" {
				if value == "" && !strings.Contains(o[0], "value=") {
					value = o[3]
				}
				v.Set(m[1], html.UnescapeString(value))
			}
		}
	}
	return v
}

const mixed = "Nummer;reg;vin;depot\nA-1;KA01AB1234;;north\nA-2;KA01AB1235;;south\nA-3;§§;;south\n"

func TestAListIsLookedThroughAndHandedIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser(t)
	f := form{fields: filled(t, b.get("/new")), name: "<b>fleet<b>.csv", contents: mixed}
	f.fields.Set("name", "Fleet")
	page := b.sendList("/new", f)
	want(t, page, http.StatusOK, "&lt;b&gt;fleet", "KA01AB1234", "1 invalid row, not asked about", "4.00 INR", "Hand in, for at most 4.00 INR", "<option selected>reg</option>", "north")
	if all := w.batches(t); all != 0 {
		t.Errorf("looking through a list made %d batches", all)
	}
	f.fields = filled(t, page)

	changed := f
	changed.contents = strings.Replace(mixed, "KA01AB1235", "KA01AB1299", 1)
	want(t, b.sendList("/new/submit", changed), http.StatusConflict, "Nothing was handed in")
	changed = f
	changed.fields = maps.Clone(f.fields)
	changed.fields.Set("fresh", "true")
	want(t, b.sendList("/new/submit", changed), http.StatusConflict, "Nothing was handed in")
	if all := w.batches(t); all != 0 {
		t.Errorf("a list that was changed made %d batches", all)
	}

	for range 2 { // a second press of the button
		rec := b.sendList("/new/submit", f)
		if rec.Code != http.StatusSeeOther {
			t.Fatalf("hand in: %d %s", rec.Code, rec.Body)
		}
		want(t, b.get(rec.Header().Get("Location")), http.StatusOK, "The list is taken in", "Fleet", "K***4")
	}
	if all := w.batches(t); all != 1 {
		t.Errorf("handing in made %d batches", all)
	}
}

func TestColumnsAreCorrected(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser(t)
	f := form{fields: filled(t, b.get("/new")), name: "a.csv", contents: "who,what\nA-1,KA01AB1234\n"}
	page := b.sendList("/new", f)
	want(t, page, http.StatusUnprocessableEntity, "There is no column plate", `name="column:plate"`)
	f.fields.Set("column:plate", "what")
	page = b.sendList("/new", f)
	want(t, page, http.StatusOK, "KA01AB1234", "<option selected>what</option>")
	f.fields = filled(t, page)
	if rec := b.sendList("/new/submit", f); rec.Code != http.StatusSeeOther {
		t.Errorf("hand in: %d %s", rec.Code, rec.Body)
	}
}

// TestEveryRowGetsWhatIsSet on the page: what is looked through and what is
// handed in have a column that the list itself has not.
func TestEveryRowGetsWhatIsSet(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser(t)
	f := form{fields: filled(t, b.get("/new")), name: "a.csv", contents: "plate\nKA01AB1234\n"}
	f.fields.Set("set", "last_name=Иванов\npassport=4509123456\n")
	page := b.sendList("/new", f)
	want(t, page, http.StatusOK, "KA01AB1234")
	set := f.fields.Get("set")
	f.fields = filled(t, page)
	f.fields.Set("set", set)
	rec := b.sendList("/new/submit", f)
	if rec.Code != http.StatusSeeOther {
		t.Fatalf("hand in: %d %s", rec.Code, rec.Body)
	}
	batch, _, _ := strings.Cut(rec.Header().Get("Location"), "?")
	r := httptest.NewRequestWithContext(api.As(t.Context(), ""), "GET", "/v1"+batch+"/results?input=true", http.NoBody)
	r.Host = "127.0.0.1"
	rows := httptest.NewRecorder()
	w.api.ServeHTTP(rows, r)
	want(t, rows, http.StatusOK, "KA01AB1234", "Иванов", "4509123456")
}

func TestAListThatIsNoneIsRefusedWithWords(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser(t)
	fields := filled(t, b.get("/new"))
	for _, tt := range []struct {
		name, contents string
		status         int
		says           string
	}{
		{"", "", http.StatusUnprocessableEntity, "No file was chosen"},
		{"empty.csv", "", http.StatusUnprocessableEntity, "The list cannot be taken like this"},
		{"picture.png", "\x89PNG\r\n\x1a\n\x00\x00", 0, "The list cannot be taken like this"},
	} {
		rec := b.sendList("/new", form{fields: fields, name: tt.name, contents: tt.contents})
		if tt.status == 0 {
			tt.status = rec.Code
		}
		want(t, rec, tt.status, tt.says)
	}
	fields.Set("token", "x")
	want(t, b.sendList("/new", form{fields: fields, name: "a.csv", contents: mixed}), http.StatusForbidden, "The page was too old")
}

func TestProblemsComeAsAFile(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser(t)
	rec := b.sendList("/new/problems", form{fields: filled(t, b.get("/new")), name: "a.csv", contents: mixed})
	want(t, rec, http.StatusOK, "§§")
	if got := rec.Header().Get("Content-Disposition"); !strings.Contains(got, "problems.csv") {
		t.Errorf("it is called %q", got)
	}
}

func TestWhoeverOnlySubmitsMaySubmit(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	key, _ := w.key(t, store.APIKey{Scopes: []store.Scope{store.ScopeSubmit}})
	b := w.browser(t).in(key)
	want(t, b.get("/new"), http.StatusOK, `<input id="provider"`)
	rec := b.get("/")
	if to := rec.Header().Get("Location"); to != "/new" {
		t.Errorf("the first page leads to %q", to)
	}
}

func TestALookupIsConfirmedWhereItCosts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser(t)
	want(t, b.get("/lookup"), http.StatusOK, `name="plate"`)
	want(t, b.post("/lookup", "/lookup", url.Values{"provider": {"attestr"}, "plate": {"KA01AB1234"}}), http.StatusOK,
		"It costs at most 2.00 INR", "Ask attestr", `name="once"`)
	if all := w.batches(t); all != 0 {
		t.Errorf("asking for the price made %d batches", all)
	}
	want(t, b.post("/lookup", "/lookup", url.Values{"provider": {"attestr"}, "plate": {"§"}}), http.StatusOK, "It cannot be asked")
	want(t, b.post("/lookup", "/lookup", url.Values{"provider": {"nobody"}, "plate": {"KA01AB1234"}}), http.StatusUnprocessableEntity, "It cannot be asked like this")
}

// TestALookupIsAskedOnce, however often its button is pressed.
func TestALookupIsAskedOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser(t)
	fields := url.Values{"provider": {"attestr"}, "plate": {"KA01AB1234"}, "fresh": {"true"}}
	once := inputs.FindStringSubmatch(regexp.MustCompile(`<input [^>]*name="once"[^>]*>`).FindString(b.post("/lookup", "/lookup", fields).Body.String()))
	if once == nil {
		t.Fatal("the request that asks has no name")
	}
	fields.Set("once", once[2])
	first := make(chan *httptest.ResponseRecorder)
	go func() { first <- b.post("", "/lookup", maps.Clone(fields)) }()
	all, err := w.store.Batches(t.Context(), store.BatchFilter{})
	for ; err == nil && (len(all) == 0 || all[0].State == store.BatchIntake); all, err = w.store.Batches(t.Context(), store.BatchFilter{}) {
		runtime.Gosched()
	}
	if err == nil {
		err = w.store.Cancel(t.Context(), all[0].No, "a test")
	}
	if err != nil {
		t.Fatal(err)
	}
	want(t, <-first, http.StatusOK, all[0].ID)
	want(t, b.post("", "/lookup", fields), http.StatusOK, all[0].ID)
	if n := w.batches(t); n != 1 {
		t.Errorf("it was asked %d times", n)
	}
}

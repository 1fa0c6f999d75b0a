package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/plateq/plateq/store"
)

func TestNobodyComesInWithoutAKeyOnceThereIsOne(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser(t)
	want(t, b.get("/"), http.StatusOK, "There is no API key yet")
	w.key(t, store.APIKey{Scopes: store.Scopes()})
	for _, path := range []string{"/", "/batches", "/nowhere"} {
		rec := b.get(path)
		if to := rec.Header().Get("Location"); rec.Code != http.StatusSeeOther || !strings.HasPrefix(to, "/login") {
			t.Errorf("%s: got %d to %q, want to be sent to log in", path, rec.Code, to)
		}
	}
	want(t, b.get("/login"), http.StatusOK, `type="password"`)
}

func TestWithoutKeysOnlyThisMachineIsAnswered(t *testing.T) {
	t.Parallel()
	b := newWorld(t).browser(t)
	b.host = "rebound.example"
	want(t, b.get("/"), http.StatusForbidden, "Only this machine is answered")
}

func TestASessionStandsForItsKey(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	text, id := w.key(t, store.APIKey{Name: "desk", Scopes: []store.Scope{store.ScopeRead}})
	b := w.browser(t)
	want(t, b.post("/login", "/login", url.Values{"key": {text + "x"}}), http.StatusUnauthorized, "This is no key that counts")
	before := b.cookies["plateq"]
	rec := b.post("/login", "/login", url.Values{"key": {text}, "next": {"/batches?state=done"}})
	if got := rec.Header().Get("Location"); got != "/batches?state=done" {
		t.Errorf("sent on to %q", got)
	}
	cookie := rec.Header().Get("Set-Cookie")
	for _, part := range []string{"HttpOnly", "SameSite=Lax", "Path=/"} {
		if !strings.Contains(cookie, part) {
			t.Errorf("the cookie lacks %s: %s", part, cookie)
		}
	}
	if b.cookies["plateq"] == before {
		t.Error("the session from before the login lives on")
	}
	want(t, b.get("/batches"), http.StatusOK, "desk", "Log out")

	// Another process, or this one after a restart, knows it too.
	b.pages = w.serve(t)
	want(t, b.get("/batches"), http.StatusOK, "desk")

	if err := w.store.RevokeAPIKey(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	if rec := b.get("/batches"); rec.Code != http.StatusSeeOther {
		t.Errorf("with a revoked key: got %d", rec.Code)
	}
}

func TestLoggingOutEndsTheSession(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	text, _ := w.key(t, store.APIKey{Scopes: store.Scopes()})
	b := w.browser(t).in(text)
	stolen := b.cookies["plateq"]
	if rec := b.post("/batches", "/logout", nil); rec.Code != http.StatusSeeOther || b.cookies["plateq"] != "" {
		t.Errorf("log out: %d, cookie %q", rec.Code, b.cookies["plateq"])
	}
	b.cookies["plateq"] = stolen
	if rec := b.get("/batches"); rec.Code != http.StatusSeeOther {
		t.Errorf("the session from before: got %d", rec.Code)
	}
}

func TestASessionEnds(t *testing.T) {
	t.Parallel()
	now := time.Now()
	w := newWorldAt(t, func() time.Time { return now })
	text, _ := w.key(t, store.APIKey{Scopes: store.Scopes(), Expires: now.Add(20 * time.Hour)})
	b := w.browser(t).in(text)
	for _, step := range []struct {
		passed time.Duration
		status int
	}{
		{11 * time.Hour, http.StatusOK}, // and good for twelve more, but for the key's end
		{8 * time.Hour, http.StatusOK},
		{2 * time.Hour, http.StatusSeeOther},
	} {
		now = now.Add(step.passed)
		if rec := b.get("/batches"); rec.Code != step.status {
			t.Fatalf("%v later: got %d, want %d", step.passed, rec.Code, step.status)
		}
	}
	b = w.browser(t)
	long, _ := w.key(t, store.APIKey{Scopes: store.Scopes()})
	b.in(long)
	now = now.Add(13 * time.Hour)
	if rec := b.get("/batches"); rec.Code != http.StatusSeeOther {
		t.Errorf("after 13 hours without a visit: got %d", rec.Code)
	}
}

func TestASessionCannotBeMadeUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	text, _ := w.key(t, store.APIKey{Scopes: store.Scopes()})
	b := w.browser(t).in(text)
	good := b.cookies["plateq"]
	for i := 0; i < len(good)-1; i += 5 { // the last letter holds spare bits
		flipped := []byte(good)
		if flipped[i]++; flipped[i] == good[i] {
			continue
		}
		b.cookies["plateq"] = string(flipped)
		if rec := b.get("/batches"); rec.Code == http.StatusOK {
			t.Errorf("with letter %d changed: got %d", i, rec.Code)
		}
	}
}

func TestBehindTLSTheCookieIsOfThisHostAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	text, _ := w.key(t, store.APIKey{Scopes: store.Scopes()})
	b := w.browser(t)
	b.headers["X-Forwarded-Proto"] = "https"
	b.in(text)
	if b.cookies["__Host-plateq"] == "" || b.cookies["plateq"] != "" {
		t.Errorf("cookies %v", b.cookies)
	}
	rec := b.post("/batches", "/logout", nil)
	if cookie := rec.Header().Get("Set-Cookie"); !strings.Contains(cookie, "Secure") {
		t.Errorf("the cookie lacks Secure: %s", cookie)
	}
}

func TestAPageIsOfTheScopesOfItsKey(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	reader, _ := w.key(t, store.APIKey{Scopes: []store.Scope{store.ScopeRead}})
	submitter, _ := w.key(t, store.APIKey{Scopes: []store.Scope{store.ScopeSubmit}})
	b := w.browser(t).in(reader)
	page := b.get("/")
	want(t, page, http.StatusOK, `href="/batches"`)
	if strings.Contains(page.Body.String(), `href="/new"`) {
		t.Error("whoever only reads is offered to hand lists in")
	}
	b = w.browser(t).in(submitter)
	want(t, b.get("/batches"), http.StatusForbidden, "It needs the scope read")
}

func TestAFormNeedsTheTokenOfItsSession(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.key(t, store.APIKey{Scopes: store.Scopes()})
	b, other := w.browser(t), w.browser(t)
	b.get("/login")
	for _, token := range []string{"", tokenOf(t, other.get("/login")), "abc"} {
		want(t, b.post("", "/login", url.Values{"token": {token}}), http.StatusForbidden, "The page was too old")
	}
}

func TestAPageOfAnotherSiteChangesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	text, _ := w.key(t, store.APIKey{Scopes: store.Scopes()})
	b := w.browser(t).in(text)
	token := tokenOf(t, b.get("/batches"))
	b.headers["Sec-Fetch-Site"] = "cross-site"
	want(t, b.post("", "/logout", url.Values{"token": {token}}), http.StatusForbidden, "This came from another site")
}

func TestLoginLeadsNowhereElse(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	text, _ := w.key(t, store.APIKey{Scopes: store.Scopes()})
	for _, next := range []string{"https://evil.example/", "//evil.example", `/\evil.example`, "javascript:alert(1)", "/a\r\nX: y"} {
		rec := w.browser(t).post("/login", "/login", url.Values{"key": {text}, "next": {next}})
		if to := rec.Header().Get("Location"); to != "/" {
			t.Errorf("next %q leads to %q", next, to)
		}
	}
}

func TestWrongKeysAreSlowedDown(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.key(t, store.APIKey{Scopes: store.Scopes()})
	b := w.browser(t)
	last := 0
	for range 30 {
		last = b.post("/login", "/login", url.Values{"key": {"plq_nobody_knows"}}).Code
	}
	if last != http.StatusTooManyRequests {
		t.Errorf("after 30 wrong keys: got %d", last)
	}
}

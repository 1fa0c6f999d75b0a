package web_test

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
)

func TestPagesLoadOnlyTheirOwn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser(t)
	page := b.get("/")
	policy := page.Header().Get("Content-Security-Policy")
	if !strings.Contains(policy, "default-src 'none'") || strings.Contains(policy, "unsafe") {
		t.Errorf("policy %q", policy)
	}
	if regexp.MustCompile(`<script>|<style|\son[a-z]+=|\sstyle=`).MatchString(page.Body.String()) {
		t.Error("something on the page needs what its policy forbids")
	}
	for _, m := range regexp.MustCompile(`(?:src|href)="(/assets/[^"]*)"`).FindAllStringSubmatch(page.Body.String(), -1) {
		rec := b.get(m[1])
		if rec.Code != http.StatusOK || !strings.Contains(rec.Header().Get("Cache-Control"), "immutable") || rec.Header().Get("Content-Type") == "" {
			t.Errorf("%s: %d %v", m[1], rec.Code, rec.Header())
		}
	}
	want(t, b.get("/assets/none.css"), http.StatusNotFound)
	want(t, b.get("/nowhere"), http.StatusNotFound, "There is nothing here")
}

func TestOverviewSaysWhatToDoFirst(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser(t)
	want(t, b.get("/"), http.StatusOK, "No list was ever handed in here")
	id := w.submitted(t, "&name=Fleet+%26+co", "plate\nKA01AB1234\nKA01AB1235\n")
	rec := b.get("/")
	want(t, rec, http.StatusOK, id, "Fleet &amp; co", "running", "Under way")
	if strings.Contains(rec.Body.String(), "How much") {
		t.Error("it tells how much was answered where nothing was")
	}
}

func TestBatchesAreChosenAndPaged(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser(t)
	want(t, b.get("/batches"), http.StatusOK, "No list was ever handed in here")
	for range 51 {
		w.submitted(t, "&name=monthly", "plate\nKA01AB1234\n")
	}
	other := w.submitted(t, "&name=other", "plate\nKA01AB1234\n")
	first := b.get("/batches")
	want(t, first, http.StatusOK, other, "Next page")
	next := regexp.MustCompile(`href="(/batches\?cursor=[^"]*)"`).FindStringSubmatch(first.Body.String())
	if next == nil {
		t.Fatal("no next page")
	}
	want(t, b.get(next[1]), http.StatusOK, "To the beginning", "monthly")
	if rec := b.get("/batches?name=MONTHLY&provider=&state=running"); strings.Contains(rec.Body.String(), other) {
		t.Error("a batch that was not chosen is shown")
	}
	want(t, b.get("/batches?name=nothing"), http.StatusOK, "No batch is like that")
	want(t, b.get("/batches?state=odd"), http.StatusBadRequest, "Something has to be put right")
}

// TestAMethodThatIsNoneIsNotLogged: it could be a plate.
func TestAMethodThatIsNoneIsNotLogged(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser(t)
	b.get("/batches")
	b.send(httptest.NewRequestWithContext(t.Context(), "DL01AA1000", "/batches", http.NoBody))
	if log := w.log.String(); strings.Contains(log, "DL01AA1000") || !strings.Contains(log, `"method":"GET"`) || !strings.Contains(log, `"method":"other"`) {
		t.Errorf("the log has %s", log)
	}
}

package api_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/plateq/plateq/internal/api"
	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/providers/attestr"
	"github.com/plateq/plateq/store"
)

const (
	hookToken  = "canary-token"
	hookSecret = "canary-secret"
	// hookPlate and hookPhone are in every webhook, and to be in no log.
	hookPlate = "DL99ZZ0042"
	hookPhone = "9400000042"
)

// record is what a webhook says of a record that was found.
func record(batch, id, status string) string {
	return fmt.Sprintf(`{"_id":%q,"requestId":"q-%[1]s","batchId":%q,"status":%q,"input":{"reg":%q},"output":{"valid":true,"status":"VALID_FOUND","contact":%q}}`,
		id, batch, status, hookPlate, hookPhone)
}

// webhook is one about that record, as Attestr sends it.
func webhook(output string) string {
	m := hmac.New(sha256.New, []byte(hookSecret))
	m.Write([]byte(output))
	return fmt.Sprintf(`{"event":"async.completed","payload":{"_id":"x","status":"COMPLETED","output":%s,"error":null,"signature":%q}}`,
		output, hex.EncodeToString(m.Sum(nil)))
}

const (
	hookAuth = "Authorization: Basic " + hookToken
	outside  = "Host: hooks.example.com"
)

func (w *world) hook(t *testing.T, body string, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	return w.do(t, "POST", "/hooks/attestr", body, append([]string{outside, jsonBody, hookAuth}, headers...)...)
}

// hooksWorld is one that takes webhooks, with a ticket that is due in an hour.
func hooksWorld(t *testing.T, change func(*api.Options)) (w *world, batch string) {
	t.Helper()
	p, err := attestr.New(attestr.Config{AuthToken: "t", WebhookToken: hookToken, ClientSecret: hookSecret}, attestr.Options{})
	if err != nil {
		t.Fatal(err)
	}
	set, err := providers.NewSet(p)
	if err != nil {
		t.Fatal(err)
	}
	w = newWorld(t, func(o *api.Options) {
		o.Providers, o.Pause = set, func(string) time.Duration { return time.Minute }
		if change != nil {
			change(o)
		}
	})
	batch = w.submitted(t, "plate\n"+hookPlate+"\n").ID
	for len(w.wakes) > 0 {
		<-w.wakes
	}
	return w, batch
}

// ticketed lets the list wait on the ticket b1, due in an hour.
func (w *world) ticketed(t *testing.T, batch string) {
	t.Helper()
	ctx := t.Context()
	b, err := w.store.Batch(ctx, batch)
	if err != nil {
		t.Fatal(err)
	}
	chunks, err := w.store.Offer(ctx, store.OfferRequest{Batch: b.No, Size: 500, Limit: 1})
	if err != nil || len(chunks) != 1 {
		t.Fatal(chunks, err)
	}
	claim, err := w.store.Claim(ctx, store.ClaimRequest{Chunk: chunks[0].ID, Owner: "worker", Expires: time.Now().Add(time.Minute)})
	if err != nil {
		t.Fatal(err)
	}
	in := time.Now().Add(time.Hour)
	_, err = w.store.Settle(ctx, store.Settlement{Call: claim.Call, Rest: &store.Verdict{To: store.Waiting},
		Tickets: []store.NewTicket{{Handle: providers.Ticket{ID: "b1"}, Due: in, Deadline: in, Interval: time.Hour}}})
	if err != nil {
		t.Fatal(err)
	}
}

func (w *world) due(t *testing.T) []store.TicketRef {
	t.Helper()
	due, err := w.store.DueTickets(t.Context(), "attestr", 10)
	if err != nil {
		t.Fatal(err)
	}
	return due
}

func (w *world) orphans(t *testing.T) int {
	t.Helper()
	all, err := w.store.Orphans(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return len(all)
}

func wantStatus(t *testing.T, what string, rec *httptest.ResponseRecorder, want int) {
	t.Helper()
	if rec.Code != want {
		t.Errorf("%s: got %d %s, want %d", what, rec.Code, rec.Body, want)
	}
}

func TestHookMakesItsTicketDue(t *testing.T) {
	t.Parallel()
	w, batch := hooksWorld(t, nil)
	w.ticketed(t, batch)
	rec := w.hook(t, webhook(record("b1", "i1", "COMPLETED")))
	wantStatus(t, "webhook", rec, http.StatusOK)
	if rec.Body.Len() > 0 || len(w.due(t)) != 1 || len(w.wakes) != 1 {
		t.Errorf("got %q, %d due, %d wakes, want an empty body and one of each", rec.Body, len(w.due(t)), len(w.wakes))
	}
	log := w.log.String()
	for _, canary := range []string{hookPlate, hookPhone, hookToken, hookSecret, "b1", "i1"} {
		if strings.Contains(log, canary) {
			t.Errorf("the log holds %q:\n%s", canary, log)
		}
	}
	if !strings.Contains(log, `"form":"raw"`) || !strings.Contains(log, `"route":"POST /hooks/{provider}"`) {
		t.Errorf("the log does not tell of the webhook and of what it was signed over:\n%s", log)
	}
}

// TestHookManyTimes sends one a thousand times, fifty at once.
func TestHookManyTimes(t *testing.T) {
	t.Parallel()
	w, batch := hooksWorld(t, nil)
	w.ticketed(t, batch)
	body := webhook(record("b1", "i1", "COMPLETED"))
	var g sync.WaitGroup
	for range 50 {
		g.Go(func() {
			for range 20 {
				wantStatus(t, "webhook", w.hook(t, body), http.StatusOK)
			}
		})
	}
	g.Wait()
	due := w.due(t)
	if len(due) != 1 {
		t.Fatalf("got %d tickets due, want 1", len(due))
	}
	o, err := w.store.ClaimTicket(t.Context(), store.TicketClaim{ID: due[0].ID, Owner: "worker", Until: time.Now().Add(time.Minute)})
	if err != nil {
		t.Fatal(err)
	}
	in := time.Now().Add(time.Hour)
	_, err = w.store.SettleTicket(t.Context(), store.TicketSettlement{ID: o.ID, Lease: o.Lease, Handle: o.Handle, Due: in, Interval: time.Hour})
	if err != nil || len(w.due(t)) != 0 {
		t.Errorf("got %v, %d due, want one poll for all of them", err, len(w.due(t)))
	}
	// Another one, a day later or whenever, brings no more than a poll a minute.
	wantStatus(t, "again", w.hook(t, body), http.StatusOK)
	if next, err := w.store.NextDue(t.Context(), "attestr", time.Time{}); err != nil || time.Until(next) < 30*time.Second {
		t.Errorf("got next due in %v, %v, want the pause to be kept", time.Until(next), err)
	}
}

func TestForgedHook(t *testing.T) {
	t.Parallel()
	w, batch := hooksWorld(t, nil)
	w.ticketed(t, batch)
	good := webhook(record("b1", "i1", "COMPLETED"))
	unsigned := strings.Replace(good, `"signature"`, `"signatures"`, 1)
	for name, rec := range map[string]*httptest.ResponseRecorder{
		"no token":      w.do(t, "POST", "/hooks/attestr", good, outside, jsonBody),
		"another token": w.do(t, "POST", "/hooks/attestr", good, outside, jsonBody, "Authorization: Basic forged"),
		"no signature":  w.hook(t, unsigned),
		"changed":       w.hook(t, strings.Replace(good, hookPhone, "9400000043", 1)),
		"nonsense":      w.do(t, "POST", "/hooks/attestr", "{", outside),
	} {
		wantStatus(t, name, rec, http.StatusUnauthorized)
		if rec.Body.Len() > 0 {
			t.Errorf("%s: got body %s, want none", name, rec.Body)
		}
	}
	if len(w.due(t)) > 0 || w.orphans(t) > 0 || len(w.wakes) > 0 {
		t.Errorf("got %d due, %d orphans, want nothing of it to be stored", len(w.due(t)), w.orphans(t))
	}
}

func TestHookThatIsNotTaken(t *testing.T) {
	t.Parallel()
	w, _ := hooksWorld(t, nil)
	good := webhook(record("b1", "i1", "COMPLETED"))
	wantStatus(t, "two outputs", w.hook(t, strings.Replace(good, `"error"`, `"output":{},"error"`, 1)), http.StatusBadRequest)
	wantStatus(t, "nonsense", w.hook(t, "<html>"), http.StatusBadRequest)
	wantStatus(t, "empty", w.hook(t, ""), http.StatusBadRequest)
	wantStatus(t, "huge", w.hook(t, strings.Repeat(" ", 300<<10)+good), http.StatusRequestEntityTooLarge)
	wantStatus(t, "of nobody", w.do(t, "POST", "/hooks/nobody", good, outside, hookAuth), http.StatusNotFound)
	for _, path := range []string{"/hooks/", "/hooks/attestr/x", "/hooks/attestr/"} {
		wantStatus(t, path, w.do(t, "POST", path, good, outside, hookAuth), http.StatusNotFound)
	}
	wantStatus(t, "GET", w.do(t, "GET", "/hooks/attestr", "", outside), http.StatusMethodNotAllowed)
	if n := w.orphans(t); n > 0 {
		t.Errorf("got %d orphans, want none", n)
	}
	wantStatus(t, "another event", w.hook(t, `{"event":"factx.query","payload":{}}`), http.StatusOK)
}

// TestHooksAreApart: a webhook may come to any name, and nothing else may.
func TestHooksAreApart(t *testing.T) {
	t.Parallel()
	w, _ := hooksWorld(t, nil)
	for _, path := range []string{"/v1/batches", "/healthz", "/hook/attestr", "//hooks/attestr", "/v1/../hooks/attestr"} {
		wantStatus(t, path, w.do(t, "GET", path, "", outside), http.StatusForbidden)
	}
	if rec := w.do(t, "GET", "/hooks/../v1/batches", "", outside); rec.Code == http.StatusOK {
		t.Errorf("got %d %s by way of the webhooks", rec.Code, rec.Body)
	}
	alone := api.NewHooks(api.Options{Store: w.store, Providers: w.set})
	for path, want := range map[string]int{"/v1/batches": http.StatusNotFound, "/healthz": http.StatusNotFound, "/hooks/attestr": http.StatusUnauthorized} {
		rec := httptest.NewRecorder()
		alone.ServeHTTP(rec, httptest.NewRequestWithContext(t.Context(), "POST", path, nil))
		wantStatus(t, path+" where only webhooks are served", rec, want)
	}
}

// TestHookBeforeItsTicket: one that comes before the answer to the submit is
// stored counts once that is.
func TestHookBeforeItsTicket(t *testing.T) {
	t.Parallel()
	w, batch := hooksWorld(t, nil)
	wantStatus(t, "webhook", w.hook(t, webhook(record("b1", "i1", "COMPLETED"))), http.StatusOK)
	wantStatus(t, "the same", w.hook(t, webhook(record("b1", "i1", "COMPLETED"))), http.StatusOK)
	// One that is out of order changes as little as any other.
	wantStatus(t, "an earlier one", w.hook(t, webhook(record("b1", "i1", "INITIATED"))), http.StatusOK)
	if w.orphans(t) != 1 || len(w.due(t)) > 0 {
		t.Errorf("got %d orphans, %d due, want 1 and none", w.orphans(t), len(w.due(t)))
	}
	w.ticketed(t, batch)
	if w.orphans(t) != 0 || len(w.due(t)) != 1 {
		t.Errorf("got %d orphans, %d due once the ticket is there, want none and 1", w.orphans(t), len(w.due(t)))
	}
}

// ill is a store that takes no hint.
type ill struct {
	store.Store
	hint func(context.Context) error
}

func (s *ill) Hint(ctx context.Context, _ store.HintRequest) (store.Hinted, error) {
	return store.Hinted{}, s.hint(ctx)
}

// TestHookWhileTheStoreIsAway: nobody is told that a webhook was taken which
// was not stored.
func TestHookWhileTheStoreIsAway(t *testing.T) {
	t.Parallel()
	st := &ill{}
	w, _ := hooksWorld(t, func(o *api.Options) {
		st.Store = o.Store
		o.Store = st
	})
	for _, err := range []error{store.ErrAway, store.ErrFull, context.DeadlineExceeded, fmt.Errorf("odd")} {
		st.hint = func(context.Context) error { return err }
		rec := w.hook(t, webhook(record("b1", "i1", "COMPLETED")))
		wantStatus(t, err.Error(), rec, http.StatusServiceUnavailable)
		if rec.Header().Get("Retry-After") == "" || rec.Body.Len() > 0 {
			t.Errorf("%v: got %v %s, want to be told when to come again, and nothing else", err, rec.Header(), rec.Body)
		}
	}
}

// TestHooksWaitForTheStoreInABoundedNumber: the others are told to come again
// at once.
func TestHooksWaitForTheStoreInABoundedNumber(t *testing.T) {
	t.Parallel()
	inside, release := make(chan struct{}), make(chan struct{})
	st := &ill{hint: func(context.Context) error {
		inside <- struct{}{}
		<-release
		return nil
	}}
	w, _ := hooksWorld(t, func(o *api.Options) {
		st.Store = o.Store
		o.Store = st
	})
	body := webhook(record("b1", "i1", "COMPLETED"))
	var g sync.WaitGroup
	for range api.FloodWidth {
		g.Go(func() { wantStatus(t, "one that waits", w.hook(t, body), http.StatusOK) })
	}
	for range api.FloodWidth {
		<-inside
	}
	wantStatus(t, "one too many", w.hook(t, body), http.StatusServiceUnavailable)
	wantStatus(t, "the others", w.do(t, "GET", "/healthz", ""), http.StatusOK)
	close(release)
	g.Wait()
}

// TestFloodOfHooks sends more than are taken; no time passes but by hand.
func TestFloodOfHooks(t *testing.T) {
	t.Parallel()
	clock := &hand{now: time.Now()}
	w, _ := hooksWorld(t, func(o *api.Options) { o.Now = clock.read })
	taken := func() int {
		for n := 0; ; n++ {
			switch rec := w.do(t, "POST", "/hooks/attestr", "", outside); {
			case rec.Code == http.StatusTooManyRequests && rec.Header().Get("Retry-After") != "":
				return n
			case rec.Code != http.StatusUnauthorized:
				t.Fatalf("got %d, %v", rec.Code, rec.Header())
			}
		}
	}
	if got := taken(); got != api.FloodBurst {
		t.Errorf("got %d taken at once, want %d", got, api.FloodBurst)
	}
	wantStatus(t, "the others meanwhile", w.do(t, "GET", "/v1/batches", ""), http.StatusOK)
	clock.pass(time.Second)
	if got := taken(); got != api.FloodRate {
		t.Errorf("got %d taken a second later, want %d", got, api.FloodRate)
	}
	clock.pass(-time.Hour)
	clock.pass(time.Hour + time.Second)
	if got := taken(); got != api.FloodRate {
		t.Errorf("got %d taken after the clock went to and fro, want %d", got, api.FloodRate)
	}
}

// hand is a clock that is moved by hand.
type hand struct {
	mu  sync.Mutex
	now time.Time
}

func (h *hand) read() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.now
}

func (h *hand) pass(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.now = h.now.Add(d)
}

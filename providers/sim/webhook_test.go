package sim_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/providers/attestr"
	"github.com/plateq/plateq/providers/sim"
)

const (
	hookToken  = "hook-token"
	hookSecret = "hook-secret"
)

// receiver takes webhooks as a customer does: it believes the genuine ones.
type receiver struct {
	url    string
	reader *attestr.Provider
	status atomic.Int32 // the answer to genuine ones; 0: 200
	hints  chan []providers.Hint
}

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	reader, err := attestr.New(attestr.Config{AuthToken: "t", WebhookToken: hookToken, ClientSecret: hookSecret}, attestr.Options{})
	if err != nil {
		t.Fatal(err)
	}
	r := &receiver{reader: reader, hints: make(chan []providers.Hint, 10_000)}
	srv := httptest.NewServer(r)
	t.Cleanup(srv.Close)
	r.url = srv.URL
	return r
}

// ServeHTTP implements http.Handler.
func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, _ := io.ReadAll(req.Body)
	hints, err := r.reader.ReadCallback(req.Header, body)
	if errors.Is(err, providers.Unauthorised) {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	if status := r.status.Load(); status != 0 {
		w.WriteHeader(int(status))
	}
	r.hints <- hints
}

// wait returns the next n webhooks that are believed.
func (r *receiver) wait(n int) [][]providers.Hint {
	all := make([][]providers.Hint, n)
	for i := range all {
		all[i] = <-r.hints
	}
	return all
}

func (r *receiver) options(change func(*sim.Webhooks)) (sim.Options, *clock) {
	clk := newClock()
	w := sim.Webhooks{URL: r.url + "/hooks/attestr", Token: hookToken, Secret: hookSecret}
	if change != nil {
		change(&w)
	}
	return sim.Options{Now: clk.now, Seed: 5, Webhooks: w, Completion: sim.Completion{Min: time.Minute, Max: time.Hour}}, clk
}

// askedFor submits plates and asks for webhooks.
func (u *upstream) askedFor(t *testing.T, plates ...string) string {
	t.Helper()
	body := strings.Replace(string(submitBody(plates...)), "{", `{"webhook":true,`, 1)
	var v struct {
		ID string `json:"_id"`
	}
	u.do(t, http.MethodPost, batchx, []byte(body)).into(t, &v)
	return v.ID
}

// sent waits until so many webhooks have been sent and answered.
func (u *upstream) sent(t *testing.T, n int) sim.WebhookStats {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		if got := u.Stats().Webhooks; got.Sent >= n {
			return got
		}
		select {
		case <-tick.C:
		case <-t.Context().Done():
			t.Fatalf("%d webhooks were not sent", n)
		}
	}
}

func TestWebhookOfEachRecord(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*sim.Webhooks){
		"the record":           nil,
		"its output":           func(w *sim.Webhooks) { w.Inner = true },
		"its output, batch id": func(w *sim.Webhooks) { w.Inner, w.Batch = true, true },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newReceiver(t)
			opts, clk := r.options(change)
			u := start(t, opts)
			u.mustSubmit(t, "KA01AB1234") // which asks for none
			id := u.askedFor(t, plates(100)...)
			clk.advance(time.Hour)
			records := map[string]record{}
			for _, rec := range u.mustItems(t, id, 0, 100) {
				records[rec.ID] = rec
			}
			for _, hints := range r.wait(100) {
				var about record
				for _, h := range hints {
					if h.Ticket == id {
						about.BatchID = id
					}
					if rec, known := records[h.Record]; known {
						about.ID = rec.ID
					}
					if h.Subject != nil && h.Subject[providers.Plate] != records[h.Record].Input.Reg {
						t.Errorf("%v is about another plate than the record", h)
					}
				}
				errored := hints[0].Signed == ""
				switch {
				case name == "its output, batch id" || !errored && name == "the record":
					if about.BatchID == "" {
						t.Errorf("%v does not name the batch", hints)
					}
				case about.ID == "":
					t.Errorf("%v does not name the record", hints)
				}
				delete(records, about.ID)
			}
			u.sent(t, 100)
			if err := u.Close(); err != nil {
				t.Fatal(err)
			}
			if len(r.hints) > 0 || name != "its output, batch id" && len(records) > 0 {
				t.Errorf("%d webhooks were too many, %d records were left out", len(r.hints), len(records))
			}
			if got, want := u.Stats().Webhooks, (sim.WebhookStats{Sent: 100, Accepted: 100}); got != want {
				t.Errorf("got %+v, want %+v", got, want)
			}
		})
	}
}

// TestWebhooksComeWhenRecordsAreFinal moves the clock half-way.
func TestWebhooksComeWhenRecordsAreFinal(t *testing.T) {
	t.Parallel()
	r := newReceiver(t)
	opts, clk := r.options(nil)
	opts.Faults = []sim.Fault{{Kind: sim.KindNever, Prefix: "XX"}}
	u := start(t, opts)
	id := u.askedFor(t, append(plates(50), "XX00ZZ0001", "XX00ZZ0002")...)
	clk.advance(30 * time.Minute)
	final := 0
	for _, rec := range u.mustItems(t, id, 0, 100) {
		if rec.Status != sim.RecordInitiated {
			final++
		}
	}
	r.wait(final)
	if got := u.Stats().Webhooks.Sent; final == 0 || final == 50 || got > final {
		t.Fatalf("%d records are final, %d webhooks were sent", final, got)
	}
	clk.advance(time.Hour)
	r.wait(50 - final)
	if err := u.Close(); err != nil || len(r.hints) > 0 {
		t.Errorf("got %v, and %d webhooks about records that never end", err, len(r.hints))
	}
}

func TestWebhooksGoWrong(t *testing.T) {
	t.Parallel()
	r := newReceiver(t)
	opts, clk := r.options(func(w *sim.Webhooks) {
		if err := sim.ParseWebhooks("dup=0.2,forge=0.1,lost=0.1,late=0.1,late_by=1h,lag=5s", w); err != nil {
			t.Fatal(err)
		}
	})
	u := start(t, opts)
	const n = 1000
	u.askedFor(t, plates(n)...)
	planned := u.Stats().Webhooks
	within := func(what string, got int, share float64) {
		t.Helper()
		if got < int(0.7*share*n) || got > int(1.3*share*n) {
			t.Errorf("%s: got %d of %d, want a share of about %v", what, got, n, share)
		}
	}
	within("lost", planned.Lost, 0.1)
	within("forged", planned.Forged, 0.1)
	within("duplicated", planned.Duplicated, 0.9*0.2)
	clk.advance(time.Hour + 5*time.Second)
	genuine := n - planned.Lost + planned.Duplicated
	r.wait(genuine * 8 / 10)
	clk.advance(time.Hour)
	r.wait(genuine - genuine*8/10)
	got := u.sent(t, genuine+planned.Forged)
	if got.Accepted != genuine || got.ForgedAccepted != 0 || got.Refused != 0 || got.Retried != 0 {
		t.Errorf("got %+v, want %d accepted and nothing that was forged", got, genuine)
	}
}

// TestWebhookIsRepeated until it is answered, and not for ever.
func TestWebhookIsRepeated(t *testing.T) {
	t.Parallel()
	r := newReceiver(t)
	opts, clk := r.options(nil)
	u := start(t, opts)
	u.askedFor(t, "KA01AB1234", "KA01AB1235")
	r.status.Store(http.StatusServiceUnavailable)
	clk.advance(time.Hour)
	r.wait(2)
	u.sent(t, 2)
	r.status.Store(0)
	clk.advance(time.Second)
	r.wait(2)
	if got, want := u.sent(t, 4), (sim.WebhookStats{Sent: 4, Retried: 2, Accepted: 2}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	u.askedFor(t, "KA01AB1236")
	r.status.Store(http.StatusInternalServerError)
	for try := range 5 {
		clk.advance(time.Hour)
		r.wait(1)
		u.sent(t, 5+try)
	}
	clk.advance(time.Hour)
	if err := u.Close(); err != nil || len(r.hints) > 0 {
		t.Errorf("got %v, and %d further tries", err, len(r.hints))
	}
}

// TestRestartSendsWhatIsStillToCome: what was due before is lost.
func TestRestartSendsWhatIsStillToCome(t *testing.T) {
	t.Parallel()
	r := newReceiver(t)
	opts, clk := r.options(nil)
	opts.Journal = sim.MemoryJournal()
	before := start(t, opts)
	id := before.askedFor(t, plates(50)...)
	if err := before.Close(); err != nil {
		t.Fatal(err)
	}
	clk.advance(30 * time.Minute)
	after := start(t, opts)
	left := 0
	for _, rec := range after.mustItems(t, id, 0, 100) {
		if rec.Status == sim.RecordInitiated {
			left++
		}
	}
	clk.advance(time.Hour)
	r.wait(left)
	if err := after.Close(); err != nil || len(r.hints) > 0 {
		t.Errorf("got %v, and %d webhooks about what was over", err, len(r.hints))
	}
}

// TestCloseCutsOffWebhooks that nobody answers.
func TestCloseCutsOffWebhooks(t *testing.T) {
	t.Parallel()
	came, release := make(chan struct{}), make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		came <- struct{}{}
		<-release
	}))
	defer srv.Close()
	defer close(release)
	u := start(t, sim.Options{Webhooks: sim.Webhooks{URL: srv.URL}})
	u.askedFor(t, "KA01AB1234")
	<-came
	if err := u.Close(); err != nil {
		t.Fatal(err)
	}
	if got := u.Stats().Webhooks; got != (sim.WebhookStats{}) {
		t.Errorf("got %+v, want nothing of what was cut off", got)
	}
}

func TestParseWebhooks(t *testing.T) {
	t.Parallel()
	w := sim.Webhooks{URL: "http://127.0.0.1:8080/hooks/attestr"}
	if err := sim.ParseWebhooks("dup=0.2,,forge=1,lost=0,late=0.5,lag=1s,late_by=2m,inner,batch", &w); err != nil {
		t.Fatal(err)
	}
	want := sim.Webhooks{URL: w.URL, Dup: 0.2, Forge: 1, Late: 0.5, Lag: time.Second, LateBy: 2 * time.Minute, Inner: true, Batch: true}
	if w != want {
		t.Errorf("got %+v, want %+v", w, want)
	}
	for _, bad := range []string{"dup", "dup=2", "dup=-1", "dup=x", "lag=1", "lag=-1s", "inner=1", "twice=0.1", "=1"} {
		if err := sim.ParseWebhooks(bad, &sim.Webhooks{}); err == nil {
			t.Errorf("%s: got no error", bad)
		}
	}
	for _, bad := range []string{"ftp://x", "hooks", "http://", "::"} {
		if _, err := sim.New(sim.Options{Webhooks: sim.Webhooks{URL: bad}}); err == nil {
			t.Errorf("%s: got no error", bad)
		}
	}
}

// TestWebhookIsInTheDocumentedForm looks at the fields as they are written.
func TestWebhookIsInTheDocumentedForm(t *testing.T) {
	t.Parallel()
	bodies := make(chan []byte, 10)
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		bodies <- body
	}))
	defer srv.Close()
	for answers, event := range map[sim.Answers]string{{Found: 1}: "async.completed", {Errored: 1}: "async.errored"} {
		u := start(t, sim.Options{Answers: answers, Webhooks: sim.Webhooks{URL: srv.URL, Secret: hookSecret}})
		id := u.askedFor(t, "KA01AB1234")
		var got struct {
			Event   string
			Payload map[string]json.RawMessage
		}
		if err := json.Unmarshal(<-bodies, &got); err != nil {
			t.Fatal(err)
		}
		rec := u.mustItems(t, id, 0, 1)[0]
		if got.Event != event || string(got.Payload["_id"]) != `"`+rec.ID+`"` || string(got.Payload["requestId"]) != `"`+rec.RequestID+`"` ||
			string(got.Payload["status"]) != `"`+rec.Status+`"` || len(got.Payload) != 6 {
			t.Errorf("got %s %s of %+v", got.Event, got.Payload, rec)
		}
		whole := event == "async.completed"
		for _, key := range []string{"output", "error", "signature"} {
			if isNull := string(got.Payload[key]) == "null"; isNull == (whole != (key == "error")) {
				t.Errorf("%s: %s is %s", event, key, got.Payload[key])
			}
		}
	}
}

package webhook_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"
	standard "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"go.uber.org/goleak"

	"github.com/plateq/plateq/internal/webhook"
	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/store"
	"github.com/plateq/plateq/store/sqlite"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// got is what a receiver was sent.
type got struct {
	id     string
	at     time.Time
	header http.Header
	body   []byte
}

// receivers are the other systems, by host: each answers with a status, after
// a time, or 0: not at all. They stand in the place of a network, so that a
// test has its own time.
type receivers struct {
	mu     sync.Mutex
	answer map[string]func() (int, time.Duration)
	got    map[string][]got
}

// RoundTrip implements http.RoundTripper.
func (r *receivers) RoundTrip(req *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	answer := r.answer[req.URL.Host]
	r.mu.Unlock()
	status, after := answer()
	select {
	case <-time.After(after):
	case <-req.Context().Done():
		return nil, req.Context().Err()
	}
	if status == 0 {
		return nil, errors.New("connection refused")
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.got[req.URL.Host] = append(r.got[req.URL.Host], got{req.Header.Get(webhook.HeaderID), time.Now(), req.Header, body})
	return &http.Response{StatusCode: status, Body: http.NoBody, Header: http.Header{}, Request: req}, nil
}

func (r *receivers) of(host string) []got {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]got(nil), r.got[host]...)
}

// world is a store with senders, in a time of its own.
type world struct {
	t *testing.T
	*receivers
	store   *sqlite.Store
	log     *bytes.Buffer
	secrets map[string]webhook.Secret
}

func newWorld(t *testing.T) *world {
	t.Helper()
	st, err := sqlite.Open(t.Context(), sqlite.Options{Path: filepath.Join(t.TempDir(), "plateq.db"), Keys: store.NewKeys()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	return &world{
		t: t, store: st, log: &bytes.Buffer{}, secrets: map[string]webhook.Secret{},
		receivers: &receivers{answer: map[string]func() (int, time.Duration){}, got: map[string][]got{}},
	}
}

// listens adds a receiver that wants to hear of closed gates.
func (w *world) listens(host string, answer func() (int, time.Duration)) {
	w.t.Helper()
	w.answer[host], w.secrets[host] = answer, webhook.NewSecret()
	_, err := w.store.AddHook(w.t.Context(), store.NewHook{
		URL: "https://" + host + "/hook", Events: []store.EventKind{store.EventGateClosed}, Secret: w.secrets[host],
	}, nil)
	if err != nil {
		w.t.Fatal(err)
	}
}

func always(status int) func() (int, time.Duration) {
	return func() (int, time.Duration) { return status, 0 }
}

// happens lets a gate close and open again.
func (w *world) happens() {
	w.t.Helper()
	for _, c := range []store.GateChanges{
		{Close: []store.GateClose{{Scope: "attestr", Class: providers.OutOfCredit}}},
		{Open: []string{"attestr"}},
	} {
		if _, err := w.store.SetGates(w.t.Context(), c); err != nil {
			w.t.Fatal(err)
		}
	}
}

func (w *world) sender(over store.Outbox) *webhook.Sender {
	w.t.Helper()
	g, err := webhook.NewGuard(nil)
	if err != nil {
		w.t.Fatal(err)
	}
	client := g.Client()
	client.Transport = w.receivers
	return webhook.NewSender(webhook.Options{
		Store: over, Guard: g, Client: client, Log: zerolog.New(zerolog.SyncWriter(w.log)), Now: time.Now, Draw: func() float64 { return 0.5 },
	})
}

// sends runs a sender until stop is called.
func (w *world) sends(over store.Outbox) (stop func()) {
	ctx, cancel := context.WithCancel(w.t.Context())
	s, ended := w.sender(over), make(chan struct{})
	go func() {
		defer close(ended)
		s.Run(ctx)
	}()
	return func() {
		cancel()
		<-ended
	}
}

// ids counts what came by the name of its event.
func ids(all []got) map[string]int {
	by := map[string]int{}
	for _, g := range all {
		by[g.id]++
	}
	return by
}

// TestReceiverThatIsDownForAnHour gets all of it afterwards, and another one is
// not delayed by it, nor by one that never answers in time.
func TestReceiverThatIsDownForAnHour(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		up := time.Now().Add(time.Hour)
		w.listens("down.example", func() (int, time.Duration) {
			if time.Now().Before(up) {
				return 0, 0
			}
			return 200, 0
		})
		w.listens("slow.example", func() (int, time.Duration) { return 200, time.Hour })
		w.listens("well.example", always(204))
		stop := w.sends(w.store)
		var happened []time.Time
		for range 65 {
			happened = append(happened, time.Now())
			w.happens()
			time.Sleep(time.Minute)
		}
		time.Sleep(time.Minute)
		well := w.of("well.example")
		if len(well) != len(happened) {
			t.Fatalf("the one that is well got %d events, want %d", len(well), len(happened))
		}
		for i, g := range well {
			if late := g.at.Sub(happened[i]); late > 2*time.Second {
				t.Errorf("event %d came after %v", i, late)
			}
		}
		down := w.of("down.example")
		if len(ids(down)) != len(happened) || len(down) != len(happened) {
			t.Errorf("the one that was down got %d events, %d in all, want each of %d once", len(ids(down)), len(down), len(happened))
		}
		if len(down) > 0 && down[0].at.Sub(up) > 6*time.Minute {
			t.Errorf("the first one came %v after it was up again", down[0].at.Sub(up))
		}
		if n := len(w.of("slow.example")); n != 0 {
			t.Errorf("the slow one took %d", n)
		}
		stop()
	})
}

// TestWhatReceiversGet is signed, for each attempt anew, and says what happened.
func TestWhatReceiversGet(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		attempts := 0
		w.listens("a.example", func() (int, time.Duration) {
			if attempts++; attempts < 3 {
				return 503, 0
			}
			return 200, 0
		})
		time.Sleep(time.Until(time.Date(2031, 5, 6, 7, 8, 9, 0, time.UTC)))
		at := time.Now()
		w.happens()
		stop := w.sends(w.store)
		time.Sleep(10 * time.Minute)
		stop()
		all := w.of("a.example")
		if len(all) != 3 || len(ids(all)) != 1 {
			t.Fatalf("got %d requests, of %v, want 3 of one event", len(all), ids(all))
		}
		if p1, p2 := all[1].at.Sub(all[0].at), all[2].at.Sub(all[1].at); p1 > 6*time.Second || p2 < 4*time.Minute || p2 > 5*time.Minute+time.Second {
			t.Errorf("the pauses were %v and %v", p1, p2)
		}
		wh, err := standard.NewWebhook(w.secrets["a.example"].Reveal())
		if err != nil {
			t.Fatal(err)
		}
		for i, g := range all {
			if err := wh.VerifyIgnoringTimestamp(g.body, g.header); err != nil {
				t.Errorf("attempt %d: %v", i+1, err)
			}
			if !bytes.Equal(g.body, all[0].body) {
				t.Errorf("attempt %d says %s, want %s", i+1, g.body, all[0].body)
			}
		}
		var m struct {
			Type      string
			Timestamp time.Time
			Data      struct{ Scope, Reason string }
		}
		if err := json.Unmarshal(all[0].body, &m); err != nil || m.Type != "gate.closed" || !m.Timestamp.Equal(at) || m.Data.Scope != "attestr" {
			t.Errorf("got %s, %v", all[0].body, err)
		}
		if h := all[0].header; h.Get("Content-Type") != "application/json" || h.Get("User-Agent") != "Plateq" {
			t.Errorf("got header %v", h)
		}
	})
}

// forgetful is a store to which a sender does not come back, as if it had been
// killed.
type forgetful struct{ store.Outbox }

func (forgetful) SettleDelivery(context.Context, store.DeliveryResult) (bool, error) {
	return false, errors.New("killed")
}

// TestSenderThatIsKilled between an attempt and its record: another one makes it
// again, under the same id.
func TestSenderThatIsKilled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.listens("a.example", always(200))
		w.happens()
		if err := w.sender(forgetful{w.store}).Once(t.Context()); err != nil {
			t.Fatal(err)
		}
		stop := w.sends(w.store)
		time.Sleep(2 * time.Minute)
		stop()
		all := w.of("a.example")
		if len(all) != 2 || len(ids(all)) != 1 {
			t.Errorf("got %d requests of %v, want 2 of one event", len(all), ids(all))
		}
		d, err := w.store.Deliveries(t.Context(), store.DeliveryFilter{})
		if err != nil || len(d) != 1 || d[0].State != store.DeliveryDone || d[0].Attempts != 2 {
			t.Errorf("got %+v, %v", d, err)
		}
	})
}

// TestTwoSenders share the work: nothing is sent twice.
func TestTwoSenders(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.listens("a.example", func() (int, time.Duration) { return 200, 300 * time.Millisecond })
		stops := []func(){w.sends(w.store), w.sends(w.store)}
		for range 100 {
			w.happens()
			time.Sleep(50 * time.Millisecond)
		}
		time.Sleep(time.Minute)
		for _, stop := range stops {
			stop()
		}
		if all := w.of("a.example"); len(all) != 100 || len(ids(all)) != 100 {
			t.Errorf("got %d requests of %d events, want one each of 100", len(all), len(ids(all)))
		}
	})
}

// TestReceiverThatNeverAnswers is given up after three days and some attempts.
func TestReceiverThatNeverAnswers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.listens("gone.example", always(500))
		w.happens()
		s := w.sender(w.store)
		pass := func(d time.Duration) {
			for until := time.Now().Add(d); time.Now().Before(until); time.Sleep(10 * time.Minute) {
				if err := s.Once(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
		}
		pass(60 * time.Hour)
		d, err := w.store.Deliveries(t.Context(), store.DeliveryFilter{})
		if err != nil || len(d) != 1 || d[0].State != store.DeliveryPending {
			t.Fatalf("after 60 h: %+v, %v", d, err)
		}
		pass(13 * time.Hour)
		d, err = w.store.Deliveries(t.Context(), store.DeliveryFilter{})
		if err != nil || d[0].State != store.DeliveryFailed || d[0].Attempts != 10 || d[0].Status != 500 {
			t.Errorf("after 73 h: %+v, %v, want it to have failed after 10 attempts", d, err)
		}
	})
}

// TestReceiverThatIsGone by its own word hears of nothing more.
func TestReceiverThatIsGone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.listens("a.example", always(410))
		stop := w.sends(w.store)
		w.happens()
		time.Sleep(time.Minute)
		w.happens()
		time.Sleep(10 * time.Minute)
		stop()
		if n := len(w.of("a.example")); n != 1 {
			t.Errorf("it was asked %d times", n)
		}
		if !strings.Contains(w.log.String(), "the hook is disabled") {
			t.Errorf("the log does not say so:\n%s", w.log)
		}
	})
}

// TestNothingSecretIsLogged, whatever goes wrong.
func TestNothingSecretIsLogged(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		for host, status := range map[string]int{"one.canary.example": 0, "two.canary.example": 500, "three.canary.example": 302, "four.canary.example": 410} {
			w.listens(host, always(status))
		}
		w.happens()
		stop := w.sends(w.store)
		time.Sleep(time.Minute)
		stop()
		log := w.log.String()
		if strings.Count(log, "\n") < 4 {
			t.Errorf("the log says too little:\n%s", log)
		}
		if strings.Contains(log, "canary") || strings.Contains(log, "whsec") || strings.Contains(log, "/hook") {
			t.Errorf("the log tells where hooks are:\n%s", log)
		}
	})
}

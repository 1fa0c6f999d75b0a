package api_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/plateq/plateq/client"
	"github.com/plateq/plateq/internal/api"
	"github.com/plateq/plateq/store"
)

const onceKey = "Idempotency-Key: order 7"

const oneItem = `{"provider":"attestr","items":[{"plate":"DL01AA1000"}]}`

// made returns the batch that a submission was answered with.
func made(t *testing.T, rec *httptest.ResponseRecorder) client.Batch {
	t.Helper()
	if rec.Code != http.StatusCreated {
		t.Fatalf("got %d %s", rec.Code, rec.Body)
	}
	b := decoded[client.Batch](t, rec)
	if got, want := rec.Header().Get("Location"), "/v1/batches/"+b.ID; got != want {
		t.Errorf("Location %q, want %q", got, want)
	}
	return b
}

func TestARequestThatIsRepeatedMakesOneBatch(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	for name, tt := range map[string]struct{ path, body, media string }{
		"json":   {"/v1/batches", oneItem, jsonBody},
		"csv":    {"/v1/batches?provider=attestr&limit=1", "plate\nDL01AA1000\nDL01AA1001\n", csvBody},
		"ndjson": {"/v1/batches?provider=attestr", `{"plate":"DL01AA1000"}`, ndjson},
	} {
		key := onceKey + name
		before := w.batches(t)
		first := w.do(t, "POST", tt.path, tt.body, tt.media, key)
		second := w.do(t, "POST", tt.path, tt.body, tt.media, key)
		if a, b := made(t, first), made(t, second); a.ID != b.ID {
			t.Errorf("%s: batches %s and %s", name, a.ID, b.ID)
		}
		if first.Header().Get("Idempotent-Replayed") != "" || second.Header().Get("Idempotent-Replayed") != "true" {
			t.Errorf("%s: only the second answer is about what was done before", name)
		}
		if n := w.batches(t) - before; n != 1 {
			t.Errorf("%s: %d batches were made", name, n)
		}
		checkProblem(t, w.do(t, "POST", tt.path, tt.body+"\n", tt.media, key), http.StatusConflict, "key_reused")
	}
	checkProblem(t, w.do(t, "POST", "/v1/batches?provider=attestr", "plate\nDL01AA1000\nDL01AA1001\n", csvBody, onceKey+"csv"), http.StatusConflict, "key_reused")
}

func TestWhatIsRefusedLeavesItsKey(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	if rec := w.do(t, "POST", "/v1/batches", `{"provider":"attestr","items":[]}`, jsonBody, onceKey); rec.Code != http.StatusUnprocessableEntity {
		t.Errorf("an empty list: got %d %s", rec.Code, rec.Body)
	}
	made(t, w.do(t, "POST", "/v1/batches", oneItem, jsonBody, onceKey))
	for _, bad := range []string{"", strings.Repeat("a", 256), "a\tb", "schlüssel"} {
		checkProblem(t, w.do(t, "POST", "/v1/batches", oneItem, jsonBody, "Idempotency-Key: "+bad), http.StatusBadRequest, "bad_idempotency_key")
	}
}

func TestKeysOfRequestsAreTheTenants(t *testing.T) {
	t.Parallel()
	w, _ := guarded(t, api.AccessOptions{})
	batches := map[string]bool{}
	for _, tenant := range []string{"acme", "other"} {
		key, _ := w.key(t, store.APIKey{Tenant: tenant, Scopes: store.Scopes()})
		batches[made(t, w.do(t, "POST", "/v1/batches", oneItem, jsonBody, onceKey, key)).ID] = true
	}
	if len(batches) != 2 {
		t.Error("two tenants share a batch")
	}
}

// TestRequestsAtOnceMakeOneBatch posts the same list fifty times over two
// servers of one store.
func TestRequestsAtOnceMakeOneBatch(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	servers := []*httptest.Server{httptest.NewServer(w.handler), httptest.NewServer(api.New(api.Options{Store: w.store, Providers: w.set}))}
	for _, srv := range servers {
		defer srv.Close()
	}
	list := "plate\n" + strings.Repeat("DL01AA1000\nDL01AA1001\n", 500)
	var wg sync.WaitGroup
	var mu sync.Mutex
	batches, replays := map[string]int{}, 0
	post := func(url string) error {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/v1/batches?provider=attestr", strings.NewReader(list))
		if err != nil {
			return err
		}
		req.Header.Set("Content-Type", "text/csv")
		req.Header.Set("Idempotency-Key", "order 7")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusCreated {
			return fmt.Errorf("status %s", resp.Status)
		}
		mu.Lock()
		defer mu.Unlock()
		batches[resp.Header.Get("Location")]++
		if resp.Header.Get("Idempotent-Replayed") != "" {
			replays++
		}
		return nil
	}
	for i := range 50 {
		wg.Go(func() {
			if err := post(servers[i%2].URL); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if len(batches) != 1 || replays != 49 {
		t.Errorf("batches %v, of which %d were answers about another request, want one and 49", batches, replays)
	}
	if n := w.batches(t); n != 1 {
		t.Errorf("%d batches are in the store", n)
	}
}

// TestWhatIsNoListIsMadeOnce sends each of the requests that would be there
// twice, again and with something else.
func TestWhatIsNoListIsMadeOnce(t *testing.T) {
	t.Parallel()
	w, _ := guarded(t, api.AccessOptions{})
	key, _ := w.key(t, store.APIKey{Tenant: store.DefaultTenant, Scopes: store.Scopes()})
	b := made(t, w.do(t, "POST", "/v1/batches", oneItem, jsonBody, onceKey, key))
	schedule := fmt.Sprintf(`{"batch":%q,"cron":"@daily"}`, b.ID)
	run := "/v1/schedules/" + decoded[client.Schedule](t, w.do(t, "POST", "/v1/schedules", schedule, jsonBody, key)).ID + "/run"
	for path, tt := range map[string]struct {
		body   string
		status int
		count  string
	}{
		"/v1/schedules": {schedule, http.StatusCreated, "/v1/schedules"},
		"/v1/hooks":     {`{"url":"https://example.com/in","events":["batch.done"]}`, http.StatusCreated, "/v1/hooks"},
		"/v1/keys":      {`{"name":"fleet","scopes":["read"]}`, http.StatusCreated, "/v1/keys"},
		run:             {"", http.StatusOK, "/v1/schedules"},
	} {
		count := func() int { return len(decoded[struct{ Items []any }](t, w.do(t, "GET", tt.count, "", key)).Items) }
		first := w.do(t, "POST", path, tt.body, jsonBody, key, onceKey+path)
		n := count()
		second := w.do(t, "POST", path, tt.body, jsonBody, key, onceKey+path)
		if first.Code != tt.status || second.Code != tt.status || first.Header().Get("Idempotent-Replayed") != "" || second.Header().Get("Idempotent-Replayed") != "true" {
			t.Errorf("%s: got %d %s, then %d %s", path, first.Code, first.Body, second.Code, second.Body)
		}
		type thing struct{ ID, Secret, Key string }
		a, again := decoded[thing](t, first), decoded[thing](t, second)
		if a.ID == "" || again.ID != a.ID || again.Secret != "" || again.Key != "" || count() != n {
			t.Errorf("%s: got %+v, then %+v, want the same without a secret", path, a, again)
		}
		checkProblem(t, w.do(t, "POST", path, tt.body+" ", jsonBody, key, onceKey+path), http.StatusConflict, "key_reused")
		checkProblem(t, w.do(t, "POST", "/v1/batches", oneItem, jsonBody, key, onceKey+path), http.StatusConflict, "key_reused")
		checkProblem(t, w.do(t, "POST", path, tt.body, jsonBody, key, "Idempotency-Key: "), http.StatusBadRequest, "bad_idempotency_key")
	}
}

// TestASchedulesRunIsAskedForOnce repeats the request when the run is over.
func TestASchedulesRunIsAskedForOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	b := w.submitted(t, "plate\nDL01AA1000\n")
	s := decoded[client.Schedule](t, w.do(t, "POST", "/v1/schedules", fmt.Sprintf(`{"batch":%q,"cron":"@daily"}`, b.ID), jsonBody))
	asked := func(key string) bool {
		t.Helper()
		return decoded[client.Schedule](t, w.do(t, "POST", "/v1/schedules/"+s.ID+"/run", "", key)).AskedAt != nil
	}
	if !asked(onceKey) {
		t.Fatal("no run is asked for")
	}
	d, err := w.store.ClaimSchedule(t.Context(), s.ID, time.Now().Add(time.Hour))
	if err != nil || d.Lease == 0 {
		t.Fatalf("claim: %+v, %v", d, err)
	}
	if _, err := w.store.SettleSchedule(t.Context(), store.ScheduleSettlement{ID: s.ID, Lease: d.Lease, Due: d.Due, Batch: d.List}); err != nil {
		t.Fatal(err)
	}
	if asked(onceKey) {
		t.Error("the same request asks for another run")
	}
	if !asked(onceKey + "8") {
		t.Error("another request asks for none")
	}
}

// TestARetryTakesUpWhatHadFailedByThen repeats a retry and a resend when what
// they asked again has come to the same once more.
func TestARetryTakesUpWhatHadFailedByThen(t *testing.T) {
	t.Parallel()
	lost := store.Verdict{To: store.Unknown}
	for name, tt := range map[string]struct {
		verdict store.Verdict
		path    string
		body    string
	}{
		"retry":                   {failedAs(store.ClassProviderError, "5001"), "/v1/batches/%[1]s/retry", `{"class":"provider_error"}`},
		"resend, of a batch":      {lost, "/v1/unknown/resend", `{"batch":%[1]q,"reason":"asked them"}`},
		"resend, of a call":       {lost, "/v1/unknown/resend", `{"call":%[2]d,"reason":"asked them"}`},
		"resend, of a provider's": {lost, "/v1/unknown/resend", `{"all":true,"provider":"attestr","reason":"asked them"}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, pass := clocked(t)
			b := w.submitted(t, "plate\nDL01AA1000\nDL01AA1001\n")
			call := w.called(t, b.ID, tt.verdict)
			path := strings.ReplaceAll(tt.path, "%[1]s", b.ID)
			body := strings.NewReplacer("%[1]q", strconv.Quote(b.ID), "%[2]d", strconv.Itoa(int(call))).Replace(tt.body)
			type taken struct {
				Rows     int
				Repeated bool
			}
			ask := func(key string) (taken, *httptest.ResponseRecorder) {
				rec := w.do(t, "POST", path, body, jsonBody, key)
				return decoded[taken](t, rec), rec
			}
			if got, rec := ask(onceKey); got != (taken{Rows: 2}) || rec.Header().Get("Idempotent-Replayed") != "" {
				t.Fatalf("first: %d %s", rec.Code, rec.Body)
			}
			w.called(t, b.ID, tt.verdict)
			if got, rec := ask(onceKey); got != (taken{Repeated: true}) || rec.Code != http.StatusOK || rec.Header().Get("Idempotent-Replayed") != "true" {
				t.Errorf("repeat: %d %s", rec.Code, rec.Body)
			}
			other := w.submitted(t, "plate\nDL01AA1002\n") // which comes to the same later
			pass(time.Second)
			w.called(t, other.ID, tt.verdict)
			if got, rec := ask(onceKey); got != (taken{Repeated: true}) {
				t.Errorf("repeat, later: %d %s", rec.Code, rec.Body)
			}
			checkProblem(t, w.do(t, "POST", path, body+" ", jsonBody, onceKey), http.StatusConflict, "key_reused")
			checkProblem(t, w.do(t, "POST", path, body, jsonBody, "Idempotency-Key: "), http.StatusBadRequest, "bad_idempotency_key")
			checkProblem(t, w.do(t, "POST", "/v1/batches", oneItem, jsonBody, onceKey), http.StatusConflict, "key_reused")
		})
	}
}

// TestAKeyIsNotTakenByWhatIsNotThere answers a repeat as it did the first.
func TestAKeyIsNotTakenByWhatIsNotThere(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	for range 2 {
		checkProblem(t, w.do(t, "POST", "/v1/unknown/resend", `{"call":7,"reason":"r"}`, jsonBody, onceKey), http.StatusNotFound, "no_such_call")
		checkProblem(t, w.do(t, "POST", "/v1/batches/b-7/retry", "", jsonBody, onceKey), http.StatusNotFound, "no_such_batch")
	}
	if rec := w.do(t, "POST", "/v1/unknown/resend", `{"all":true,"provider":"attestr","reason":"r"}`, jsonBody, onceKey); rec.Code != http.StatusOK {
		t.Errorf("another request under the key: %d %s", rec.Code, rec.Body)
	}
}

// TestAResendOfATenantIsNotThatOfAll has the same said by one who sees the
// calls of a tenant and by one who sees all.
func TestAResendOfATenantIsNotThatOfAll(t *testing.T) {
	t.Parallel()
	w, _ := guarded(t, api.AccessOptions{})
	all, _ := w.key(t, store.APIKey{Tenant: store.AllTenants, Scopes: store.Scopes()})
	one, _ := w.key(t, store.APIKey{Tenant: store.DefaultTenant, Scopes: store.Scopes()})
	const body = `{"all":true,"provider":"attestr","reason":"r"}`
	if rec := w.do(t, "POST", "/v1/unknown/resend", body, jsonBody, onceKey, one); rec.Code != http.StatusOK {
		t.Fatalf("first: %d %s", rec.Code, rec.Body)
	}
	checkProblem(t, w.do(t, "POST", "/v1/unknown/resend", body, jsonBody, onceKey, all), http.StatusConflict, "key_reused")
}

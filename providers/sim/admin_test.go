package sim_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/plateq/plateq/providers/sim"
)

func TestAdminShowsCharges(t *testing.T) {
	t.Parallel()
	u := start(t, sim.Fast())
	id := u.mustSubmit(t, "A", "B", "A")
	u.mustSubmit(t, "B")
	u.mustItems(t, id, 0, 10)
	var charges map[string]int
	u.do(t, http.MethodGet, "/_sim/charges", nil).into(t, &charges)
	if want := map[string]int{"A": 2, "B": 2}; !maps.Equal(charges, want) || !maps.Equal(u.Charges(), want) {
		t.Errorf("charges: got %v, want %v", charges, want)
	}
	var ledger []sim.Charge
	for lines := bufio.NewScanner(bytes.NewReader(u.do(t, http.MethodGet, "/_sim/ledger", nil).body)); lines.Scan(); {
		var c sim.Charge
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			t.Fatal(err)
		}
		ledger = append(ledger, c)
	}
	if !reflect.DeepEqual(ledger, u.Ledger()) || ledger[0].Call != id || ledger[0].Charged != 3 {
		t.Errorf("ledger: got %+v, want %+v", ledger, u.Ledger())
	}
	var stats sim.Stats
	u.do(t, http.MethodGet, "/_sim/stats", nil).into(t, &stats)
	if !reflect.DeepEqual(stats, u.Stats()) {
		t.Errorf("stats: got %+v, want %+v", stats, u.Stats())
	}
	if stats.Batches != 2 || stats.Records != 4 || stats.Requests["submit"] != 2 || stats.Requests["items"] != 1 ||
		stats.Answers["submit"]["200"] != 2 || stats.Polls[id] != 1 || stats.FewestPolls[id] != 1 || stats.MaxInFlight != 1 {
		t.Errorf("stats: got %+v", stats)
	}
}

func TestAdminSetsFaults(t *testing.T) {
	t.Parallel()
	u := start(t, sim.Fast())
	set := func(method, path, body string) (got []sim.Fault) {
		u.do(t, method, path, []byte(body)).into(t, &got)
		return got
	}
	got := set(http.MethodPost, "/_sim/faults", `{"kind":"4291","where":"submit","rate":1}`)
	if want := []sim.Fault{{Name: "4291/submit", Kind: "4291", Where: "submit", Rate: 1}}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	u.submit(t, "KA01AB1234").wantCode(t, 4291)
	got = set(http.MethodPost, "/_sim/faults", `[{"name":"4291/submit","kind":"4292"},{"kind":"latency","for":"1ms","jitter":"1ms"}]`)
	if len(got) != 2 || got[0].Kind != "4292" || got[1].For != time.Millisecond {
		t.Errorf("got %+v, want the first replaced and a second", got)
	}
	u.submit(t, "KA01AB1234").wantCode(t, 4292)
	for _, bad := range []string{
		``, `{`, `{"kind":"nothing"}`, `{"kind":"4291","colour":"red"}`, `{"kind":"hang","for":5}`, `[{"kind":"4293"},{"kind":"x"}]`,
	} {
		if a := u.do(t, http.MethodPost, "/_sim/faults", []byte(bad)); a.status != http.StatusBadRequest || len(a.body) == 0 {
			t.Errorf("%s: got status %d, body %s; want 400 and a reason", bad, a.status, a.body)
		}
	}
	if got := set(http.MethodDelete, "/_sim/faults?name=4291/submit", ""); len(got) != 1 {
		t.Errorf("after deleting one: got %+v", got)
	}
	if got := set(http.MethodDelete, "/_sim/faults", ""); len(got) != 0 {
		t.Errorf("after deleting all: got %+v", got)
	}
	u.mustSubmit(t, "KA01AB1234")
}

func TestAdminChangesAccounts(t *testing.T) {
	t.Parallel()
	opts, _ := one(sim.Account{Credit: 1, Endpoints: map[string]sim.Limits{"items": {Rate: 5}}})
	u := start(t, opts)
	u.mustSubmit(t, "KA01AB1234")
	u.submit(t, "KA01AB1234").wantCode(t, 4005)
	var got []sim.Account
	u.do(t, http.MethodPost, "/_sim/accounts", []byte(`{"name":"one","credit":5,"endpoints":{"submit":{"daily":9}}}`)).into(t, &got)
	want := sim.Account{Provider: "attestr", Name: "one", Login: sim.DefaultLogin, Token: sim.DefaultToken, Credit: 5,
		Endpoints: map[string]sim.Limits{"items": {Rate: 5}, "submit": {Daily: 9}}}
	if !reflect.DeepEqual(got[0], want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	u.mustSubmit(t, plates(5)...)
	u.do(t, http.MethodPost, "/_sim/accounts", []byte(`{"name":"two","token":"second","credit":-1}`)).into(t, &got)
	u.token = "second"
	u.mustSubmit(t, plates(5)...)
	for _, bad := range []string{``, `{}`, `{"name":"three"}`, `{"name":"one","credits":5}`, `{"name":"one","token":"second"}`} {
		if a := u.do(t, http.MethodPost, "/_sim/accounts", []byte(bad)); a.status != http.StatusBadRequest {
			t.Errorf("%s: got status %d, want 400", bad, a.status)
		}
	}
}

func TestAdminHandlerServesAdminOnly(t *testing.T) {
	t.Parallel()
	u := start(t, sim.Fast())
	for path, want := range map[string]int{"/_sim/stats": 200, batchx: 404} {
		w := httptest.NewRecorder()
		u.AdminHandler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		if w.Code != want {
			t.Errorf("%s: got %d, want %d", path, w.Code, want)
		}
	}
}

// TestManyAtOnce charges from many clients the last credit, and no more.
func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	opts, _ := one(sim.Account{Credit: 100})
	u := start(t, opts)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 5 {
				u.submit(t, plates(3)...)
				for id := range u.Stats().FewestPolls {
					u.items(t, id, 0, 10)
				}
			}
		})
	}
	wg.Wait()
	if got := u.Accounts()[0].Credit; got != 1 {
		t.Errorf("credit: got %d, want 1", got)
	}
	if got := len(u.Ledger()); got != 33 {
		t.Errorf("got %d charges, want 33", got)
	}
}

package app_test

import (
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/plateq/plateq/internal/app"
	"github.com/plateq/plateq/providers/sim"
)

// regnumDesk returns a desk that asks two servers of REGNUM, behind which u
// keeps one set of books. The first goes away after so many requests.
func regnumDesk(t *testing.T, u upstream, goes int64, env ...string) *desk {
	t.Helper()
	const path = "/regnum/bovsoft.regnum.run"
	first, second := httptest.NewUnstartedServer(nil), httptest.NewServer(u.Handler())
	var asked atomic.Int64
	first.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if asked.Add(1) == goes {
			first.Config.SetKeepAlivesEnabled(false)
			_ = first.Listener.Close() // nobody else gets in
		}
		u.Handler().ServeHTTP(w, r)
	})
	first.Start()
	t.Cleanup(first.Close)
	t.Cleanup(second.Close)
	return newDesk(t, u, append([]string{
		"PLATEQ_REGNUM_URLS=" + first.URL + path + "," + second.URL + path,
		"PLATEQ_REGNUM_ID=" + sim.DefaultLogin, "PLATEQ_REGNUM_SECCODE=" + sim.DefaultToken,
		"PLATEQ_REGNUM_NAMESERVICE=" + sim.RegnumService, "PLATEQ_REGNUM_RATE=none", "PLATEQ_REGNUM_CONCURRENCY=8",
	}, env...)...)
}

func askRegnum(ro app.RunOptions) app.RunOptions {
	ro.Provider = "regnum"
	return ro
}

// wantCars demands that every row but the invalid ones says what the stand-in
// knows of its plate.
func wantCars(t *testing.T, u upstream, rows []map[string]string) {
	t.Helper()
	for _, r := range rows {
		if r["status"] == "invalid" {
			continue
		}
		want := u.RegnumAnswer(sim.RegnumService, r["plate"])
		status, ktypes := "not_found", []string(nil)
		for _, car := range want.Cars {
			status, ktypes = "found", append(ktypes, strconv.Itoa(car.KType))
		}
		if r["status"] != status || r["result.datacar.ktype"] != strings.Join(ktypes, " | ") {
			t.Fatalf("row %s is %s with %q, want %s with %q", r["row"], r["status"], r["result.datacar.ktype"], status, ktypes)
		}
	}
}

// TestRegnumAnswersEveryRowRight: answers get lost on the way, a server goes
// away, and every row ends with the truth, its plate paid once.
func TestRegnumAnswersEveryRowRight(t *testing.T) {
	t.Parallel()
	u := standIn(t, sim.Options{Seed: 5, Faults: []sim.Fault{
		{Name: "500", Kind: "500", Where: "lookup", Rate: 0.01, Charge: true},
		{Name: "cut", Kind: sim.KindChargeThenCut, Where: "lookup", Rate: 0.01},
		{Name: "hang", Kind: sim.KindChargeThenHang, Where: "lookup", First: 3, For: time.Minute},
		{Name: "maintenance", Kind: sim.KindRefuse, Code: "503", Where: "lookup", Every: 50},
	}})
	d := regnumDesk(t, u, 200, "PLATEQ_REGNUM_TIMEOUT=2s")
	list := plates(600)
	list[10], list[40] = "?!", list[41]
	_, code := d.run(t.Context(), askRegnum(d.runOptions(d.list("in.csv", list), "out.csv")))
	if code != app.ExitPartial {
		t.Errorf("exit %d, want %d: a row is invalid", code, app.ExitPartial)
	}
	rows := d.out("out.csv")
	if by := d.inOrder(rows, list); by["found"]+by["not_found"] != 599 {
		t.Errorf("got %v, want an answer in 599 rows", by)
	}
	wantCars(t, u, rows)
	if u.chargedTwice() != 0 {
		t.Errorf("%d plates paid twice", u.chargedTwice())
	}
	d.check()
	cars := map[string]bool{}
	for _, r := range rows {
		if r["status"] == "found" {
			cars[r["plate"]] = true
		}
	}
	n := int64(len(cars))
	want := map[string]int64{"common": 598, "decoded": n, "calculated": n, "free_requests_left": 0}
	if diff := cmp.Diff(want, readings(t, d, "regnum")); diff != "" {
		t.Errorf("readings (-want +got):\n%s", diff)
	}
}

// readings returns the figures that came with the answers of a provider.
func readings(t *testing.T, d *desk, provider string) map[string]int64 {
	t.Helper()
	a, err := app.Open(t.Context(), d.options(), app.Books)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	all, err := a.Store().Readings(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]int64{}
	for _, r := range all {
		if r.Provider == provider {
			got[r.Name] = r.Value
		}
	}
	return got
}

package regnum_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/providers/regnum"
	"github.com/plateq/plateq/providers/sim"
)

// standIn plays the service behind n servers that share their books, as the
// service's own do.
func standIn(t *testing.T, o sim.Options, n int) (*sim.Server, regnum.Config, []*httptest.Server) {
	t.Helper()
	s, err := sim.New(o)
	if err != nil {
		t.Fatal(err)
	}
	cfg := regnum.Config{ID: sim.DefaultLogin, Seccode: sim.DefaultToken, Nameservice: sim.RegnumService}
	var all []*httptest.Server
	for range n {
		srv := httptest.NewServer(s.Handler())
		t.Cleanup(srv.Close)
		all = append(all, srv)
		cfg.URLs = append(cfg.URLs, srv.URL+"/regnum/bovsoft.regnum.run")
	}
	t.Cleanup(func() { _ = s.Close() })
	return s, cfg, all
}

// wanted is what became must say of an answer of the stand-in.
func wanted(t *testing.T, a sim.RegnumAnswer) string {
	t.Helper()
	if len(a.Cars) == 0 {
		return "not_found"
	}
	text, err := json.Marshal(map[string]any{"datacar": a.Cars})
	if err != nil {
		t.Fatal(err)
	}
	return normal(t, text)
}

func became(t *testing.T, o providers.Outcome) string {
	t.Helper()
	if e, ok := errors.AsType[*providers.Error](o.Err); ok {
		return e.Class.String()
	}
	return normal(t, o.Record.Result)
}

// normal writes JSON in one way.
func normal(t *testing.T, text []byte) string {
	t.Helper()
	var v any
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func plate(i int) string { return fmt.Sprintf("AB%05d", i) }

// TestAgainstStandIn asks about plates in both forms and wants the true answer
// about each, and the figures that go with them.
func TestAgainstStandIn(t *testing.T) {
	t.Parallel()
	for _, form := range []string{"json", "xml"} {
		t.Run(form, func(t *testing.T) {
			t.Parallel()
			const free = 10
			s, cfg, _ := standIn(t, sim.Options{Seed: 7, Accounts: []sim.Account{
				{Provider: "regnum", Name: "one", Token: sim.DefaultToken, Credit: 1000, Free: free},
			}}, 1)
			cfg.Format = form
			p := newProvider(t, cfg)
			sums, left := map[string]int64{}, int64(free)
			var calculated int
			for i := range 300 {
				answer := s.RegnumAnswer(sim.RegnumService, plate(i))
				for again := range 2 {
					o := submit(t, p, plate(i))
					if diff := cmp.Diff(wanted(t, answer), became(t, o)); diff != "" {
						t.Fatalf("%s (-want +got):\n%s", plate(i), diff)
					}
					if again == 0 && len(answer.Cars) > 0 {
						calculated++
						left = max(0, left-1)
					}
					for _, r := range o.Readings {
						if r.Gauge && r.Value != left {
							t.Errorf("%s: got %d free requests left, want %d", plate(i), r.Value, left)
						}
						sums[r.Name] += r.Value
					}
				}
			}
			if sums["common"] != 600 || sums["decoded"] != 2*int64(calculated) {
				t.Errorf("got %v, want 600 common and %d decoded requests", sums, 2*calculated)
			}
			if got, want := s.Accounts()[0].Credit, 1000-(calculated-free); got != want {
				t.Errorf("got credit %d, want %d: each plate is charged once", got, want)
			}
		})
	}
}

// TestStatesOfTheAccount: what the service says of the client, in its own
// envelope, and that nothing of it costs money.
func TestStatesOfTheAccount(t *testing.T) {
	t.Parallel()
	s, cfg, _ := standIn(t, sim.Options{Answers: sim.Answers{Found: 1}}, 2)
	p := newProvider(t, cfg)
	account := sim.Account{Provider: "regnum", Name: "default", Token: sim.DefaultToken, Credit: sim.Unlimited}
	for name, tc := range map[string]struct {
		change func(*sim.Account)
		want   string
	}{
		"client not found": {func(a *sim.Account) { a.Token = "another" }, "unauthorised"},
		"zero balance":     {func(a *sim.Account) { a.Credit = 0 }, "out_of_credit"},
		"temporary":        {func(a *sim.Account) { a.Disabled = true }, "unauthorised"},
		"maintenance":      {func(a *sim.Account) { a.Withheld = true }, "unavailable"},
		"too fast":         {func(a *sim.Account) { a.Limits = sim.Limits{Rate: 1e-9} }, "rate_limited"},
	} {
		a := account
		tc.change(&a)
		if err := s.SetAccount(a); err != nil {
			t.Fatal(err)
		}
		if name == "too fast" {
			submit(t, p, plate(0)) // the only one that it has
		}
		if got := became(t, submit(t, p, plate(1))); got != tc.want {
			t.Errorf("%s: got %s, want %s", name, got, tc.want)
		}
	}
	if n := s.Charges()[plate(1)]; n != 0 {
		t.Errorf("got a refused plate charged %d times, want never", n)
	}
}

// TestFaultsAreRepeated asks again, as the worker does, until there is an
// answer: with faults between us and three servers, one of which goes away and
// comes back, every plate ends with its true answer, charged once.
func TestFaultsAreRepeated(t *testing.T) {
	t.Parallel()
	var c clock
	s, cfg, servers := standIn(t, sim.Options{Seed: 3, Faults: []sim.Fault{
		{Name: "500", Kind: "500", Rate: 0.02}, {Name: "502", Kind: "502", Rate: 0.02, Charge: true},
		{Name: "cut", Kind: sim.KindChargeThenCut, Rate: 0.02}, {Name: "close", Kind: sim.KindChargeThenClose, Rate: 0.02},
		{Name: "page", Kind: sim.KindHTML, Rate: 0.02}, {Name: "503", Kind: sim.KindRefuse, Code: "503", Rate: 0.05},
		{Name: "bom", Kind: sim.KindBOM, Rate: 0.1},
	}}, 3)
	p := newAt(t, cfg, c.now)
	var wg sync.WaitGroup
	const plates, lanes = 400, 4
	for lane := range lanes {
		wg.Go(func() {
			for i := lane; i < plates; i += lanes {
				if i == plates/2 {
					servers[0].Close()
				}
				want := wanted(t, s.RegnumAnswer(sim.RegnumService, plate(i)))
				got := became(t, submit(t, p, plate(i)))
				for tries := 0; got == "ambiguous" || got == "unavailable"; tries++ {
					if tries == 20 {
						t.Errorf("%s: got %s after %d tries, want an answer", plate(i), got, tries)
						break
					}
					c.advance(time.Second)
					got = became(t, submit(t, p, plate(i)))
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("%s (-want +got):\n%s", plate(i), diff)
				}
			}
		})
	}
	wg.Wait()
	for plate, n := range s.Charges() {
		if n != 1 {
			t.Errorf("got plate %s charged %d times, want once", plate, n)
		}
	}
}

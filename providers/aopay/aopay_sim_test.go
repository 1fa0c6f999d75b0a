package aopay_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/providers/aopay"
	"github.com/plateq/plateq/providers/sim"
)

func standIn(t *testing.T, o sim.Options) (*sim.Server, *aopay.Provider) {
	t.Helper()
	s, err := sim.New(o)
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(s.Handler())
	t.Cleanup(func() {
		_ = s.Close()
		srv.Close()
	})
	return s, newProvider(t, aopay.Config{BaseURL: srv.URL + "/aopay", RegistrationID: sim.DefaultToken})
}

func plate(i int) string { return fmt.Sprintf("DL12CB%04d", i) }

// TestAgainstStandIn asks about plates at two operators and wants the true
// answer about each, charged once.
func TestAgainstStandIn(t *testing.T) {
	t.Parallel()
	s, p := standIn(t, sim.Options{Seed: 7})
	kinds := map[string]int{}
	for i := range 200 {
		for _, operator := range []int{311, 42} {
			r := request(plate(i))
			r.Params = providers.Params{"operator": fmt.Sprint(operator)}
			want := wanted(t, s.AOPayAnswer(operator, plate(i)))
			if diff := cmp.Diff(want, became(t, ask(t, p, r))); diff != "" {
				t.Errorf("%s at %d (-want +got):\n%s", plate(i), operator, diff)
			}
			kind, _, _ := strings.Cut(want, " ")
			kinds[kind]++
		}
	}
	for plate, n := range s.Charges("aopay") {
		if n != 2 {
			t.Errorf("got %s charged %d times, want once at each operator", plate, n)
		}
	}
	if kinds["found"] == 0 || kinds["provider_error"] == 0 {
		t.Errorf("got %v, want some of all kinds", kinds)
	}
}

// wanted is what became must say of an answer of the stand-in.
func wanted(t *testing.T, a sim.AOPayAnswer) string {
	t.Helper()
	if a.Bill == nil {
		return fmt.Sprintf("provider_error %d", a.Code)
	}
	b := *a.Bill
	b.Name = strings.ReplaceAll(b.Name, "  ", " ")
	if b.Fetch != nil {
		f := *b.Fetch
		f.User = strings.ReplaceAll(f.User, "  ", " ")
		b.Fetch = &f
	}
	text, err := json.Marshal(b)
	if err != nil {
		t.Fatal(err)
	}
	return "found " + string(text)
}

func became(t *testing.T, o providers.Outcome) string {
	t.Helper()
	if e, ok := errors.AsType[*providers.Error](o.Err); ok {
		return e.Class.String() + " " + e.Code
	}
	return "found " + string(o.Record.Result)
}

// TestRefusalsOfTheStandIn: what it says of the customer, of what is not
// documented, and that none of it costs money.
func TestRefusalsOfTheStandIn(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]string{
		"10": "unauthorised 10", "2": "provider_error 2", "8": "provider_error 8", "9": "provider_error 9",
		"13": "provider_error 13", "16": "provider_error 16",
	} {
		s, p := standIn(t, sim.Options{Faults: []sim.Fault{{Kind: sim.KindRefuse, Where: "fetch", Code: code}}})
		if got := became(t, ask(t, p, request(plate(1)))); got != want || len(s.Ledger()) != 0 {
			t.Errorf("code %s: got %s, %d charges, want %s, none", code, got, len(s.Ledger()), want)
		}
	}
	s, p := standIn(t, sim.Options{})
	if err := s.SetAccount(sim.Account{Provider: "aopay", Name: "default", Token: "another", Credit: sim.Unlimited}); err != nil {
		t.Fatal(err)
	}
	if got := became(t, ask(t, p, request(plate(1)))); got != "unauthorised 10" {
		t.Errorf("another's registration: got %s, want unauthorised 10", got)
	}
}

// TestChargedOnceWhateverTheAnswerLooksLike: no fault makes the provider ask
// again by itself, and none is taken for an answer.
func TestChargedOnceWhateverTheAnswerLooksLike(t *testing.T) {
	t.Parallel()
	for _, f := range []sim.Fault{
		{Kind: "500", Charge: true}, {Kind: "502", Charge: true, Empty: true}, {Kind: "307", Charge: true}, {Kind: sim.KindHTML, Charge: true},
		{Kind: sim.KindChargeThenClose}, {Kind: sim.KindChargeThenCut}, {Kind: sim.KindCut, Exact: true}, {Kind: sim.KindMalformed},
	} {
		f.Where = "fetch"
		s, p := standIn(t, sim.Options{Answers: sim.Answers{Found: 1}, Faults: []sim.Fault{f}})
		if o := ask(t, p, request(plate(1))); !errors.Is(o.Err, providers.Ambiguous) {
			t.Errorf("%s: got %v, %v, want ambiguous", f.Kind, o.Record, o.Err)
		}
		if n := s.Charges()[plate(1)]; n != 1 {
			t.Errorf("%s: got the plate charged %d times, want once", f.Kind, n)
		}
	}
}

package resser_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/providers/resser"
	"github.com/plateq/plateq/providers/sim"
)

func standIn(t *testing.T, o sim.Options) (*sim.Server, *resser.Provider) {
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
	return s, newProvider(t, resser.Config{BaseURL: srv.URL + "/resser", AuthHeader: sim.ResserHeader, AuthValue: sim.DefaultToken})
}

func garage(n int) []providers.Request {
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprintf("3N1AB7AP0KY%06d ABC%04d", i, i)
	}
	return requests(all...)
}

// TestAgainstStandIn asks about 500 vehicles and wants the true answer about
// each, its VIN and plate where they belong, and no portal's credentials.
func TestAgainstStandIn(t *testing.T) {
	t.Parallel()
	s, p := standIn(t, sim.Options{Seed: 7})
	reqs := garage(500)
	kinds := map[string]int{}
	for i, o := range ask(t, p, reqs...) {
		v := sim.ResserVehicle{VIN: reqs[i].Subject[providers.VIN], Plate: reqs[i].Subject[providers.Plate]}
		want, kind := wanted(t, v, s.ResserAnswer(v))
		if diff := cmp.Diff(want, became(t, o)); diff != "" {
			t.Errorf("vehicle %d (-want +got):\n%s", i, diff)
		}
		kinds[kind]++
		if o.Record != nil && (strings.Contains(string(o.Record.Raw), sim.ResserPassword) || strings.Contains(string(o.Record.Raw), "fleet@example")) {
			t.Errorf("vehicle %d: got raw %s, want no credentials", i, o.Record.Raw)
		}
	}
	if kinds["found"] == 0 || kinds["not_found"] == 0 || kinds["provider_error"] == 0 {
		t.Errorf("got %v, want some of all kinds", kinds)
	}
}

// wanted is what became must say of an answer of the stand-in.
func wanted(t *testing.T, v sim.ResserVehicle, entries []sim.ResserEntry) (said, kind string) {
	var info []any
	answered := false
	for _, e := range entries {
		var status, finished any
		if e.Status != "" {
			status, answered = e.Status, true
		}
		if e.Finished != nil {
			finished = *e.Finished
		}
		info = append(info, map[string]any{"_id": e.ID, "plate": v.Plate, "vin": v.VIN, "resourceId": e.Resource, "status": status,
			"result": e.Result, "creationDateTime": e.Created, "finishedDateTime": finished})
	}
	switch {
	case len(entries) == 0:
		return "not_found not_processed", "not_found"
	case !answered:
		return "provider_error no_status", "provider_error"
	}
	text, err := json.Marshal(map[string]any{"vin": v.VIN, "plate": v.Plate, "info": info})
	if err != nil {
		t.Fatal(err)
	}
	return normal(t, text), "found"
}

func became(t *testing.T, o providers.Outcome) string {
	t.Helper()
	if e, ok := errors.AsType[*providers.Error](o.Err); ok {
		return e.Class.String() + " " + e.Code
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

// TestRefusalsOfTheStandIn: each documented error, from its state or its code.
func TestRefusalsOfTheStandIn(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		fault string
		reqs  []providers.Request
		want  string
	}{
		"BadParameters": {"BadParameters", garage(3), "invalid_input BadParameters"},
		"BadRequest":    {"BadRequest", garage(3), "unauthorised BadRequest"},
		"Unauthorize":   {"Unauthorize", garage(3), "unauthorised Unauthorize"},
		"ServerError":   {"ServerError", garage(3), "ambiguous http_500"},
		"one bad VIN":   {"", append(garage(3), requests("11111111111111111 ABC1")[0]), "invalid_input BadParameters"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := sim.Options{Answers: sim.Answers{Found: 1}}
			if tc.fault != "" {
				o.Faults = []sim.Fault{{Kind: sim.KindRefuse, Where: "scraping", Code: tc.fault}}
			}
			_, p := standIn(t, o)
			for i := range tc.reqs {
				tc.reqs[i].Ref = fmt.Sprintf("v%d", i)
			}
			for _, o := range ask(t, p, tc.reqs...) {
				if got := became(t, o); got != tc.want {
					t.Errorf("got %s, want %s", got, tc.want)
				}
			}
		})
	}
	s, p := standIn(t, sim.Options{})
	if err := s.SetAccount(sim.Account{Provider: "resser", Name: "default", Token: "another", Credit: sim.Unlimited}); err != nil {
		t.Fatal(err)
	}
	if err := p.Check(t.Context()); !errors.Is(err, providers.Unauthorised) {
		t.Errorf("wrong key: got %v, want unauthorised", err)
	}
}

// TestFaultsOfTheStandIn: nothing that is spoilt is believed, and every call
// may be made again.
func TestFaultsOfTheStandIn(t *testing.T) {
	t.Parallel()
	for _, kind := range []sim.Kind{"500", "503", sim.KindHTML, sim.KindClose, sim.KindCut, sim.KindMalformed, "307", sim.KindBOM, sim.KindGzipLie, sim.KindCType} {
		s, p := standIn(t, sim.Options{Answers: sim.Answers{Found: 1}, Faults: []sim.Fault{{Kind: kind, Where: "scraping", First: 1}}})
		reads := kind == sim.KindBOM || kind == sim.KindGzipLie || kind == sim.KindCType
		for _, o := range ask(t, p, garage(5)...) {
			if reads != (o.Record != nil) || !reads && !errors.Is(o.Err, providers.Ambiguous) {
				t.Errorf("%s: got %v, %v, want a record %v, else ambiguous", kind, o.Record, o.Err, reads)
			}
		}
		if o := ask(t, p, garage(5)...)[4]; o.Record == nil {
			t.Errorf("%s: got %v at the second time, want a record", kind, o.Err)
		}
		if n := s.Stats().Requests["scraping"]; n != 2 {
			t.Errorf("%s: got %d requests, want 2", kind, n)
		}
	}
}

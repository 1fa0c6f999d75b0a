package regnum_test

import (
	"strings"
	"testing"
	"time"

	"github.com/plateq/plateq/providers/regnum"
)

func TestConfigFaultsAreNamed(t *testing.T) {
	t.Parallel()
	err := regnum.Config{
		URLs:    []string{"http://h:150/run?seccode=hidden", "h/run", "http://u:hidden@h/", "http://h/run", "http://h/run"},
		Format:  "csv",
		Timeout: -time.Second,
	}.Validate()
	if err == nil {
		t.Fatal("got no error")
	}
	for _, want := range []string{"URLS: number 1 ", "URLS: number 2 ", "URLS: number 3 ", "URLS: number 5 is there twice",
		"ID: must be set", "SECCODE: must be set", `FORMAT: "csv"`, "TIMEOUT: -1s"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q in it", err, want)
		}
	}
	if strings.Contains(err.Error(), "hidden") {
		t.Errorf("got %v, want no credential in it", err)
	}
	if err := (regnum.Config{ID: "1", Seccode: "2"}).Validate(); err == nil || !strings.Contains(err.Error(), "URLS: ") {
		t.Errorf("got %v, want URLS to be missed", err)
	}
	if err := config("http://h:150/run", " https://h/run", "").Validate(); err != nil {
		t.Errorf("got %v, want no fault", err)
	}
}

// A URL that ends where a query or a fragment would begin takes ours into it,
// and the server would see none of the question.
func TestServersTakeOurQuery(t *testing.T) {
	t.Parallel()
	for _, server := range []string{"http://h/run#", "http://h/run?", "http://h/run#a", "http://h/#/run"} {
		if err := config(server).Validate(); err == nil || !strings.Contains(err.Error(), "URLS: number 1 ") {
			t.Errorf("%s: got %v, want a fault of the first URL", server, err)
		}
	}
}

func TestSpecHoldsTheDefault(t *testing.T) {
	t.Parallel()
	cfg := config("http://h/run")
	s := newProvider(t, cfg).Spec()
	if len(s.Params) != 1 || s.Params[0].Name != "nameservice" || s.Params[0].Default != nameservice || !s.Params[0].Required {
		t.Errorf("got parameters %+v, want the nameservice with its default", s.Params)
	}
	if s.CountsFirstFound != "calculated" {
		t.Errorf("got %q counted of what is found first, want calculated", s.CountsFirstFound)
	}
	if len(s.Results) != 36 || s.Timeout != 15*time.Second || !s.Repeatable(nil) || s.SubmitScope() != "regnum/lookup" {
		t.Errorf("got %+v, want 36 fields, 15 s and free repeats", s)
	}
}

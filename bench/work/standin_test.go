package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/plateq/plateq/providers/sim"
)

// TestAnswersAreAsLongAsIsSaid: of single look-ups, and still answers.
func TestAnswersAreAsLongAsIsSaid(t *testing.T) {
	t.Parallel()
	s, err := sim.New(sim.Options{Answers: sim.Answers{Found: 1}})
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(padded(s.Handler()))
	t.Cleanup(web.Close)
	t.Cleanup(func() { _ = s.Close() })
	for i := range 20 {
		question := `{"operator":311,"canumber":"` + plate(i) + `","RegistrationID":"` + sim.DefaultToken + `"}`
		resp, err := http.Post(web.URL+"/aopay/api/AOP/FetchConsumerDetails", "application/json", strings.NewReader(question))
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || len(body) != bodySize || resp.ContentLength != bodySize || !json.Valid(body) {
			t.Fatalf("got %d bytes of %d, %v, want %d that are JSON:\n%s", len(body), resp.ContentLength, err, bodySize, body)
		}
		if b, err := newAsker(web.URL, 1).one(t.Context(), plate(i)); err != nil || len(b) != bodySize {
			t.Errorf("asked by hand: got %d bytes, %v", len(b), err)
		}
	}
}

// TestBatchesAreReadToTheirEnd: over several pages, each plate once.
func TestBatchesAreReadToTheirEnd(t *testing.T) {
	t.Parallel()
	s, err := sim.New(sim.Options{Answers: sim.Answers{Found: 1}})
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(s.Handler())
	t.Cleanup(web.Close)
	t.Cleanup(func() { _ = s.Close() })
	var about []question
	for i := range 2*sim.DefaultPageMax + 7 {
		about = append(about, question{i, plate(i)})
	}
	n := 0
	err = newBatcher(web.URL, 1).ask(t.Context(), about, func(a answered) {
		if a.question != about[n] || !json.Valid(a.body) {
			t.Errorf("got %v, want %v", a.question, about[n])
		}
		n++
	})
	if err != nil || n != len(about) {
		t.Errorf("got %d answers, %v, want %d", n, err, len(about))
	}
}

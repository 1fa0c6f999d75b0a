package client_test

import (
	"errors"
	"io"
	"net/http"
	"testing"

	"github.com/plateq/plateq/client"
)

// events answers with a stream and then hangs up.
func events(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, text)
	}
}

const (
	running  = "event: progress\nid: 1\ndata: {\"id\":\"b_1\",\"state\":\"running\"}\n\n"
	finished = ": still here\n\nevent: finished\nid: 2\ndata: {\"id\":\"b_1\",\"state\":\"done\"}\n\n"
)

func TestWatchComesAgainWhereItBrokeOff(t *testing.T) {
	t.Parallel()
	asked := make(chan string, 10)
	tell := func(next http.HandlerFunc) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			asked <- r.Header.Get("Last-Event-ID")
			next(w, r)
		}
	}
	c, _ := server(t, tell(hangUp), tell(events(running)), tell(status(503)), tell(events(running[:20])), tell(events(finished)))
	var states []client.State
	for b, err := range c.Watch(t.Context(), "b_1") {
		if err != nil {
			t.Fatal(err)
		}
		states = append(states, b.State)
	}
	if len(states) != 2 || states[0] != client.Running || states[1] != client.Done {
		t.Errorf("states %v", states)
	}
	for i, want := range []string{"", "", "1", "1", "1"} {
		if got := <-asked; got != want {
			t.Errorf("request %d has Last-Event-ID %q, want %q", i+1, got, want)
		}
	}
}

func TestWatchEnds(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		answers []http.HandlerFunc
		tries   int32
		code    string
	}{
		{"no such batch", []http.HandlerFunc{text404("no_such_batch")}, 1, "no_such_batch"},
		{"no stream", []http.HandlerFunc{text("{}")}, 1, "not_plateq"},
		{"away", []http.HandlerFunc{status(503)}, 4, "not_plateq"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c, n := server(t, tt.answers...)
			var last error
			for _, err := range c.Watch(t.Context(), "b_1") {
				last = err
			}
			if !errors.Is(last, &client.Problem{Code: tt.code}) || n.Load() != tt.tries {
				t.Errorf("got %v after %d tries, want %s after %d", last, n.Load(), tt.code, tt.tries)
			}
		})
	}
}

func TestWatchCanBeLeft(t *testing.T) {
	t.Parallel()
	c, n := server(t, events(running+running))
	for range c.Watch(t.Context(), "b_1") {
		break
	}
	if n.Load() != 1 {
		t.Errorf("%d requests, want 1", n.Load())
	}
}

func text404(code string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusNotFound)
		_, _ = io.WriteString(w, `{"status":404,"code":"`+code+`"}`)
	}
}

// Servers of before, and those to whom too many have come, are asked.
func TestWaitDoesWithoutAStream(t *testing.T) {
	t.Parallel()
	for _, code := range []string{"no_such_route", "too_many_watch"} {
		c, _ := server(t, text404(code), text(`{"id":"b_1","state":"running"}`), text(`{"id":"b_1","state":"done"}`))
		looks := 0
		b, err := c.Wait(t.Context(), "b_1", func(client.Batch) { looks++ })
		if err != nil || b.State != client.Done || looks != 2 {
			t.Errorf("%s: got %+v, %v after %d looks", code, b, err, looks)
		}
	}
	c, _ := server(t, text404("no_such_batch"))
	if _, err := c.Wait(t.Context(), "b_1", nil); !errors.Is(err, &client.Problem{Code: "no_such_batch"}) {
		t.Errorf("got %v", err)
	}
}

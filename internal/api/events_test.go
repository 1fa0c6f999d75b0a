package api_test

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/plateq/plateq/client"
	"github.com/plateq/plateq/internal/api"
)

// stream is an open stream of events.
type stream struct {
	resp  *http.Response
	lines *bufio.Reader
}

type event struct {
	name, id string
	batch    client.Batch
	comment  bool
}

// watched opens the stream of a batch at a server that leaves slow requests
// soon.
func watched(t *testing.T, srv *httptest.Server, id, last string) *stream {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, srv.URL+"/v1/batches/"+id+"/events", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	if last != "" {
		req.Header.Set("Last-Event-ID", last)
	}
	resp, err := srv.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = resp.Body.Close() })
	return &stream{resp: resp, lines: bufio.NewReader(resp.Body)}
}

// next returns the next event or comment; false: the stream has ended.
func (s *stream) next(t *testing.T) (e event, ok bool) {
	t.Helper()
	for {
		line, err := s.lines.ReadString('\n')
		if err == io.EOF && line == "" {
			return e, false
		}
		if err != nil {
			t.Fatal(err)
		}
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		switch name {
		case "event":
			e.name = value
		case "id":
			e.id = value
		case "data":
			if err := json.Unmarshal([]byte(value), &e.batch); err != nil {
				t.Fatal(err)
			}
		case "":
			if value == "" {
				return e, true
			}
			e.comment = true
		}
	}
}

// event skips comments.
func (s *stream) event(t *testing.T) event {
	t.Helper()
	for {
		e, ok := s.next(t)
		if !ok {
			t.Fatal("the stream has ended")
		}
		if !e.comment {
			return e
		}
	}
}

// beating serves a world whose streams say often that they are there.
func beating(t *testing.T, change func(*api.Options)) (*world, *httptest.Server) {
	t.Helper()
	w := newWorld(t, func(o *api.Options) {
		if change != nil {
			change(o)
		}
	})
	o := api.Options{Store: w.store, Providers: w.set}
	if change != nil {
		change(&o)
	}
	srv := httptest.NewUnstartedServer(nil)
	srv.Config = api.NewServer(api.NewBeating(o, beat))
	srv.Config.ReadTimeout = 20 * beat
	srv.Config.WriteTimeout = 20 * beat
	srv.Start()
	t.Cleanup(srv.Close)
	return w, srv
}

// beat is how often streams of tests say that they are there.
const beat = 25 * time.Millisecond

func TestEventsTellHowABatchGoesOn(t *testing.T) {
	t.Parallel()
	w, srv := beating(t, nil)
	id := w.submitted(t, "plate\nDL01AA1000\nDL01AA1001\n").ID
	s := watched(t, srv, id, "")
	if got := s.resp.Header.Get("Content-Type"); got != "text/event-stream" {
		t.Errorf("Content-Type %q", got)
	}
	first := s.event(t)
	if first.name != "progress" || first.batch.ID != id || first.batch.Open() != 2 {
		t.Errorf("first event %+v", first)
	}
	for beats := 0; beats < 25; { // long after a slow request would have been left
		if e, ok := s.next(t); !ok || !e.comment {
			t.Fatalf("got %+v, %v while nothing happened", e, ok)
		}
		beats++
	}
	w.answer(t, id)
	last := s.event(t)
	for last.name == "progress" {
		last = s.event(t)
	}
	if last.name != "finished" || last.batch.State != client.Done || last.batch.Counts[client.RowFound] != 2 {
		t.Errorf("last event %+v", last)
	}
	if e, ok := s.next(t); ok {
		t.Errorf("behind the last event came %+v", e)
	}
	path := "/v1/batches/" + id + "/events"
	if rec := w.do(t, "GET", path, "", "Last-Event-ID: "+last.id); rec.Code != http.StatusNoContent {
		t.Errorf("who has all gets %d %s", rec.Code, rec.Body)
	}
	if rec := w.do(t, "GET", path, "", "Last-Event-ID: "+first.id); !strings.HasPrefix(rec.Body.String(), "event: finished\nid: "+last.id+"\n") {
		t.Errorf("who missed the end gets %d %s", rec.Code, rec.Body)
	}
}

func TestEventIsNotSentTwice(t *testing.T) {
	t.Parallel()
	w, srv := beating(t, nil)
	id := w.submitted(t, "plate\nDL01AA1000\n").ID
	first := watched(t, srv, id, "").event(t)
	s := watched(t, srv, id, first.id)
	if e, ok := s.next(t); !ok || !e.comment {
		t.Errorf("got %+v, %v again", e, ok)
	}
	w.do(t, "POST", "/v1/batches/"+id+"/pause", "")
	if e := s.event(t); e.batch.State != client.Paused {
		t.Errorf("got %+v", e)
	}
}

func TestStreamsEndWithTheServer(t *testing.T) {
	t.Parallel()
	stopping := make(chan struct{})
	w, srv := beating(t, func(o *api.Options) { o.Stopping = stopping })
	s := watched(t, srv, w.submitted(t, "plate\nDL01AA1000\n").ID, "")
	s.event(t)
	close(stopping)
	for ok := true; ok; {
		_, ok = s.next(t)
	}
	if err := srv.Config.Shutdown(context.WithoutCancel(t.Context())); err != nil {
		t.Error(err)
	}
}

func TestEventsOfNoBatch(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	checkProblem(t, w.do(t, "GET", "/v1/batches/b_nobody/events", ""), 404, "no_such_batch")
}

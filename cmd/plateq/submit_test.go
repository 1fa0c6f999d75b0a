package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// The URL of a list is told when it is done, once there is a secret to sign that
// with.
func TestSubmitWithACallback(t *testing.T) {
	t.Parallel()
	told := make(chan string, 10)
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		told <- r.URL.Path + " " + string(body)
	}))
	defer receiver.Close()
	p := newPlace(t, "PLATEQ_HOOKS_ALLOW=127.0.0.1")
	addr, _ := p.up(t)
	p.env = append(p.env, "PLATEQ_URL="+addr)
	submit := []string{"submit", "fleet.csv", "-p", "attestr", "--callback", receiver.URL + "/done", "--quiet"}
	if _, stderr := p.ok(t, 2, submit...); !strings.Contains(stderr, "plateq hooks rotate callbacks") {
		t.Errorf("without a secret: %s", stderr)
	}
	p.ok(t, 0, "hooks", "rotate", "callbacks")
	if _, stderr := p.ok(t, 2, "submit", "fleet.csv", "-p", "attestr", "--callback", "http://10.0.0.1/"); !strings.Contains(stderr, "callback_url") {
		t.Errorf("where nothing may be sent: %s", stderr)
	}
	id, _ := p.ok(t, 0, submit...)
	select {
	case got := <-told:
		if !strings.HasPrefix(got, "/done ") || !strings.Contains(got, strings.TrimSpace(id)) || !strings.Contains(got, "batch.done") {
			t.Errorf("told %s", got)
		}
	case <-time.After(5 * time.Minute):
		t.Error("nobody was told")
	}
}

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os/exec"
	"strings"
	"testing"

	"github.com/plateq/plateq/client"
)

// keyed is a server that everybody can reach, and the key to it.
type keyed struct {
	addr, key string
	cmd       *exec.Cmd
}

// serveKeyed starts a server on all addresses of the machine.
func (p *place) serveKeyed(t *testing.T, key string) *keyed {
	t.Helper()
	addr, cmd := p.serve(t, "0.0.0.0:0")
	u, err := url.Parse(addr)
	if err != nil {
		t.Fatal(err)
	}
	return &keyed{addr: net.JoinHostPort("127.0.0.1", u.Port()), key: key, cmd: cmd}
}

// kill ends the server as a power failure would.
func (k *keyed) kill(t *testing.T) {
	t.Helper()
	if err := k.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = k.cmd.Wait() // it says that it was killed
}

// submission is a request that can be repeated, byte by byte.
func (k *keyed) submission(list string) string {
	return fmt.Sprintf("POST /v1/batches?provider=attestr HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\nContent-Type: text/csv\r\n"+
		"Idempotency-Key: order 7\r\nContent-Length: %d\r\n\r\n%s", k.addr, k.key, len(list), list)
}

// say sends bytes to the server and leaves the answer unread.
func (k *keyed) say(t *testing.T, text string) {
	t.Helper()
	c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", k.addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
}

// ask makes a request and decodes what comes with the status.
func (k *keyed) ask(t *testing.T, method, path, body string, status int, into any) http.Header {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, "http://"+k.addr+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+k.key)
	req.Header.Set("Content-Type", "text/csv")
	req.Header.Set("Idempotency-Key", "order 7")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != status {
		t.Fatalf("%s %s: got %s, %v, %s, want %d", method, path, resp.Status, err, answer, status)
	}
	if err := json.NewDecoder(bytes.NewReader(answer)).Decode(into); err != nil {
		t.Fatal(err)
	}
	return resp.Header
}

// batches lists those of the server.
func (k *keyed) batches(t *testing.T) []client.Batch {
	t.Helper()
	var page struct{ Items []client.Batch }
	k.ask(t, http.MethodGet, "/v1/batches", "", http.StatusOK, &page)
	return page.Items
}

// TestARequestSurvivesAKill kills the server while a list is on its way, and
// again when the list is accepted and its sender has not heard of it. Each
// time the sender repeats the request; in the end there is one batch.
func TestARequestSurvivesAKill(t *testing.T) {
	t.Parallel()
	p := newPlace(t, "PLATEQ_API_RATE=0")
	out, _ := p.ok(t, 0, "keys", "create", "--name", "test", "--scope", "submit,read", "--simulate")
	var key client.NewKey
	if err := json.Unmarshal([]byte(out), &key); err != nil {
		t.Fatal(err)
	}
	list := "plate\n" + strings.Repeat("DL01AA1000\nDL01AA1001\n", 200)

	srv := p.serveKeyed(t, key.Secret)
	half := srv.submission(list)
	srv.say(t, half[:len(half)/2])
	if n := len(srv.batches(t)); n != 0 {
		t.Fatalf("half a list made %d batches", n)
	}
	srv.kill(t)

	srv = p.serveKeyed(t, key.Secret)
	srv.say(t, srv.submission(list))
	accepted := srv.batches(t)
	for len(accepted) == 0 {
		accepted = srv.batches(t)
	}
	srv.kill(t)

	srv = p.serveKeyed(t, key.Secret)
	var again client.Batch
	h := srv.ask(t, http.MethodPost, "/v1/batches?provider=attestr", list, http.StatusCreated, &again)
	if again.ID != accepted[0].ID || h.Get("Idempotent-Replayed") != "true" {
		t.Errorf("the repeat made batch %s (%v), want %s", again.ID, h, accepted[0].ID)
	}
	if all := srv.batches(t); len(all) != 1 || all[0].Rows != 400 {
		t.Errorf("there are batches %+v, want one", all)
	}
	var problem client.Problem
	srv.ask(t, http.MethodPost, "/v1/batches?provider=attestr", list+"DL01AA1002\n", http.StatusConflict, &problem)
	if problem.Code != "key_reused" {
		t.Errorf("another list under the key: %+v", problem)
	}
	srv.key = "wrong"
	srv.ask(t, http.MethodGet, "/v1/batches", "", http.StatusUnauthorized, &problem)
	srv.kill(t)
}

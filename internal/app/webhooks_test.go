package app_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	standard "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/plateq/plateq/client"
)

// TestReceiversAreTold of a list that is looked up, with what verifies, and
// without a plate.
func TestReceiversAreTold(t *testing.T) {
	t.Parallel()
	type told struct {
		header http.Header
		body   []byte
	}
	got := make(chan told, 100)
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		got <- told{r.Header, body}
	}))
	t.Cleanup(receiver.Close)
	d := newDesk(t, standIn(t, brisk()), "PLATEQ_HOOKS_ALLOW=127.0.0.1", "PLATEQ_LISTEN=127.0.0.1:0")
	cl, stop := d.up()
	defer stop()
	h, err := cl.AddWebhook(t.Context(), receiver.URL+"/in", []string{"batch.done", "rows.settled"})
	if err != nil {
		t.Fatal(err)
	}
	secret, err := cl.RotateWebhook(t.Context(), client.CallbacksID, 0)
	if err != nil {
		t.Fatal(err)
	}
	b, err := cl.Submit(t.Context(), client.SubmitOptions{Provider: "attestr", Format: client.CSV, Callback: receiver.URL + "/cb"},
		strings.NewReader("plate\n"+strings.Join(plates(50), "\n")+"\n"))
	if err != nil {
		t.Fatal(err)
	}
	events, ofCallback, settled := map[string]int{}, 0, 0
	for end := time.After(time.Minute); events["batch.done"] < 2 || settled < 50; {
		select {
		case g := <-got:
			var m struct {
				Type string
				Data struct {
					Batch  string
					Counts map[string]int
				}
			}
			if err := json.Unmarshal(g.body, &m); err != nil || m.Data.Batch != b.ID {
				t.Fatalf("got %s, %v", g.body, err)
			}
			events[m.Type]++
			if m.Type == "rows.settled" {
				c := m.Data.Counts
				settled = 50 - c["queued"] - c["sending"] - c["waiting"]
			}
			if strings.Contains(string(g.body), "DL") {
				t.Errorf("a plate is told: %s", g.body)
			}
			if verifies(t, secret, g.body, g.header) {
				ofCallback++
			} else if !verifies(t, h.Secret, g.body, g.header) {
				t.Errorf("a signature does not verify: %v", g.header)
			}
		case <-end:
			t.Fatalf("got %v and %d rows in time, want two of a list that is done, and 50 rows\n%s", events, settled, d.log)
		}
	}
	if ofCallback != 1 {
		t.Errorf("%d were signed for the callback, want one", ofCallback)
	}
}

func verifies(t *testing.T, secret string, body []byte, h http.Header) bool {
	t.Helper()
	wh, err := standard.NewWebhook(secret)
	if err != nil {
		t.Fatal(err)
	}
	return wh.Verify(body, h) == nil
}

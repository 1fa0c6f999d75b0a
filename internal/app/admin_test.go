package app_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/plateq/plateq/client"
	"github.com/plateq/plateq/internal/app"
	"github.com/plateq/plateq/providers/sim"
)

// admin runs a whole service that stays, and returns a client of its API and
// where its /metrics are.
func (d *desk) admin(env ...string) (*client.Client, string) {
	d.t.Helper()
	d.env = append(d.env, append([]string{"PLATEQ_LISTEN=127.0.0.1:0", "PLATEQ_ADMIN_LISTEN=127.0.0.1:0"}, env...)...)
	o := d.options()
	o.Stays = true
	a, err := app.Open(d.t.Context(), o, app.Worker|app.Scheduler|app.Server)
	if err != nil {
		d.t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx) }()
	d.t.Cleanup(func() {
		stop()
		if err := errors.Join(<-done, a.Close()); err != nil {
			d.t.Error(err)
		}
	})
	cl, err := client.New(a.URL(), client.Options{})
	if err != nil {
		d.t.Fatal(err)
	}
	return cl, a.AdminURL()
}

// get returns the status and the body of an answer.
func get(t *testing.T, url, host string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	r.Host = host
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

func TestMetricsTellWhatWasDone(t *testing.T) {
	t.Parallel()
	o := sim.Fast()
	o.Answers = sim.Answers{Found: 90, Blocked: 10}
	d := newDesk(t, standIn(t, o))
	cl, at := d.admin("PLATEQ_ATTESTR_PRICE=2.50", "PLATEQ_ATTESTR_CURRENCY=INR", "PLATEQ_BUDGET_DAY=1000")
	b, err := cl.Submit(t.Context(), client.SubmitOptions{Provider: "attestr", Format: client.CSV}, strings.NewReader("plate\n"+strings.Join(plates(40), "\n")))
	if err != nil {
		t.Fatal(err)
	}
	wait, cancel := context.WithTimeout(t.Context(), tooLong)
	defer cancel()
	if b, err = cl.Wait(wait, b.ID, func(client.Batch) {}); err != nil {
		t.Fatal(err)
	}
	status, text := get(t, at+"/metrics", "")
	if status != http.StatusOK {
		t.Fatalf("status %d: %s", status, text)
	}
	for _, want := range []string{
		`plateq_requests_total{class="ok",endpoint="submit",provider="attestr"} 2`,
		`plateq_asks_settled_total{provider="attestr",state="found"} `,
		`plateq_spent_total{currency="INR",provider="attestr"} 100`,
		`plateq_store_duration_seconds_count{operation="claim",result="ok"} `,
		`plateq_store_duration_seconds_count{operation="settle",result="ok"} `,
		`plateq_http_request_duration_seconds_count{code="201",route="POST /v1/batches"} 1`,
		`plateq_fleet_rows_open{provider="attestr",state="queued"} 0`,
		`plateq_fleet_spent{currency="INR",provider="attestr"} 100`,
		`plateq_fleet_budget_used{scope="tenant:default:day"} 100`,
		`plateq_fleet_queue_tasks{queue="attestr",state="pending"} 0`,
		`plateq_fleet_workers{provider="attestr"} 1`,
		"\nplateq_fleet_workers_vanished 0\n",
		"\nplateq_spool_answers 0\n",
		`plateq_build_info{version="`,
		`go_goroutines `,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("there is no %s", want)
		}
	}
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "plateq_fleet_up") && strings.HasSuffix(line, " 0\n") {
			t.Errorf("it could not be read: %s", line)
		}
	}
	for _, p := range append(plates(40), b.ID) {
		if strings.Contains(text, p) {
			t.Errorf("%s is in the metrics", p)
		}
	}
}

func TestProfilesAreForThisMachine(t *testing.T) {
	t.Parallel()
	d := newDesk(t, standIn(t, sim.Fast()))
	_, at := d.admin()
	if status, _ := get(t, at+"/debug/pprof/", ""); status != http.StatusOK {
		t.Errorf("status %d, want 200", status)
	}
	if status, _ := get(t, at+"/debug/pprof/heap", "evil.example"); status != http.StatusMisdirectedRequest {
		t.Errorf("under another name: status %d, want 421", status)
	}
}

func TestTheFirstProcessServesMetrics(t *testing.T) {
	t.Parallel()
	u := standIn(t, sim.Fast())
	_, at := newDesk(t, u).admin()
	d := newDesk(t, u, "PLATEQ_ADMIN_LISTEN="+strings.TrimPrefix(at, "http://"), "PLATEQ_LISTEN=127.0.0.1:0")
	o := d.options()
	o.Stays = true
	if a, err := app.Open(t.Context(), o, app.Worker|app.Scheduler|app.Server); app.ExitCode(err) != app.ExitUsage {
		t.Errorf("an address that was chosen and is taken: %v", errors.Join(err, a.Close()))
	}
}

package app_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/plateq/plateq/client"
	"github.com/plateq/plateq/internal/promtest"
	"github.com/plateq/plateq/providers/sim"
)

// watched starts the parts of the fleet as processes, and a Prometheus that asks
// them every half a second, with the alarms as they are delivered.
func (f *fleet) watched(parts ...string) *promtest.Server {
	f.t.Helper()
	rules, err := filepath.Abs("../../deploy/prometheus/alerts.yml")
	if err != nil {
		f.t.Fatal(err)
	}
	config := fmt.Sprintf("global: {scrape_interval: 500ms, evaluation_interval: 500ms}\nrule_files: [%q]\nscrape_configs:\n", rules)
	for _, part := range parts {
		listen, admin := promtest.FreeAddr(f.t), promtest.FreeAddr(f.t)
		f.env = append(f.env, "PLATEQ_LISTEN="+listen, "PLATEQ_ADMIN_LISTEN="+admin) // the last ones count
		f.spawn(part)
		config += fmt.Sprintf("  - {job_name: plateq-%s, static_configs: [{targets: [%q]}]}\n", part, admin)
		if part == "serve" {
			f.url = "http://" + listen
		}
	}
	if f.api, err = client.New(f.url, client.Options{}); err != nil {
		f.t.Fatal(err)
	}
	return promtest.Start(f.t, config)
}

// TestPrometheusWatchesAFleet: an account runs out of credit in the middle of a
// list. That alarm comes, and no other; each panel of the dashboard shows
// something.
func TestPrometheusWatchesAFleet(t *testing.T) {
	t.Parallel()
	began := time.Now()
	o := sim.Fast()
	o.Completion = sim.Completion{Min: 50 * time.Millisecond, Max: 40 * time.Second, Order: sim.RandomOrder}
	u := standIn(t, o)
	account := u.Accounts()[0]
	account.Credit = 100
	if err := u.SetAccount(account); err != nil {
		t.Fatal(err)
	}
	f := newFleet(t, u, "PLATEQ_ATTESTR_PRICE=2.50", "PLATEQ_ATTESTR_CURRENCY=INR", "PLATEQ_BUDGET_DAY=10000", "PLATEQ_ATTESTR_RATE=20")
	p := f.watched("serve", "worker", "scheduler")
	p.Await(`count(up{job=~"plateq-.+"} == 1) == 3`)
	up := time.Since(began)

	id := f.submit(plates(200))
	f.waitsFor(id, "attestr", "out_of_credit")
	closed := time.Now()
	p.Await(`ALERTS{alertname="PlateqOutOfCredit",alertstate="firing",scope="attestr"}`)
	t.Logf("watched after %s, the alarm came %s after the gate had closed", up.Round(100*time.Millisecond), time.Since(closed).Round(100*time.Millisecond))

	// SpectrumData tells figures of an account, Attestr none; no worker was taken
	// for dead while it still had an answer to bring.
	mayBeEmpty := []string{"Figures that came with answers", "Outcomes that came too late"}
	queries := 0
	for _, panel := range promtest.Dashboard(t, "../../deploy/grafana/dashboards/plateq.json", "20s") {
		for _, q := range panel.Queries {
			queries++
			samples, err := p.Query(t.Context(), q)
			if err != nil {
				t.Errorf("panel %s: %v", panel.Title, err)
			}
			if len(samples) == 0 && !slices.Contains(mayBeEmpty, panel.Title) {
				t.Errorf("panel %s shows nothing: %s", panel.Title, q)
			}
		}
	}
	firing, err := p.Query(t.Context(), `ALERTS{alertstate="firing"}`)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, a := range firing {
		names = append(names, a.Labels["alertname"])
	}
	if got := strings.Join(names, " "); got != "PlateqOutOfCredit" {
		t.Errorf("firing: %s, want PlateqOutOfCredit alone", got)
	}
	t.Logf("%d queries of the dashboard answered; in all %s", queries, time.Since(began).Round(100*time.Millisecond))
}

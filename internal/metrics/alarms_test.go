package metrics

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/plateq/plateq/internal/promtest"
	"github.com/plateq/plateq/store"
)

// What whoever watches is given stands beside the product.
const (
	deploy    = "../../deploy"
	rules     = deploy + "/prometheus/alerts.yml"
	cases     = deploy + "/prometheus/alerts_test.yml"
	dashboard = deploy + "/grafana/dashboards/plateq.json"
	runbook   = "../../docs/runbook.md"
)

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// all returns what the group in a pattern matches, each once.
func all(pattern, text string) map[string]bool {
	found := map[string]bool{}
	for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(text, -1) {
		found[m[1]] = true
	}
	return found
}

func TestPrometheusTakesTheRules(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"check", "rules", rules}, {"check", "config", deploy + "/prometheus/prometheus.yml"}, {"test", "rules", cases}} {
		promtest.Tool(t, args...)
	}
}

// Each alarm has a place in the runbook, and is shown both silent and firing.
func TestEveryAlarmIsExplainedAndShown(t *testing.T) {
	t.Parallel()
	alarms := all(`(?m)^ +- alert: (\w+)$`, read(t, rules))
	if len(alarms) == 0 {
		t.Fatal("there are no alarms")
	}
	if got := all(`(?m)^### (Plateq\w+)$`, read(t, runbook)); !maps.Equal(got, alarms) {
		t.Errorf("the runbook explains %q, want %q", slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(alarms)))
	}
	pages := all(`(?m)^ +runbook_url: https://github\.com/plateq/plateq/blob/main/docs/runbook\.md#(\w+)$`, read(t, rules))
	shown := read(t, cases)
	for name := range alarms {
		if !pages[strings.ToLower(name)] {
			t.Errorf("%s leads to no place of the runbook", name)
		}
		if !strings.Contains(shown, "#"+strings.ToLower(name)+"\n") {
			t.Errorf("%s is never shown to fire", name)
		}
		if !regexp.MustCompile(`alertname: ` + name + `\n +eval_time: \w+\n +exp_alerts: \[\]\n`).MatchString(shown) {
			t.Errorf("%s is never shown to be silent", name)
		}
	}
}

// told returns the names of what a process can tell, as a query names them.
func told(t *testing.T) map[string]bool {
	t.Helper()
	m, now := NewMeter(), time.Unix(5000, 0)
	m.Request("attestr", "submit", "", time.Second)
	m.Settled("attestr", store.Settled{Moved: store.Counts{store.Found: 3}, Billed: store.Cost{Currency: "INR", Spent: store.One}, Refused: 2})
	m.Answered("GET /v1/batches", 200, time.Millisecond)
	return all(`(?m)^(\w+)[{ ]`, scrape(t, Handler(m, testFleet(&books{}, &now), testSpool, "v1")))
}

// A rule over a metric that nobody tells is silent for ever.
func TestQueriesNameWhatIsTold(t *testing.T) {
	t.Parallel()
	known := told(t)
	asked := map[string]string{rules: read(t, rules), cases: read(t, cases)}
	for _, p := range promtest.Dashboard(t, dashboard, "1m") {
		asked[dashboard] += strings.Join(p.Queries, "\n") + "\n"
	}
	for name, text := range asked {
		names := all(`\b((?:plateq|go|process)_[a-z_]+)\b`, text)
		for n := range names {
			if !known[n] {
				t.Errorf("%s: nobody tells %s", name, n)
			}
		}
		if len(names) < 10 {
			t.Errorf("%s: %d metrics: they are not found", name, len(names))
		}
	}
}

package promtest

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
)

// Panel is one of a dashboard: what it shows, and what it asks for that.
type Panel struct {
	Title   string
	Queries []string
}

// Dashboard reads the panels of a dashboard of Grafana. Its variables stand for
// everything, and rates are taken over rate.
func Dashboard(t testing.TB, file, rate string) []Panel {
	t.Helper()
	text, err := os.ReadFile(file) //nolint:gosec // of the repository
	if err != nil {
		t.Fatal(err)
	}
	var board struct {
		Panels []struct {
			Title   string `json:"title"`
			Targets []struct {
				Expr string `json:"expr"`
			} `json:"targets"`
		} `json:"panels"`
	}
	if err := json.Unmarshal(text, &board); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	filled := strings.NewReplacer("$__rate_interval", rate, "$provider", ".*")
	var panels []Panel
	for _, p := range board.Panels {
		if len(p.Targets) == 0 {
			continue // the title of a row
		}
		panel := Panel{Title: p.Title}
		for _, q := range p.Targets {
			panel.Queries = append(panel.Queries, filled.Replace(q.Expr))
		}
		panels = append(panels, panel)
	}
	return panels
}

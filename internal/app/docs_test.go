package app_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plateq/plateq/internal/app"
	"github.com/plateq/plateq/internal/config"
	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/providers/providertest"
)

//go:generate go test -run ^TestWritten -update .

var update = flag.Bool("update", false, "write the parts of documents anew that are made of the code")

// top is the root of the repository.
const top = "../.."

// catalogue describes all providers as they are with nothing set.
func catalogue(t *testing.T) []providers.Spec {
	t.Helper()
	c, _, err := config.Load(nil)
	if err != nil {
		t.Fatal(err)
	}
	all, err := app.Catalogue(c)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// written holds a part of a document, between two marks, against what the
// code says now. Without marks it is the whole of it.
func written(t *testing.T, name, mark, want string) {
	t.Helper()
	file := filepath.Join(top, name)
	text, err := os.ReadFile(file)
	if err != nil && !*update {
		t.Fatal(err)
	}
	before, got, after := "", string(text), ""
	if mark != "" {
		begin, end := "<!-- "+mark+": made by go generate ./internal/app -->\n", "<!-- end of "+mark+" -->\n"
		var begun, ended bool
		before, got, begun = strings.Cut(string(text), begin)
		got, after, ended = strings.Cut(got, end)
		if !begun || !ended {
			t.Fatalf("%s: the marks of %q are not there", name, mark)
		}
		before, after = before+begin, end+after
	}
	if *update && got != want {
		if err := os.WriteFile(file, []byte(before+want+after), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s is not up to date, run go generate ./internal/app (-want +got):\n%s", name, diff)
	}
}

// countries are those of the providers, as people call them.
var countries = map[string]string{"FI": "Finland", "FR": "France", "IN": "India", "MX": "Mexico", "NO": "Norway", "RU": "Russia"}

func TestWrittenProviders(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString("| provider | country | what it answers | a call | answer | free to repeat | limits that it documents |\n|---|---|---|---|---|---|---|\n")
	for _, s := range catalogue(t) {
		var where []string
		for _, code := range s.Countries {
			if countries[code] == "" {
				t.Errorf("%s: got country %q, want one with a name", s.Name, code)
			}
			where = append(where, countries[code])
		}
		carries, answers, limits := "one", "at once", "none"
		if s.MaxBatch > 1 {
			carries = fmt.Sprintf("up to %d", s.MaxBatch)
		}
		if s.Pending {
			answers = "later"
		}
		if s.Limits != "" {
			limits = s.Limits
		}
		fmt.Fprintf(&b, "| `%s`: %s | %s | %s | %s | %s | %s | %s |\n", s.Name, s.Title, strings.Join(where, ", "), s.Answers, carries, answers, s.Repeats, limits)
	}
	written(t, "README.md", "providers", b.String())
}

const aboutConformance = `# What the providers' documents say

Each field, state, code and rule of the providers' documents, and the test of its package that holds us to it. The rows are in
` + "`providers/NAME/testdata/conformance.txt`" + `; a test of each package sees to it that the tests are there. Made by
` + "`go generate ./internal/app`" + `.

A test named ` + "`TestConformance/…`" + ` is a rule that every provider is held to: see ` + "`providers/providertest`" + `.
`

func TestWrittenConformance(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString(aboutConformance)
	cell := strings.NewReplacer("|", `\|`)
	for _, s := range catalogue(t) {
		text, err := os.ReadFile(filepath.Join(top, "providers", s.Name, "testdata", "conformance.txt"))
		if err != nil {
			t.Errorf("%s: %v", s.Name, err)
			continue
		}
		rows, err := providertest.ParseConformance(text) // refuses empty cells
		if err != nil || len(rows) == 0 {
			t.Errorf("%s: got %d rows, %v", s.Name, len(rows), err)
		}
		fmt.Fprintf(&b, "\n## %s\n\n%d rows.\n\n| document | says | test |\n|---|---|---|\n", s.Title, len(rows))
		for _, r := range rows {
			fmt.Fprintf(&b, "| %s | %s | `%s` |\n", cell.Replace(r.Term), cell.Replace(r.Says), r.Test)
		}
		missing(t, s, rows)
	}
	written(t, "docs/conformance.md", "", b.String())
}

// missing demands a row for each field of a result.
func missing(t *testing.T, s providers.Spec, rows []providertest.Row) {
	t.Helper()
	for _, field := range s.Results {
		last := field[strings.LastIndexByte(field, '.')+1:]
		if !slices.ContainsFunc(rows, func(r providertest.Row) bool { return strings.Contains(r.Term, last) }) {
			t.Errorf("%s: got no row about %q, want one for each field of a result", s.Name, field)
		}
	}
}

//go:build chaos

package chaos_test

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/plateq/plateq/internal/chaos"
	"github.com/plateq/plateq/internal/pgtest"
)

var (
	rowsFlag  = flag.Int("rows", 10_000, "rows of a list, where a cell does not need its own number")
	longFlag  = flag.Bool("long", false, "let faults last as long as in the field, and run the cells that take minutes")
	writeFlag = flag.String("write", "", "page to write the table into")
	noteFlag  = flag.String("note", "", "what is said of the run above the table")
)

func TestMain(m *testing.M) {
	flag.Parse()
	pgtest.Main(m)
	if path, err := program(); err == nil {
		_ = os.RemoveAll(filepath.Dir(path))
	}
}

// program builds plateq once, so that it breaks on request.
var program = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "plateq-chaos-")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "plateq")
	cmd := exec.Command("go", "build", "-tags=chaos", "-o", path, "github.com/plateq/plateq/cmd/plateq")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	cmd.Stderr = os.Stderr
	return path, cmd.Run()
})

// cell is a field of the matrix: a fault, and what must hold in spite of it.
type cell struct {
	name  string
	fault string
	run   func(*trial)
	when  when
}

// when says in which runs a cell takes part.
type when int

const (
	always when = iota
	onlyLong
	aloneFirst // always, before the others and not beside them: it needs the machine
)

// trial is one run of a cell.
type trial struct {
	*testing.T
	result *chaos.Result
}

// more notes what this cell alone tells.
func (t *trial) more(format string, args ...any) {
	t.result.More = strings.TrimSpace(t.result.More + " " + fmt.Sprintf(format, args...))
}

// unable ends a cell that cannot be run here.
func (t *trial) unable(why string) {
	t.Helper()
	t.result.Skipped = why
	t.Skip(why)
}

// plain says that a cell is about something else than a list on its way.
func (t *trial) plain() { t.result.Plain = true }

// lasting is how long a fault lasts, or how often it comes: in short, or as in
// the field.
func lasting[T time.Duration | int](short, field T) T {
	if *longFlag {
		return field
	}
	return short
}

// book collects results.
type book struct {
	mu  sync.Mutex
	all []chaos.Result
}

func (b *book) add(r chaos.Result) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.all = append(b.all, r)
	fmt.Println(r)
}

// TestCells runs the matrix:
//
//	go test -tags=chaos ./internal/chaos -run 'TestCells/^P1$' -v -args -rows 2000
func TestCells(t *testing.T) {
	began := time.Now()
	var results book
	t.Cleanup(func() { writeTable(t, results.all, time.Since(began)) })
	for _, c := range cells {
		t.Run(c.name, func(t *testing.T) {
			if c.when == onlyLong && !*longFlag {
				t.Skip("only with -long")
			}
			if c.when != aloneFirst {
				t.Parallel()
			}
			r := chaos.Result{Cell: c.name, Fault: c.fault}
			defer func() {
				if t.Skipped() && r.Skipped == "" {
					r.Skipped = "it cannot be run here"
				}
				r.Held = !t.Failed()
				results.add(r)
			}()
			c.run(&trial{T: t, result: &r})
		})
	}
}

// writeTable puts the results of a whole run into the page.
func writeTable(t *testing.T, all []chaos.Result, took time.Duration) {
	t.Helper()
	held := 0
	for _, r := range all {
		if r.Held && r.Skipped == "" {
			held++
		}
	}
	said := fmt.Sprintf("%d cells, %d held, in %s.", len(all), held, took.Round(time.Second))
	fmt.Println(said)
	writeSection(t, "matrix", said+" "+*noteFlag+"\n\n"+chaos.Table(all))
}

// writeSection replaces a part of the page, if one is given.
func writeSection(t *testing.T, name, text string) {
	t.Helper()
	if *writeFlag == "" {
		return
	}
	page, err := os.ReadFile(*writeFlag)
	if err != nil {
		t.Fatal(err)
	}
	whole, err := chaos.Replace(string(page), name, text)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(*writeFlag, []byte(whole), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestCellsHaveNamesOfTheirOwn(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range cells {
		if seen[c.name] || !regexp.MustCompile(`^[PRDVHN][0-9]+[a-z]?$`).MatchString(c.name) {
			t.Errorf("%s: the name is taken, or none", c.name)
		}
		seen[c.name] = true
	}
}

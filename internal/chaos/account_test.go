//go:build chaos

package chaos_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/plateq/plateq/client"
	"github.com/plateq/plateq/internal/chaos"
)

// tooLong is far beyond what any list of these cells needs.
const tooLong = 6 * time.Minute

// done waits until the list is, and returns how it ended.
func (w *world) done() client.Batch {
	w.Helper()
	return w.doneWith(w.id)
}

func (w *world) doneWith(id string) client.Batch {
	w.Helper()
	return w.doneWithin(id, tooLong+4*w.most)
}

func (w *world) doneWithin(id string, most time.Duration) client.Batch {
	w.Helper()
	var b client.Batch
	awaitWithin(w, most, "the list is done", func() (over bool) {
		b, over = w.at(id)
		return over
	})
	return b
}

// at is how a list stands, and whether it is done.
func (w *world) at(id string) (client.Batch, bool) {
	w.Helper()
	b, err := w.api.Batch(w.Context(), id)
	if err == nil && b.State == client.Paused {
		w.Fatalf("the list is paused: %s", b.Reason)
	}
	return b, err == nil && b.State.Finished()
}

// account waits until all lists are done and holds the three books against
// each other. What the cell has cost is its result.
func (w *world) account() chaos.Figures {
	w.Helper()
	for _, l := range w.lists {
		w.doneWith(l.id)
	}
	took := time.Since(w.mended)
	got, findings := w.books().Check()
	if got.Recovered = took; w.mended.IsZero() {
		got.Recovered = 0
	}
	w.result.Figures = got
	if len(findings) > 0 {
		w.Error(chaos.Text(findings))
	}
	return got
}

// nothingUnknown demands that no call was cut in half.
func (w *world) nothingUnknown() {
	w.Helper()
	if n := w.result.Unknown; n != 0 {
		w.Errorf("%d rows are unknown, want none", n)
	}
	w.nothingExtra()
}

// nothingExtra demands that no call was made which the list did not need.
func (w *world) nothingExtra() {
	w.Helper()
	if n := w.result.Extra; n != 0 {
		w.Errorf("%d calls were made that the list did not need", n)
	}
}

// books are those of all lists together: the rows of the second come after
// those of the first.
func (w *world) books() chaos.Books {
	w.Helper()
	books := chaos.Books{
		Counts: map[string]int{}, Charges: w.provider.charges(), Requests: w.provider.submits(), Needed: w.needed,
		Answer: w.answer, Again: w.again,
	}
	for _, l := range w.lists {
		b, _ := w.at(l.id)
		for status, n := range b.Counts {
			books.Counts[string(status)] += n
		}
		for r, err := range w.api.Results(w.Context(), l.id, client.ResultsOptions{}) {
			if err != nil {
				w.Fatal(err)
			}
			r.Row += len(books.List)
			books.Rows = append(books.Rows, rowOf(r))
		}
		books.List = append(books.List, l.list...)
	}
	if w.events != nil {
		books.Events = w.events()
	}
	w.keepMetrics()
	books.Problems = w.problems()
	books.Leaks = w.leaks(books.Rows)
	return books
}

func rowOf(r client.Row) chaos.Row {
	row := chaos.Row{N: r.Row, Status: string(r.Status)}
	if r.Plate != nil {
		row.Plate = *r.Plate
	}
	if r.Error != nil {
		row.Class = r.Error.Class
	}
	var result struct{ Contact *string }
	if json.Unmarshal(r.Result, &result) == nil && result.Contact != nil {
		row.Contact = *result.Contact
	}
	return row
}

// problems are what `plateq check` finds wrong with the store. An SQLite file
// must be left to it.
func (w *world) problems() []string {
	w.Helper()
	if w.sqlite != "" {
		if code := w.serve.stop(time.Minute); code != 0 {
			w.Errorf("plateq up ended with %d", code)
		}
	}
	out, code := w.command("check", "--json")
	var report struct{ Problems []string }
	if err := json.Unmarshal([]byte(out), &report); err != nil {
		w.Fatalf("plateq check: exit %d, %v", code, err)
	}
	if code != 0 && len(report.Problems) == 0 {
		w.Errorf("plateq check: exit %d", code)
	}
	return report.Problems
}

// keepMetrics writes what the processes that live tell Prometheus to files
// among those that are searched.
func (w *world) keepMetrics() {
	w.Helper()
	kept, in := 0, http.Client{Timeout: 10 * time.Second}
	for _, p := range w.started {
		if p.admin == "" || p.ended() {
			continue
		}
		resp, err := in.Get("http://" + p.admin + "/metrics")
		if err != nil {
			continue // it is in a network of its own
		}
		text, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close() // it was only read
		if err != nil {
			w.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(w.dir, p.name+".metrics"), text, 0o600); err != nil {
			w.Fatal(err)
		}
		kept += bytes.Count(text, []byte("\nplateq_"))
	}
	if kept == 0 && w.program == "" {
		w.Error("no process tells anything to Prometheus")
	}
}

// shaped finds what may be a plate or a contact of these lists.
var shaped = regexp.MustCompile(`KA\d\d[A-Z]{3}\d{4}|\b9\d{9}\b|` + canary)

// leaks are the files in which something personal or secret is in clear: what
// the processes have said and tell Prometheus, what Redis has written, what
// waits in spools.
func (w *world) leaks(rows []chaos.Row) []string {
	w.Helper()
	private := map[string]bool{canary: true}
	for _, r := range rows {
		private[r.Plate], private[r.Contact] = true, r.Contact != ""
	}
	var found []string
	look := func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || path == w.provider.ledger {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, word := range shaped.FindAllString(string(text), -1) {
			if private[word] {
				found = append(found, filepath.Base(path))
				return nil
			}
		}
		for _, key := range w.keys {
			if _, secret, _ := strings.Cut(key, "="); strings.Contains(string(text), secret) && w.sqlite == "" {
				found = append(found, filepath.Base(path)+", a key")
				return nil
			}
		}
		return nil
	}
	for _, dir := range []string{w.dir, w.redis.Dir()} {
		if err := filepath.WalkDir(dir, look); err != nil {
			w.Fatal(err)
		}
	}
	return found
}

// ask runs a statement, and returns the number that it answers with, if any.
func ask(ctx context.Context, url, query string, args ...any) (n int, err error) {
	c, err := pgx.Connect(ctx, url)
	if err != nil {
		return 0, fmt.Errorf("reach the store: %w", err)
	}
	defer func() { _ = c.Close(ctx) }() // it was only asked
	if !strings.HasPrefix(strings.ToUpper(query), "SELECT") {
		_, err := c.Exec(ctx, query, args...)
		return 0, err
	}
	return n, c.QueryRow(ctx, query, args...).Scan(&n)
}

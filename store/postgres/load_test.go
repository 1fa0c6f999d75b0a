package postgres_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/plateq/plateq/internal/pgtest"
	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/store"
	"github.com/plateq/plateq/store/postgres"
	"github.com/plateq/plateq/store/sqlite"
	"github.com/plateq/plateq/store/storetest"
)

// lived is an SQLite store that has everything in it.
func lived(t *testing.T) (*sqlite.Store, store.Keys) {
	t.Helper()
	keys := store.NewKeys()
	s, err := sqlite.Open(t.Context(), sqlite.Options{Path: filepath.Join(t.TempDir(), "plateq.db"), Keys: keys})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	storetest.Lived(t, s)
	return s, keys
}

func load(t *testing.T, s *sqlite.Store, url string, last func() error) (done store.Transfer, err error) {
	t.Helper()
	err = s.Dump(t.Context(), func(d store.Dump) error {
		done, err = postgres.Load(t.Context(), url, d, last)
		return err
	})
	return done, err
}

func nothing() error { return nil }

func TestALoadIsAllOrNothing(t *testing.T) {
	t.Parallel()
	s, keys := lived(t)
	url := pgtest.Schema(t)
	broken := errors.New("broken off")
	if _, err := load(t, s, url, func() error { return broken }); !errors.Is(err, broken) {
		t.Fatalf("got %v", err)
	}
	done, err := load(t, s, url, nothing)
	if err != nil || done.Again || len(done.Report.Problems) > 0 {
		t.Fatalf("got %+v, %v", done, err)
	}
	for _, table := range []string{"batches", "cuts", "tallies", "rows", "asks", "ask_keys", "wants", "chunks", "calls", "tickets", "answers", "readings", "api_keys", "schedules", "schedule_runs"} {
		if done.Records[table] == 0 {
			t.Errorf("no %s were moved", table)
		}
	}
	if done, err := load(t, s, url, func() error { return broken }); err != nil || !done.Again {
		t.Errorf("got %+v, %v, want it to be there already", done, err)
	}
	goesOn(t, s, url, keys)
}

// goesOn demands that the store at url is s, and that it gives out no number
// a second time.
func goesOn(t *testing.T, s *sqlite.Store, url string, keys store.Keys) {
	t.Helper()
	p, err := postgres.Open(t.Context(), postgres.Options{URL: url, Keys: keys})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if p.ID() != s.ID() {
		t.Errorf("it is %s, want %s", p.ID(), s.ID())
	}
	_, was, err := s.LastCall(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if written, given, err := p.LastCall(t.Context()); err != nil || written != was || given != was {
		t.Errorf("the last call is %d, %d, %v, want %d", written, given, err, was)
	}
	figures, err := s.Readings(t.Context())
	if err != nil || len(figures) == 0 {
		t.Errorf("the readings were %v, %v, want some", figures, err)
	}
	if got, err := p.Readings(t.Context()); err != nil || !slices.Equal(got, figures) {
		t.Errorf("the readings are %v, %v, want %v", got, err, figures)
	}
	if storetest.Hint(t, p, providers.Hint{Record: "r-1"}).Ticket == 0 {
		t.Error("a ticket is not found by its name")
	}
	if orphans, err := p.Orphans(t.Context()); err != nil || len(orphans) != 1 || orphans[0].Hints[0].Ticket != "T-9" {
		t.Errorf("got %v, %v, want the hint about nothing that is known", orphans, err)
	}
	told, err := s.Deliveries(t.Context(), store.DeliveryFilter{})
	if err != nil || len(told) == 0 {
		t.Errorf("the deliveries were %v, %v, want some", told, err)
	}
	if got, err := p.Deliveries(t.Context(), store.DeliveryFilter{}); err != nil || !slices.Equal(got, told) {
		t.Errorf("the deliveries are %v, %v, want %v", got, err, told)
	}
	if got, err := p.ClaimDeliveries(t.Context(), store.DeliveryClaim{Limit: 1, PerHook: 1, Until: time.Now()}); err != nil || len(got) != 1 || string(got[0].Secrets[0]) != "secret" {
		t.Errorf("got %v, %v, want a delivery with its secret", got, err)
	}
	storetest.Work(t, p, storetest.List(t, p, 40), 10, 4)
	if written, _, err := p.LastCall(t.Context()); err != nil || written <= was {
		t.Errorf("the last call is %d, %v, want more than %d", written, err, was)
	}
	if problems := storetest.Problems(t, p); problems != "" {
		t.Error(problems)
	}
}

// TestALoadFillsEveryColumn that this store has.
func TestALoadFillsEveryColumn(t *testing.T) {
	t.Parallel()
	s, keys := lived(t)
	no, err := s.BeginBatch(t.Context(), store.NewBatch{Provider: "attestr", Columns: []string{"plate"}, Traceparent: parent})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.CommitBatch(t.Context(), no, nil, time.Time{}); err != nil {
		t.Fatal(err)
	}
	url := pgtest.Schema(t)
	if _, err := load(t, s, url, nothing); err != nil {
		t.Fatal(err)
	}
	p, err := postgres.Open(t.Context(), postgres.Options{URL: url, Keys: keys})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if got, err := p.Ask(t.Context(), fmt.Sprintf("SELECT traceparent FROM batches WHERE no = %d", no)); err != nil || got != parent {
		t.Errorf("a batch belongs to the trace %q, %v, want %s", got, err, parent)
	}
	has, err := p.Ask(t.Context(), `SELECT string_agg(t.relname || '.' || c.attname, ' ')
		FROM pg_class AS t JOIN pg_attribute AS c ON c.attrelid = t.oid AND c.attnum > 0 AND NOT c.attisdropped
		WHERE t.relkind IN ('r', 'p') AND NOT t.relispartition AND t.relnamespace = current_schema::regnamespace`)
	if err != nil {
		t.Fatal(err)
	}
	storetest.Moved(t, strings.Fields(has), map[string]string{
		"blocks":          "they are made for the numbers that batches have had",
		"batches.beat_at": "no intake lives",
		"tallies.slot":    "counts begin in the first slot",
		"costs.slot":      "they begin in the first slot",
		"readings.slot":   "they begin in the first slot",
	})
}

// parent is a span, as W3C Trace Context writes it.
const parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

func TestALoadNeedsAnEmptyDatabase(t *testing.T) {
	t.Parallel()
	s, keys := lived(t)
	url := pgtest.Schema(t)
	p, err := postgres.Open(t.Context(), postgres.Options{URL: url, Keys: keys})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	refused := func(what string) {
		t.Helper()
		_, err := load(t, s, url, nothing)
		if e, ok := errors.AsType[*store.OccupiedError](err); !ok || !strings.Contains(e.What, what) {
			t.Errorf("got %v, want %s to be in the way", err, what)
		}
	}
	if err := p.Beat(t.Context(), "w"); err != nil {
		t.Fatal(err)
	}
	refused("workers")
	if err := p.Retire(t.Context(), "w"); err != nil {
		t.Fatal(err)
	}
	storetest.List(t, p, 1)
	refused("lists")
}

func TestALoadKeepsTheMark(t *testing.T) {
	t.Parallel()
	s, keys := lived(t)
	url := pgtest.Schema(t)
	p, err := postgres.Open(t.Context(), postgres.Options{URL: url, Keys: keys, Simulated: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	_, err = load(t, s, url, nothing)
	if _, ok := errors.AsType[*store.MarkError](err); !ok {
		t.Errorf("got %v, want a rehearsal's database to be refused", err)
	}
}

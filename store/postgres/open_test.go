package postgres_test

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/plateq/plateq/internal/pgtest"
	"github.com/plateq/plateq/store"
	"github.com/plateq/plateq/store/postgres"
	"github.com/plateq/plateq/store/storetest"
)

// made makes a store, closes it and returns how to open it again.
func made(t *testing.T, spoil string) postgres.Options {
	t.Helper()
	o := postgres.Options{URL: pgtest.Schema(t), Keys: store.NewKeys()}
	s, err := postgres.Open(t.Context(), o)
	if err == nil && spoil != "" {
		err = s.Exec(t.Context(), spoil)
	}
	if err == nil {
		err = s.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func refused[E error](t *testing.T, o postgres.Options) E {
	t.Helper()
	s, err := postgres.Open(t.Context(), o)
	if err == nil {
		_ = s.Close()
		t.Fatal("the store was opened")
	}
	got, ok := errors.AsType[E](err)
	if !ok {
		t.Fatalf("got %v, want %T", err, got)
	}
	return got
}

func TestOpenRefusesOtherUse(t *testing.T) {
	t.Parallel()
	o := made(t, "")
	o.Simulated = true
	if refused[*store.MarkError](t, o).Simulated {
		t.Error("a real store is called simulated")
	}
}

func TestOpenRefusesOtherKeys(t *testing.T) {
	t.Parallel()
	o := made(t, "")
	index, seal, none := o, o, o
	index.Keys.Index = store.NewKeys().Index
	if got := refused[*store.KeysError](t, index).Which; got != "index key" {
		t.Errorf("got %q", got)
	}
	seal.Keys.Seal = store.NewKeys().Seal
	if got := refused[*store.KeysError](t, seal).Which; !strings.HasPrefix(got, "encryption key ") {
		t.Errorf("got %q", got)
	}
	none.Keys = store.Keys{}
	if err := refused[error](t, none); !strings.Contains(err.Error(), "an encryption key and an index key are needed") {
		t.Errorf("got %v", err)
	}
}

// A key that is added seals from then on, and can not be taken away again.
func TestOpenAcceptsAddedKeys(t *testing.T) {
	t.Parallel()
	o := made(t, "")
	first := o.Keys
	o.Keys.Seal = append(store.NewKeys().Seal, o.Keys.Seal...)
	open(t, o)
	o.Keys = first
	refused[*store.KeysError](t, o)
}

func TestOpenRefusesNewerSchema(t *testing.T) {
	t.Parallel()
	o := made(t, "INSERT INTO goose_db_version (version_id, is_applied) VALUES (99, true)")
	if got := refused[*store.SchemaError](t, o); got.Has != 99 || got.Knows != postgres.Knows {
		t.Errorf("got %+v", got)
	}
}

func TestKnowsItsMigrations(t *testing.T) {
	t.Parallel()
	if n, err := postgres.HasMigrations(); err != nil || n != postgres.Knows {
		t.Errorf("%d migrations, %v, want %d", n, err, postgres.Knows)
	}
}

// Of processes that start at once one migrates, and all get the same store.
func TestOpenAtOnce(t *testing.T) {
	t.Parallel()
	o := postgres.Options{URL: pgtest.Schema(t), Keys: store.NewKeys()}
	ids := make([]string, 5)
	var wg sync.WaitGroup
	for i := range ids {
		wg.Go(func() {
			s, err := postgres.Open(t.Context(), o)
			if err != nil {
				t.Error(err)
				return
			}
			ids[i] = s.ID()
			if _, err := s.BeginBatch(t.Context(), store.NewBatch{Provider: "attestr"}); err != nil {
				t.Error(err)
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for _, id := range ids {
		if id == "" || id != ids[0] {
			t.Errorf("the store has ids %q", ids)
		}
	}
	got, err := open(t, o).Ask(t.Context(), "SELECT count(*) FROM batches")
	if err != nil || got != "5" {
		t.Errorf("%s batches were begun, %v", got, err)
	}
}

func TestOpenWithoutItsSchema(t *testing.T) {
	t.Parallel()
	url := pgtest.Schema(t)
	o := postgres.Options{URL: url[:strings.LastIndex(url, "=")] + "=nowhere", Keys: store.NewKeys()}
	if err := refused[error](t, o); !strings.Contains(err.Error(), "the schema that search_path names is not there") {
		t.Errorf("got %v", err)
	}
}

// A server that is not there, or that takes nobody any more, may come back.
func TestOpenWhileTheServerIsAway(t *testing.T) {
	t.Parallel()
	server := pgtest.Start(t, "-c", "max_connections=4", "-c", "superuser_reserved_connections=0", "-c", "max_wal_senders=0")
	o := postgres.Options{URL: server.Schema(t), Keys: store.NewKeys()}
	var held []*pgx.Conn
	for {
		c, err := pgx.Connect(t.Context(), server.URL())
		if err != nil {
			break
		}
		held = append(held, c)
	}
	if err := refused[error](t, o); !errors.Is(err, store.ErrAway) {
		t.Errorf("no connection is left: got %v, want %v", err, store.ErrAway)
	}
	for _, c := range held {
		_ = c.Close(t.Context())
	}
	server.Stop()
	if err := refused[error](t, o); !errors.Is(err, store.ErrAway) {
		t.Errorf("no server: got %v, want %v", err, store.ErrAway)
	}
}

func TestFaultsHaveNames(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]error{
		"53100": store.ErrFull, "53300": store.ErrAway, "57P01": store.ErrAway, "57P03": store.ErrAway, "08006": store.ErrAway,
		"25006": store.ErrAway, "55P03": store.ErrAway, "42P01": nil, "XX001": nil,
	} {
		cause := &pgconn.PgError{Severity: "ERROR", Code: code}
		got := postgres.Classify(cause)
		if !errors.Is(got, cause) || want != nil && !errors.Is(got, want) ||
			want == nil && (errors.Is(got, store.ErrAway) || errors.Is(got, store.ErrFull)) {
			t.Errorf("%s is called %v, want %v", code, got, want)
		}
	}
}

// What was taken in long ago lies in partitions of its own.
func TestBlocksHaveTheirTime(t *testing.T) {
	t.Parallel()
	now := time.Date(2031, 5, 6, 7, 8, 9, 0, time.UTC)
	s := open(t, postgres.Options{URL: pgtest.Schema(t), Keys: store.NewKeys(), Now: func() time.Time { return now }})
	first := storetest.List(t, s, 20)
	if second := storetest.List(t, s, 20); second != first+1 {
		t.Errorf("the batch after %d is %d", first, second)
	}
	now = now.Add(postgres.BlockLife)
	later := storetest.List(t, s, 20)
	if later != postgres.BlockSize {
		t.Errorf("a month later the next batch is %d, want %d", later, postgres.BlockSize)
	}
	if next := storetest.List(t, s, 20); next != later+1 {
		t.Errorf("the batch after %d is %d", later, next)
	}
	for table, want := range map[string]string{"rows_b0": "40", "rows_b1": "40", "asks_b0": "20", "asks_b1": "0"} {
		if got, err := s.Ask(t.Context(), "SELECT count(*) FROM "+table); err != nil || got != want {
			t.Errorf("%s holds %s, %v, want %s", table, got, err, want)
		}
	}
	storetest.WorkAll(t, s, first, 20, 7)
	if got := storetest.Problems(t, s); got != "" {
		t.Errorf("the books are wrong:\n%s", got)
	}
}

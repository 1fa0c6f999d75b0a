package sqlite_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/plateq/plateq/store"
	"github.com/plateq/plateq/store/sqlite"
	"github.com/plateq/plateq/store/storetest"
)

// No file of the directory holds a plate, a phone or a name in clear, whatever
// has happened to them.
func TestNothingPersonalInClear(t *testing.T) {
	t.Parallel()
	o := sqlite.Options{Path: filepath.Join(t.TempDir(), "plateq.db"), Keys: store.NewKeys()}
	s := open(t, o)
	storetest.TellCanaries(t, s)
	look(t, filepath.Dir(o.Path))
}

func look(t *testing.T, dir string) {
	t.Helper()
	files := 0
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		files++
		for _, canary := range storetest.Canaries() {
			if bytes.Contains(bytes.ToLower(text), []byte(strings.ToLower(canary))) {
				t.Errorf("%s holds %q", d.Name(), canary)
			}
		}
		return nil
	})
	if err != nil || files < 3 {
		t.Errorf("looked at %d files: %v", files, err)
	}
}

// A full disk is told as such, leaves nothing half-written and ends with the
// lack of space.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	s := openNew(t)
	kept := storetest.List(t, s, 100)
	no, err := s.BeginBatch(t.Context(), store.NewBatch{Provider: "attestr"})
	if err != nil {
		t.Fatal(err)
	}
	pages, err := s.Ask(t.Context(), "PRAGMA page_count")
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(pages)
	if err != nil {
		t.Fatal(err)
	}
	limit := func(pages int) {
		if _, err := s.Ask(t.Context(), fmt.Sprintf("PRAGMA max_page_count = %d", pages)); err != nil {
			t.Fatal(err)
		}
	}
	limit(n + 20)
	if _, err := s.AddRows(t.Context(), no, store.Piece{Rows: storetest.Plates(0, 1000)}); !errors.Is(err, store.ErrFull) {
		t.Fatalf("got %v, want %v", err, store.ErrFull)
	}
	if b, err := s.BatchByNo(t.Context(), no); err != nil || b.Rows != 0 || b.Counts.Total() != 0 {
		t.Errorf("the batch has %d rows, %v", b.Rows, err)
	}
	if got := storetest.Problems(t, s); got != "" {
		t.Errorf("the books are wrong:\n%s", got)
	}
	if n := storetest.Work(t, s, kept, 10, 1); n != 10 {
		t.Errorf("%d asks were answered in what space there is, want 10", n)
	}
	limit(1 << 30)
	if taken, err := s.AddRows(t.Context(), no, store.Piece{Rows: storetest.Plates(2000, 3000)}); err != nil || taken.Rows != 1000 {
		t.Errorf("add rows with space again: %+v %v", taken, err)
	}
	if got := storetest.Problems(t, s); got != "" {
		t.Errorf("the books are wrong:\n%s", got)
	}
}

// What one caller did wrong takes nothing back of what shares its commit.
func TestFailureIsAlone(t *testing.T) {
	t.Parallel()
	s := openNew(t)
	no := storetest.List(t, s, 100)
	const callers = 40
	errs := make(chan error, 2*callers)
	for i := range callers {
		go func() { errs <- s.Beat(t.Context(), store.WorkerID(fmt.Sprint(i))) }()
		go func() {
			err := s.Pause(t.Context(), no+99, "")
			if !errors.Is(err, store.ErrNoBatch) {
				errs <- fmt.Errorf("pause: %w", err)
				return
			}
			errs <- nil
		}()
	}
	for range 2 * callers {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	if got, err := s.Ask(t.Context(), "SELECT count(*) FROM workers"); err != nil || got != fmt.Sprint(callers) {
		t.Errorf("%s workers beat, %v, want %d", got, err, callers)
	}
}

func TestCallerWhoLeft(t *testing.T) {
	t.Parallel()
	s := openNew(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Beat(ctx, "gone"); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if got, err := s.Ask(t.Context(), "SELECT count(*) FROM workers"); err != nil || got != "0" {
		t.Errorf("%s workers, %v", got, err)
	}
}

// Rows may be read for long; the writer does not wait for the reader, and the
// reader does not see what comes.
func TestRowsAreOneSnapshot(t *testing.T) {
	t.Parallel()
	s := openNew(t)
	no := storetest.List(t, s, 20)
	queued := 0
	err := s.Rows(t.Context(), no, store.RowFilter{}, func(r store.Row) error {
		if r.Number == 1 {
			storetest.Work(t, s, no, 20, 1)
		}
		if r.State == store.Queued {
			queued++
		}
		return nil
	})
	if err != nil || queued != 20 {
		t.Errorf("%d rows were queued, %v, want 20", queued, err)
	}
}

func TestClosedStore(t *testing.T) {
	t.Parallel()
	s, err := sqlite.Open(t.Context(), sqlite.Options{Path: filepath.Join(t.TempDir(), "plateq.db"), Keys: store.NewKeys()})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Beat(t.Context(), "w"); err == nil {
		t.Error("a closed store took a heartbeat")
	}
	if _, err := s.Gates(t.Context()); err == nil {
		t.Error("a closed store was read")
	}
}

// Environment of the process that TestKill kills.
const (
	envPath = "PLATEQ_TEST_KILL_PATH"
	envKeys = "PLATEQ_TEST_KILL_KEYS"
)

// What was reported as stored is there after kill -9 at any moment.
func TestKill(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	keyFile := filepath.Join(dir, "keys")
	keys, err := store.OpenKeyFile(keyFile)
	if err != nil {
		t.Fatal(err)
	}
	o := sqlite.Options{Path: filepath.Join(dir, "plateq.db"), Keys: keys}
	answered := 0
	for range 5 {
		answered += killed(t, o.Path, keyFile)
		s, err := sqlite.Open(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		got := storetest.Problems(t, s)
		stored, askErr := s.Ask(t.Context(), "SELECT count(*) FROM answers")
		sound, soundErr := s.Ask(t.Context(), "PRAGMA integrity_check")
		if err := errors.Join(askErr, soundErr, s.Close()); err != nil {
			t.Fatal(err)
		}
		if got != "" || sound != "ok" {
			t.Fatalf("integrity: %s; the books are wrong:\n%s", sound, got)
		}
		// More may be there than was reported: the report came after.
		if n, err := strconv.Atoi(stored); err != nil || n < answered {
			t.Fatalf("%s answers are stored, %v, %d were reported", stored, err, answered)
		}
	}
	if answered == 0 {
		t.Error("nothing was answered before the kills")
	}
}

// killed runs a worker in another process, kills it after it has reported a
// random number of settlements, and returns how many answers it reported.
func killed(t *testing.T, path, keyFile string) int {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestKilledWorker$", "-test.v")
	cmd.Env = append(os.Environ(), envPath+"="+path, envKeys+"="+keyFile)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	answered, left := 0, 1+rand.IntN(40)
	for lines := bufio.NewScanner(out); lines.Scan(); {
		n, ok := strings.CutPrefix(lines.Text(), "answered ")
		if !ok {
			continue
		}
		k, err := strconv.Atoi(n)
		if err != nil {
			t.Fatal(err)
		}
		answered += k
		if left--; left == 0 {
			_ = cmd.Process.Kill()
		}
	}
	_ = cmd.Wait() // it was killed
	return answered
}

// TestKilledWorker is the process that TestKill kills.
func TestKilledWorker(t *testing.T) {
	path := os.Getenv(envPath)
	if path == "" {
		t.Skip("it runs as a process of TestKill")
	}
	keys, err := store.OpenKeyFile(os.Getenv(envKeys))
	if err != nil {
		t.Fatal(err)
	}
	s := open(t, sqlite.Options{Path: path, Keys: keys})
	for round := 0; ; round++ {
		no, err := s.BeginBatch(t.Context(), store.NewBatch{Provider: "attestr"})
		if err != nil {
			t.Fatal(err)
		}
		from := rand.IntN(1 << 30)
		if _, err := s.AddRows(t.Context(), no, store.Piece{Rows: storetest.Plates(from, from+200)}); err != nil {
			t.Fatal(err)
		}
		if _, err := s.CommitBatch(t.Context(), no, nil, time.Time{}); err != nil {
			t.Fatal(err)
		}
		for range 10 {
			fmt.Printf("answered %d\n", storetest.Work(t, s, no, 5, 4))
		}
	}
}

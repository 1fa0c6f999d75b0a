package sqlite_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/plateq/plateq/store"
	"github.com/plateq/plateq/store/sqlite"
	"github.com/plateq/plateq/store/storetest"
)

// What has had its time is in no file any more, not even sealed: neither in the
// database, where a page may be free, nor in the log beside it.
func TestExpiringLeavesNothingInTheFiles(t *testing.T) {
	t.Parallel()
	s, path, pass := ageing(t)
	b := storetest.List(t, s, 300)
	storetest.WorkAll(t, s, b, 300, 50)
	var sealed []string
	for _, query := range []string{
		"SELECT group_concat(hex(line)) FROM rows", "SELECT group_concat(hex(question)) FROM asks",
		"SELECT group_concat(hex(body)) FROM answers", "SELECT group_concat(hex(key)) FROM ask_keys", "SELECT hex(meta) FROM batches",
	} {
		all, err := s.Ask(t.Context(), query)
		if err != nil || all == "" {
			t.Fatalf("%s: %q, %v", query, all, err)
		}
		sealed = append(sealed, strings.Split(all, ",")...)
	}
	if n := inFiles(t, path, sealed); n == 0 {
		t.Fatal("none of it was in any file to begin with")
	}
	pass(91 * 24 * time.Hour)
	if _, err := s.Expire(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := inFiles(t, path, sealed); n > 0 {
		t.Errorf("%d of %d values are still in the files", n, len(sealed))
	}
	balanced(t, s)
}

// Expiring is cut off after each of its transactions: the books balance, others
// work, and the rest is done later.
func TestExpiringIsDoneInSlices(t *testing.T) {
	t.Parallel()
	s, _, pass := ageing(t)
	b := storetest.List(t, s, 300)
	storetest.WorkAll(t, s, b, 300, 50)
	pass(91 * 24 * time.Hour)
	running := joined(t, s, 250) // of which some was asked by the list that goes
	cuts, err := 0, error(nil)
	for ; cuts < 100; cuts++ {
		if _, err = s.Expire(&cutOff{t.Context(), 2 + cuts}); err == nil {
			break
		}
		if !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		balanced(t, s)
		if _, err := s.Offer(t.Context(), store.OfferRequest{Batch: running, Size: 1, Limit: 1}); err != nil {
			t.Errorf("another list is offered nothing: %v", err)
		}
	}
	if err != nil || cuts < 5 {
		t.Errorf("it was cut off %d times, and ended with %v", cuts, err)
	}
	if r, err := s.Check(t.Context()); err != nil || r.Rows != 10 || r.Asks != 10 {
		t.Errorf("left are %d rows and %d asks, %v; want those of the list that runs", r.Rows, r.Asks, err)
	}
}

// ageing is a store that keeps lists for 90 days and deletes them in small
// slices, and what lets time pass for it.
func ageing(t *testing.T) (s *sqlite.Store, path string, pass func(time.Duration)) {
	t.Helper()
	var late atomic.Int64
	path = filepath.Join(t.TempDir(), "plateq.db")
	s = open(t, sqlite.Options{
		Path: path, Keys: store.NewKeys(), Retention: 90 * 24 * time.Hour,
		Now: func() time.Time { return time.Now().Add(time.Duration(late.Load())) },
	})
	s.Slice(60)
	return s, path, func(d time.Duration) { late.Add(int64(d)) }
}

// inFiles counts the values that the files of a store hold.
func inFiles(t *testing.T, path string, values []string) int {
	t.Helper()
	var all []byte
	for _, suffix := range []string{"", "-wal"} {
		text, err := os.ReadFile(path + suffix)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, text...)
	}
	n := 0
	for _, v := range values {
		raw, err := hex.DecodeString(v)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(all, raw) {
			n++
		}
	}
	return n
}

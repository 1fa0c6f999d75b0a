package sqlite_test

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/store"
	"github.com/plateq/plateq/store/sqlite"
)

// piece is how many rows intake hands over at once.
const piece = 5000

func openNew(tb testing.TB) *sqlite.Store {
	tb.Helper()
	return open(tb, sqlite.Options{Path: filepath.Join(tb.TempDir(), "plateq.db"), Keys: store.NewKeys()})
}

func open(tb testing.TB, o sqlite.Options) *sqlite.Store {
	tb.Helper()
	s, err := sqlite.Open(tb.Context(), o)
	if err != nil {
		tb.Fatalf("open store: %v", err)
	}
	tb.Cleanup(func() {
		if err := s.Close(); err != nil {
			tb.Errorf("close store: %v", err)
		}
	})
	return s
}

// plates makes rows from..to of an invented list.
func plates(from, to int) []store.NewRow {
	rows := make([]store.NewRow, 0, to-from)
	for i := from; i < to; i++ {
		plate := fmt.Sprintf("DL%02dAB%06d", i%40, i)
		rows = append(rows, store.NewRow{
			CallerID: fmt.Sprint(i),
			Subject:  providers.Subject{providers.Plate: plate},
			Line:     []string{fmt.Sprint(i), plate},
			Question: store.Question{Subject: providers.Subject{providers.Plate: plate}},
		})
	}
	return rows
}

// list takes in a batch of n rows.
func list(tb testing.TB, s *sqlite.Store, n int) store.BatchNo {
	tb.Helper()
	no, err := s.BeginBatch(tb.Context(), store.NewBatch{Provider: "attestr", Columns: []string{"id", "plate"}})
	if err != nil {
		tb.Fatalf("begin batch: %v", err)
	}
	for from := 0; from < n; from += piece {
		if _, err := s.AddRows(tb.Context(), no, plates(from, min(from+piece, n))); err != nil {
			tb.Fatalf("add rows: %v", err)
		}
	}
	if _, err := s.CommitBatch(tb.Context(), no, nil, time.Time{}); err != nil {
		tb.Fatalf("commit batch: %v", err)
	}
	return no
}

// work offers, claims and settles one window of chunks, several at once, and
// reports how many asks were answered.
func work(tb testing.TB, s *sqlite.Store, no store.BatchNo, size, window int) int {
	tb.Helper()
	refs, err := s.Offer(tb.Context(), store.OfferRequest{Batch: no, Size: size, Limit: window})
	if err != nil {
		tb.Fatalf("offer: %v", err)
	}
	done := make(chan int, len(refs))
	for _, ref := range refs {
		go func() { done <- answer(tb, s, ref) }()
	}
	n := 0
	for range refs {
		n += <-done
	}
	return n
}

// answer claims a chunk and settles it as found, with an answer of 600 bytes.
func answer(tb testing.TB, s *sqlite.Store, ref store.ChunkRef) int {
	c, err := s.Claim(tb.Context(), store.ClaimRequest{Chunk: ref.ID, Owner: "bench", Scopes: []string{"attestr", "attestr/submit"}, Expires: time.Now().Add(time.Minute)})
	if err != nil {
		tb.Errorf("claim: %v", err)
		return 0
	}
	result := fmt.Appendf(nil, `{"valid":true,"status":"VALID_FOUND","contact":"9433952003","pad":"%0540d"}`, 0)
	r := store.Settlement{Call: c.Call, Verdicts: make([]store.Verdict, len(c.Asks)), Gates: store.GateChanges{Open: []string{"attestr", "attestr/submit"}}}
	for i, a := range c.Asks {
		r.Verdicts[i] = store.Verdict{Ask: a.ID, To: store.Found, Counted: true, Answer: &store.Answer{At: time.Now(), Result: result}}
	}
	got, err := s.Settle(tb.Context(), r)
	if err != nil || got.Applied != len(c.Asks) {
		tb.Errorf("settle %d asks: %+v, %v", len(c.Asks), got, err)
	}
	return len(c.Asks)
}

func BenchmarkIntake(b *testing.B) {
	const n = 100_000
	for b.Loop() {
		list(b, openNew(b), n)
	}
	b.ReportMetric(float64(n*b.N)/b.Elapsed().Seconds(), "rows/s")
}

func BenchmarkClaimSettle(b *testing.B) {
	for _, size := range []int{500, 200} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			const n = 100_000
			for b.Loop() {
				b.StopTimer()
				s := openNew(b)
				no := list(b, s, n)
				b.StartTimer()
				for done := 0; done < n; {
					done += work(b, s, no, size, 16)
				}
			}
			b.ReportMetric(float64(n*b.N)/b.Elapsed().Seconds(), "asks/s")
		})
	}
}

func BenchmarkRows(b *testing.B) {
	const n = 100_000
	s := openNew(b)
	no := list(b, s, n)
	for done := 0; done < n; {
		done += work(b, s, no, 500, 16)
	}
	for b.Loop() {
		got := 0
		if err := s.Rows(b.Context(), no, store.RowFilter{}, func(store.Row) error { got++; return nil }); err != nil || got != n {
			b.Fatalf("read %d rows: %v", got, err)
		}
	}
	b.ReportMetric(float64(n*b.N)/b.Elapsed().Seconds(), "rows/s")
}

func BenchmarkCheck(b *testing.B) {
	const n = 100_000
	s := openNew(b)
	no := list(b, s, n)
	for done := 0; done < n; {
		done += work(b, s, no, 500, 16)
	}
	for b.Loop() {
		r, err := s.Check(b.Context())
		if err != nil || len(r.Problems) > 0 {
			b.Fatalf("check: %v %v", r.Problems, err)
		}
	}
}

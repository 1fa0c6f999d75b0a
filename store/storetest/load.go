package storetest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/store"
)

// piece is how many rows intake hands over at once.
const piece = 5000

// Plates makes rows from..to of an invented list.
func Plates(from, to int) []store.NewRow {
	list := make([]store.NewRow, 0, to-from)
	for i := from; i < to; i++ {
		plate := fmt.Sprintf("DL%02dAB%06d", i%40, i)
		list = append(list, store.NewRow{
			CallerID: fmt.Sprint(i),
			Subject:  providers.Subject{providers.Plate: plate},
			Line:     []string{fmt.Sprint(i), plate},
			Question: store.Question{Subject: providers.Subject{providers.Plate: plate}},
		})
	}
	return list
}

// List takes in a batch of the first n of these rows.
func List(tb testing.TB, s store.Store, n int) store.BatchNo {
	tb.Helper()
	no, err := s.BeginBatch(tb.Context(), store.NewBatch{Provider: provider, Columns: []string{"id", "plate"}})
	if err != nil {
		tb.Fatalf("begin batch: %v", err)
	}
	for from := 0; from < n; from += piece {
		if _, err := s.AddRows(tb.Context(), no, store.Piece{Rows: Plates(from, min(from+piece, n))}); err != nil {
			tb.Fatalf("add rows: %v", err)
		}
	}
	if _, err := s.CommitBatch(tb.Context(), no, nil, time.Time{}); err != nil {
		tb.Fatalf("commit batch: %v", err)
	}
	return no
}

// Work offers, claims and settles one window of chunks, all at once, and
// reports how many asks were answered.
func Work(tb testing.TB, s store.Store, no store.BatchNo, size, window int) int {
	tb.Helper()
	refs, err := s.Offer(tb.Context(), store.OfferRequest{Batch: no, Size: size, Limit: window})
	if err != nil {
		tb.Fatalf("offer: %v", err)
	}
	done := make(chan int, len(refs))
	for _, ref := range refs {
		go func() { done <- answerChunk(tb, s, ref) }()
	}
	n := 0
	for range refs {
		n += <-done
	}
	return n
}

// answerChunk claims a chunk and settles it as found, with an answer of 600
// bytes.
func answerChunk(tb testing.TB, s store.Store, ref store.ChunkRef) int {
	c, err := s.Claim(tb.Context(), store.ClaimRequest{
		Chunk: ref.ID, Owner: "bench", Scopes: []string{provider, provider + "/submit"}, Expires: time.Now().Add(time.Minute),
	})
	if err != nil {
		tb.Errorf("claim: %v", err)
		return 0
	}
	result := fmt.Appendf(nil, `{"valid":true,"status":"VALID_FOUND","contact":"9433952003","pad":"%0540d"}`, 0)
	r := store.Settlement{
		Call: c.Call, Verdicts: make([]store.Verdict, len(c.Asks)),
		Gates: store.GateChanges{Open: []string{provider, provider + "/submit"}},
	}
	for i, a := range c.Asks {
		r.Verdicts[i] = store.Verdict{Ask: a.ID, To: store.Found, Counted: true, Answer: &store.Answer{At: time.Now(), Result: result}}
	}
	got, err := s.Settle(tb.Context(), r)
	if err != nil || got.Applied != len(c.Asks) {
		tb.Errorf("settle %d asks: %+v, %v", len(c.Asks), got, err)
	}
	return len(c.Asks)
}

// WorkAll works a batch of n asks to its end.
func WorkAll(tb testing.TB, s store.Store, no store.BatchNo, n, size int) {
	tb.Helper()
	for done := 0; done < n; {
		k := Work(tb, s, no, size, 16)
		if k == 0 {
			tb.Fatalf("%d of %d asks were answered", done, n)
		}
		done += k
	}
}

// Benchmark measures a store with 100,000 rows: taking them in, claiming and
// settling them in chunks, reading them out and checking the books. open makes
// an empty store.
func Benchmark(b *testing.B, open func(tb testing.TB) store.Store) {
	const n = 100_000
	b.Run("Intake", func(b *testing.B) {
		for b.Loop() {
			List(b, open(b), n)
		}
		b.ReportMetric(float64(n*b.N)/b.Elapsed().Seconds(), "rows/s")
	})
	for _, size := range []int{500, 200} {
		b.Run(fmt.Sprint("ClaimSettle", size), func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				s := open(b)
				no := List(b, s, n)
				b.StartTimer()
				WorkAll(b, s, no, n, size)
			}
			b.ReportMetric(float64(n*b.N)/b.Elapsed().Seconds(), "asks/s")
		})
	}
	s := open(b)
	no := List(b, s, n)
	WorkAll(b, s, no, n, 500)
	b.Run("Rows", func(b *testing.B) {
		for b.Loop() {
			got := 0
			if err := s.Rows(b.Context(), no, store.RowFilter{}, func(store.Row) error { got++; return nil }); err != nil || got != n {
				b.Fatalf("read %d rows: %v", got, err)
			}
		}
		b.ReportMetric(float64(n*b.N)/b.Elapsed().Seconds(), "rows/s")
	})
	b.Run("Check", func(b *testing.B) {
		for b.Loop() {
			if r, err := s.Check(b.Context()); err != nil || len(r.Problems) > 0 {
				b.Fatalf("check: %v %v", r.Problems, err)
			}
		}
	})
}

// Lived gives an empty store asks in every state: batch 1 with 12 asks in two
// chunks, of which the first was claimed two at a time, and batch 2, which
// joined those that were open. Figures came with the answers. A budget of the
// provider's months bounds it all, a key of the API opens it, and batch 1 is
// scheduled again. A hook was told of what happened, but for the last of it.
func Lived(tb testing.TB, s store.Store) {
	tb.Helper()
	addHook(tb, s, "https://example.com/hook", "secret")
	budget := store.Budget{BudgetScope: store.ProviderBudget(provider, store.EachMonth), Limit: store.Limit{Amount: 1000 * store.One}}
	if err := s.SetBudget(tb.Context(), budget, "test"); err != nil {
		tb.Fatalf("set budget: %v", err)
	}
	key, _ := store.MakeAPIKey(store.APIKey{Name: "test", Tenant: store.AllTenants, Scopes: store.Scopes(), Created: time.Now()})
	if err := s.AddAPIKey(tb.Context(), key, nil); err != nil {
		tb.Fatalf("add API key: %v", err)
	}
	no := List(tb, s, 12)
	List(tb, s, 12)
	repeat(tb, s)
	refs, err := s.Offer(tb.Context(), store.OfferRequest{Batch: no, Size: 10, Limit: 1})
	if err != nil || len(refs) != 1 {
		tb.Fatalf("offer: %v %v", refs, err)
	}
	claim := func() store.Claim {
		c, err := s.Claim(tb.Context(), store.ClaimRequest{Chunk: refs[0].ID, Owner: "w", Max: 2, Expires: time.Now().Add(time.Hour)})
		if err != nil || len(c.Asks) != 2 {
			tb.Fatalf("claim: %+v %v", c, err)
		}
		return c
	}
	answer := &store.Answer{At: time.Now()}
	failed := &store.Answer{At: time.Now(), Failure: &store.Failure{Class: store.ClassProviderError}}
	for _, r := range []store.Settlement{
		{
			Rest:     &store.Verdict{To: store.Found, Answer: answer},
			Readings: []providers.Reading{{Name: "decoded", Value: 2}, {Name: "free_requests_left", Value: 40, Gauge: true}},
		},
		{Rest: &store.Verdict{To: store.Failed, Answer: failed}},
		{Rest: &store.Verdict{To: store.Unknown}},
		{
			Rest:    &store.Verdict{To: store.Waiting},
			Tickets: []store.NewTicket{{Handle: providers.Ticket{ID: "T-1"}, Due: time.Now()}},
		},
	} {
		r.Call = claim().Call
		if got, err := s.Settle(tb.Context(), r); err != nil || got.Applied != 2 {
			tb.Fatalf("settle: %+v %v", got, err)
		}
	}
	claim()
	Hint(tb, s, providers.Hint{Ticket: "T-9"})
	nameTicket(tb, s, "r-1")
	tellProgress(tb, s)
}

// addHook adds a hook that wants all events.
func addHook(tb testing.TB, s store.Store, url, secret string) {
	tb.Helper()
	if _, err := s.AddHook(tb.Context(), store.NewHook{URL: url, Events: store.EventKinds(), Secret: []byte(secret)}, nil); err != nil {
		tb.Fatalf("add hook: %v", err)
	}
}

func tellProgress(tb testing.TB, s store.Store) {
	tb.Helper()
	if n, err := s.TellProgress(tb.Context()); err != nil || n == 0 {
		tb.Fatalf("tell progress: %d, %v", n, err)
	}
}

// repeat schedules the first list, which has run once.
func repeat(tb testing.TB, s store.Store) {
	tb.Helper()
	r := store.Schedule{ID: store.NewScheduleID(), Tenant: store.DefaultTenant, List: 1, Cron: "@daily", Zone: "UTC", Next: time.Now()}
	if err := s.AddSchedule(tb.Context(), r, nil); err != nil {
		tb.Fatalf("add schedule: %v", err)
	}
	d, err := s.ClaimSchedule(tb.Context(), r.ID, time.Now().Add(time.Minute))
	if err != nil {
		tb.Fatalf("claim schedule: %v", err)
	}
	if _, err := s.SettleSchedule(tb.Context(), store.ScheduleSettlement{ID: d.ID, Lease: d.Lease, Due: d.Due, Next: time.Now(), Batch: 1}); err != nil {
		tb.Fatalf("settle schedule: %v", err)
	}
}

// Hint brings a hint about whatever these hints name.
func Hint(tb testing.TB, s store.Store, hints ...providers.Hint) store.Hinted {
	tb.Helper()
	got, err := s.Hint(tb.Context(), store.HintRequest{Provider: provider, Hints: hints, Every: time.Second})
	if err != nil {
		tb.Fatalf("hint: %v", err)
	}
	return got
}

// nameTicket polls the one ticket that is due, which brings that name.
func nameTicket(tb testing.TB, s store.Store, name string) {
	tb.Helper()
	due, err := s.DueTickets(tb.Context(), provider, 2)
	if err != nil || len(due) != 1 {
		tb.Fatalf("due tickets: %v %v", due, err)
	}
	o, err := s.ClaimTicket(tb.Context(), store.TicketClaim{ID: due[0].ID, Owner: "w", Until: time.Now().Add(time.Minute)})
	if err != nil {
		tb.Fatalf("claim ticket: %v", err)
	}
	r := store.TicketSettlement{ID: o.ID, Lease: o.Lease, Handle: o.Handle, Due: time.Now(), Interval: time.Second, Names: []string{name}}
	if _, err := s.SettleTicket(tb.Context(), r); err != nil {
		tb.Fatalf("settle ticket: %v", err)
	}
}

// Canaries are values that stand for everything that must not be readable in
// what a store keeps.
func Canaries() []string { return []string{canaryPlate, canaryPhone, canaryName} }

const (
	canaryPlate = "XX99CANARY9999"
	canaryPhone = "9400000042"
	canaryName  = "Canaryova"
)

// TellCanaries brings these values to a store in every way in which something
// personal comes to it.
func TellCanaries(tb testing.TB, s store.Store) {
	tb.Helper()
	addHook(tb, s, "https://example.com/"+canaryPhone, canaryName)
	if err := s.RotateHook(tb.Context(), store.Rotation{ID: store.CallbacksID, Secret: []byte(canaryName)}); err != nil {
		tb.Fatal(err)
	}
	no, err := s.BeginBatch(tb.Context(), store.NewBatch{
		Provider: provider, Name: canaryName, Columns: []string{canaryName}, Callback: "https://example.com/" + canaryPlate,
	})
	if err != nil {
		tb.Fatal(err)
	}
	subject := providers.Subject{providers.Plate: canaryPlate, providers.LastName: canaryName}
	var list []store.NewRow
	for i := range 6 {
		q := store.Question{Subject: subject, Params: providers.Params{"n": fmt.Sprint(i)}}
		list = append(list, store.NewRow{CallerID: canaryPhone, Subject: subject, Line: []string{canaryPlate, canaryName, canaryPhone}, Question: q})
	}
	list[5].Problem = &store.Failure{Class: store.ClassInvalidInput, Message: canaryPlate}
	if _, err := s.AddRows(tb.Context(), no, store.Piece{Rows: list}); err != nil {
		tb.Fatal(err)
	}
	if _, err := s.CommitBatch(tb.Context(), no, []byte(canaryPlate), time.Time{}); err != nil {
		tb.Fatal(err)
	}
	refs, err := s.Offer(tb.Context(), store.OfferRequest{Batch: no, Size: 10, Limit: 1})
	if err != nil || len(refs) != 1 {
		tb.Fatalf("offer: %v %v", refs, err)
	}
	answer := &store.Answer{Result: []byte(`{"contact":"` + canaryPhone + `"}`), Raw: []byte(`{"plate":"` + canaryPlate + `"}`)}
	failed := &store.Answer{Failure: &store.Failure{Class: store.ClassProviderError, Message: canaryName}}
	for _, r := range []store.Settlement{
		{Rest: &store.Verdict{To: store.Found, Answer: answer}},
		{Rest: &store.Verdict{To: store.Failed, Answer: failed}},
		{Rest: &store.Verdict{To: store.Unknown}, Note: []byte(canaryPlate + canaryName)},
		{Rest: &store.Verdict{To: store.Waiting}, Tickets: []store.NewTicket{{Handle: providers.Ticket{ID: canaryPlate, Cursor: []byte(canaryName)}}}},
	} {
		c, err := s.Claim(tb.Context(), store.ClaimRequest{Chunk: refs[0].ID, Owner: "w", Max: 1, Expires: time.Now().Add(time.Hour)})
		if err != nil {
			tb.Fatal(err)
		}
		r.Call = c.Call
		if _, err := s.Settle(tb.Context(), r); err != nil {
			tb.Fatal(err)
		}
	}
	tellOfTicket(tb, s)
	if err := s.Pause(tb.Context(), no, "a list"); err != nil {
		tb.Fatal(err)
	}
	tellProgress(tb, s)
}

// tellOfTicket brings them as what a webhook says.
func tellOfTicket(tb testing.TB, s store.Store) {
	tb.Helper()
	Hint(tb, s, providers.Hint{Record: canaryPhone, Subject: providers.Subject{providers.Plate: canaryPlate}})
	nameTicket(tb, s, canaryName)
}

// Problems are what a store finds wrong with itself, a line each.
func Problems(tb testing.TB, s store.Store) string {
	tb.Helper()
	r, err := s.Check(tb.Context())
	if err != nil {
		tb.Fatal(err)
	}
	return strings.Join(r.Problems, "\n")
}

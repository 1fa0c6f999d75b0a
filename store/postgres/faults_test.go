package postgres_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/plateq/plateq/internal/pgtest"
	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/store"
	"github.com/plateq/plateq/store/postgres"
	"github.com/plateq/plateq/store/storetest"
)

// nearAndFar is one store, opened twice: at its server, and through a proxy that
// can lose what is said to it.
func nearAndFar(t *testing.T) (p *pgtest.Proxy, near, far *postgres.Store) {
	t.Helper()
	server := pgtest.Start(t)
	p = pgtest.StartProxy(t, server.Addr())
	url, keys := server.Schema(t), store.NewKeys()
	near = open(t, postgres.Options{URL: url, Keys: keys})
	far = open(t, postgres.Options{URL: strings.Replace(url, server.Addr(), p.Addr(), 1), Keys: keys, PoolSize: 2})
	return p, near, far
}

// A claim whose commit is not answered is reported as an error, is not sent,
// and is taken back, whatever became of the commit.
func TestLostCommits(t *testing.T) {
	t.Parallel()
	p, direct, far := nearAndFar(t)
	const rounds, size = 60, 3
	no := storetest.List(t, direct, rounds*size)
	refs, err := direct.Offer(t.Context(), store.OfferRequest{Batch: no, Size: size, Limit: rounds})
	if err != nil || len(refs) != rounds {
		t.Fatalf("offer: %d chunks, %v", len(refs), err)
	}
	for i, ref := range refs {
		request := store.ClaimRequest{Chunk: ref.ID, Owner: "far", Expires: time.Now().Add(time.Hour)}
		how := pgtest.Unsent + pgtest.Cut(i)%(pgtest.Cuts-pgtest.Unsent)
		p.Cut(how)
		if c, err := far.Claim(t.Context(), request); !errors.Is(err, store.ErrAway) {
			t.Fatalf("cut %d: the claim gave %d asks, %v, want %v", how, len(c.Asks), err, store.ErrAway)
		}
		request.Owner = "direct"
		c, err := direct.Claim(t.Context(), request)
		if err != nil || len(c.Asks) != size {
			t.Fatalf("cut %d: the next claim gave %d asks, %v, want %d", how, len(c.Asks), err, size)
		}
		if again, err := far.Claim(t.Context(), request); err != nil || len(again.Asks) != 0 {
			t.Fatalf("cut %d: a third claim gave %d asks, %v", how, len(again.Asks), err)
		}
		// A settlement whose answer is lost can be brought again.
		s := store.Settlement{Call: c.Call, Rest: &store.Verdict{To: store.Found}}
		p.Cut(how)
		if _, err := far.Settle(t.Context(), s); !errors.Is(err, store.ErrAway) {
			t.Fatalf("cut %d: the settlement is %v, want %v", how, err, store.ErrAway)
		}
		if _, err := far.Settle(t.Context(), s); err != nil {
			t.Fatalf("cut %d: settle again: %v", how, err)
		}
	}
	b, err := direct.BatchByNo(t.Context(), no)
	if err != nil || b.Counts[store.Found] != rounds*size {
		t.Errorf("the batch has %v, %v", b.Counts, err)
	}
	// Two of three lost commits were made: their calls are in the ledger, and
	// say that no request was made for them.
	if report, err := direct.Check(t.Context()); err != nil || report.Calls != rounds+2*rounds/3 {
		t.Errorf("%d calls are recorded, %v, want %d", report.Calls, err, rounds+2*rounds/3)
	}
	if totals, err := direct.Totals(t.Context(), no); err != nil || totals.Calls != rounds {
		t.Errorf("%d requests were made, %v, want %d", totals.Calls, err, rounds)
	}
	if stale, err := direct.StaleCalls(t.Context(), 0); err != nil || len(stale) != 0 {
		t.Errorf("%d calls are to be judged, %v", len(stale), err)
	}
	if got := storetest.Problems(t, direct); got != "" {
		t.Errorf("the books are wrong:\n%s", got)
	}
}

// A ticket whose claim was not answered is free again at once.
func TestLostCommitOfATicket(t *testing.T) {
	t.Parallel()
	p, direct, far := nearAndFar(t)
	no := storetest.List(t, direct, 1)
	refs, err := direct.Offer(t.Context(), store.OfferRequest{Batch: no, Size: 1, Limit: 1})
	if err != nil || len(refs) != 1 {
		t.Fatalf("offer: %d chunks, %v", len(refs), err)
	}
	c, err := direct.Claim(t.Context(), store.ClaimRequest{Chunk: refs[0].ID, Owner: "direct", Expires: time.Now().Add(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	_, err = direct.Settle(t.Context(), store.Settlement{
		Call: c.Call, Rest: &store.Verdict{To: store.Waiting}, Tickets: []store.NewTicket{{
			Handle: providers.Ticket{ID: "T-1"}, Due: time.Now(), Deadline: time.Now().Add(time.Hour), Interval: time.Second,
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	due, err := direct.DueTickets(t.Context(), c.Provider, 2)
	if err != nil || len(due) != 1 {
		t.Fatalf("due tickets: %v, %v", due, err)
	}
	claim := store.TicketClaim{ID: due[0].ID, Owner: "far", Until: time.Now().Add(time.Hour)}
	for how := pgtest.Unsent; how < pgtest.Cuts; how++ {
		p.Cut(how)
		if _, err := far.ClaimTicket(t.Context(), claim); !errors.Is(err, store.ErrAway) {
			t.Fatalf("cut %d: got %v, want %v", how, err, store.ErrAway)
		}
		o, err := direct.ClaimTicket(t.Context(), claim)
		if err != nil || o.Lease == 0 {
			t.Fatalf("cut %d: the ticket was not free: %v", how, err)
		}
		r := store.TicketSettlement{ID: o.ID, Lease: o.Lease, Handle: o.Handle, Due: time.Now(), Interval: time.Second}
		if _, err := direct.SettleTicket(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
}

// A store goes on by itself when its server comes back.
func TestRestartOfTheServer(t *testing.T) {
	t.Parallel()
	server := pgtest.Start(t)
	s := open(t, postgres.Options{URL: server.Schema(t), Keys: store.NewKeys()})
	no := storetest.List(t, s, 200)
	for range 3 {
		if n := storetest.Work(t, s, no, 5, 8); n != 40 {
			t.Fatalf("%d asks were answered", n)
		}
		server.Stop()
		if err := s.Beat(t.Context(), "w"); !errors.Is(err, store.ErrAway) {
			t.Errorf("without a server: got %v, want %v", err, store.ErrAway)
		}
		if err := server.Run(); err != nil {
			t.Fatal(err)
		}
	}
	if got := storetest.Problems(t, s); got != "" {
		t.Errorf("the books are wrong:\n%s", got)
	}
}

// What was reported as stored is there after kill -9 of the server.
func TestKillOfTheServer(t *testing.T) {
	t.Parallel()
	server := pgtest.Start(t)
	s := open(t, postgres.Options{URL: server.Schema(t), Keys: store.NewKeys()})
	var rows, answers atomic.Int64
	for round := range 3 {
		var wg sync.WaitGroup
		before := answers.Load()
		for i := range 4 {
			wg.Go(func() {
				for {
					r, a, err := acked(t, s, 1000*(4*round+i))
					rows.Add(r)
					answers.Add(a)
					if err != nil {
						if !errors.Is(err, store.ErrAway) {
							t.Errorf("got %v, want %v", err, store.ErrAway)
						}
						return
					}
				}
			})
		}
		for since := time.Now(); answers.Load() == before && time.Since(since) < time.Minute; {
			time.Sleep(100 * time.Millisecond)
		}
		server.Kill()
		wg.Wait()
		if err := server.Run(); err != nil {
			t.Fatal(err)
		}
		if got := storetest.Problems(t, s); got != "" {
			t.Fatalf("the books are wrong:\n%s", got)
		}
		report, err := s.Check(t.Context())
		if err != nil || int64(report.Rows) < rows.Load() || int64(report.Answers) < answers.Load() {
			t.Fatalf("%d rows and %d answers were acknowledged, stored are %+v, %v", rows.Load(), answers.Load(), report, err)
		}
	}
	if rows.Load() == 0 || answers.Load() == 0 {
		t.Error("nothing was stored before the kills")
	}
}

// acked takes a list in and answers a part of it, and returns how many rows
// and answers were acknowledged before an error.
func acked(t *testing.T, s *postgres.Store, from int) (rows, answers int64, err error) {
	no, err := s.BeginBatch(t.Context(), store.NewBatch{Provider: "attestr"})
	if err != nil {
		return 0, 0, err
	}
	list := storetest.Plates(from, from+100)
	for i := range list {
		list[i].Question.Params = map[string]string{"batch": fmt.Sprint(no)} // nobody else asks so
	}
	if _, err = s.AddRows(t.Context(), no, store.Piece{Rows: list}); err != nil {
		return 0, 0, err
	}
	if _, err = s.CommitBatch(t.Context(), no, nil, time.Time{}); err != nil {
		return 100, 0, err
	}
	refs, err := s.Offer(t.Context(), store.OfferRequest{Batch: no, Size: 10, Limit: 5})
	for i := 0; err == nil && i < len(refs); i++ {
		var c store.Claim
		c, err = s.Claim(t.Context(), store.ClaimRequest{Chunk: refs[i].ID, Owner: "w", Expires: time.Now().Add(time.Hour)})
		if err != nil {
			break
		}
		var got store.Settled
		got, err = s.Settle(t.Context(), store.Settlement{Call: c.Call, Rest: &store.Verdict{To: store.Found}})
		answers += int64(got.Applied)
	}
	return 100, answers, err
}

// No column of any table holds a plate, a phone or a name in clear, whatever
// has happened to them.
func TestNothingPersonalInClear(t *testing.T) {
	t.Parallel()
	url := pgtest.Schema(t)
	s := open(t, postgres.Options{URL: url, Keys: store.NewKeys()})
	storetest.TellCanaries(t, s)
	c, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(t.Context())
	rows, err := c.Query(t.Context(), `SELECT relname::text FROM pg_class
		WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r'`)
	if err != nil {
		t.Fatal(err)
	}
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil || len(tables) < 15 {
		t.Fatalf("there are tables %q, %v", tables, err)
	}
	for _, table := range tables {
		for _, format := range []string{"text", "binary"} { // bytes are in clear in the second
			var out bytes.Buffer
			if _, err := c.PgConn().CopyTo(t.Context(), &out, "COPY "+table+" TO STDOUT (FORMAT "+format+")"); err != nil {
				t.Fatal(err)
			}
			for _, canary := range storetest.Canaries() {
				if bytes.Contains(bytes.ToLower(out.Bytes()), []byte(strings.ToLower(canary))) {
					t.Errorf("%s holds %q", table, canary)
				}
			}
		}
	}
}

// Rows may be read for long; writers do not wait for the reader, and the
// reader does not see what comes.
func TestRowsAreOneSnapshot(t *testing.T) {
	t.Parallel()
	s := open(t, postgres.Options{URL: pgtest.Schema(t), Keys: store.NewKeys()})
	const n = 2500 // some pages
	no := storetest.List(t, s, n)
	queued := 0
	err := s.Rows(t.Context(), no, store.RowFilter{}, func(r store.Row) error {
		if r.Number == 1 {
			storetest.WorkAll(t, s, no, n, 500)
		}
		if r.State == store.Queued {
			queued++
		}
		return nil
	})
	if err != nil || queued != n {
		t.Errorf("%d rows were queued, %v, want %d", queued, err, n)
	}
}

func TestClosedStore(t *testing.T) {
	t.Parallel()
	s, err := postgres.Open(t.Context(), postgres.Options{URL: pgtest.Schema(t), Keys: store.NewKeys()})
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

// A claim of which an ask cannot be read was not sent: what it took is queued
// again, and the damaged ask holds up nobody.
func TestDamagedAsks(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]string{
		"changed": "UPDATE asks SET question = '\\x00' WHERE id = (1::bigint << 32) + 1", "gone": "DELETE FROM asks WHERE id = (1::bigint << 32) + 1",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t, postgres.Options{URL: pgtest.Schema(t), Keys: store.NewKeys()})
			no := storetest.List(t, s, 3)
			refs, err := s.Offer(t.Context(), store.OfferRequest{Batch: no, Size: 10, Limit: 1})
			if err != nil || len(refs) != 1 {
				t.Fatalf("offer: %v %v", refs, err)
			}
			if err := s.Exec(t.Context(), spoil); err != nil {
				t.Fatal(err)
			}
			request := store.ClaimRequest{Chunk: refs[0].ID, Owner: "w", Expires: time.Now().Add(time.Hour)}
			if c, err := s.Claim(t.Context(), request); err == nil || len(c.Asks) > 0 {
				t.Fatalf("the claim gave %d asks, %v", len(c.Asks), err)
			}
			b, err := s.BatchByNo(t.Context(), no)
			if err != nil || b.Counts[store.Queued] != 2 || b.Counts[store.Failed] != 1 {
				t.Errorf("the batch has %v, %v", b.Counts, err)
			}
			if c, err := s.Claim(t.Context(), request); err != nil || len(c.Asks) != 2 {
				t.Errorf("the next claim gave %d asks, %v", len(c.Asks), err)
			}
		})
	}
}

func TestAProbeWithADamagedAskLeavesItsGateToTheNext(t *testing.T) {
	t.Parallel()
	s := open(t, postgres.Options{URL: pgtest.Schema(t), Keys: store.NewKeys()})
	storetest.DamagedProbe(t, s, func(statement string) {
		if err := s.Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	})
}

package sqlite

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/plateq/plateq/store"
)

// intakes orders the pieces of each list: the numbers of its rows must be
// known before they are sealed, which happens outside the writer.
type intakes struct {
	mu sync.Mutex
	m  map[store.BatchNo]*sync.Mutex
}

func (i *intakes) lock(no store.BatchNo) (unlock func()) {
	i.mu.Lock()
	if i.m == nil {
		i.m = map[store.BatchNo]*sync.Mutex{}
	}
	mu := i.m[no]
	if mu == nil {
		mu = &sync.Mutex{}
		i.m[no] = mu
	}
	i.mu.Unlock()
	mu.Lock()
	return mu.Unlock
}

func (i *intakes) forget(no store.BatchNo) {
	i.mu.Lock()
	defer i.mu.Unlock()
	delete(i.m, no)
}

// PieceRows implements store.Intake. A piece is written in a quarter of a
// second, for which claims and settlements wait.
func (s *Store) PieceRows() int { return 28_000 }

// Prepare implements store.Intake.
func (s *Store) Prepare(ctx context.Context, no store.BatchNo, first int, rows []store.NewRow) (store.Piece, error) {
	p := store.Piece{Rows: rows}
	h, err := read(ctx, s, func(c conn) (*header, error) { return c.in(no, "add rows to", store.BatchIntake) })
	if err != nil {
		return p, err
	}
	return s.sealer.Prepare(ctx, h.tenant, h.provider, no, first, p)
}

// AddRows implements store.Intake.
func (s *Store) AddRows(ctx context.Context, no store.BatchNo, p store.Piece) (store.Taken, error) {
	defer s.intakes.lock(no)()
	h, err := read(ctx, s, func(c conn) (*header, error) { return c.in(no, "add rows to", store.BatchIntake) })
	if err != nil {
		return store.Taken{}, err
	}
	first := h.rows + 1
	if p, err = s.sealer.Prepare(ctx, h.tenant, h.provider, no, first, p); err != nil {
		return store.Taken{}, err
	}
	taken, err := s.takePiece(ctx, no, first, p, store.LikelyNew(h.rows, h.shared, len(p.Rows)))
	if errors.Is(err, errSeen) {
		taken, err = s.takePiece(ctx, no, first, p, false)
	}
	return taken, err
}

// takePiece takes a sealed piece in. unseen: all its questions are taken for new
// ones, and errSeen says that they are not.
func (s *Store) takePiece(ctx context.Context, no store.BatchNo, first int, p store.Piece, unseen bool) (store.Taken, error) {
	return writeAlone(ctx, s, func(t *tx) (store.Taken, error) {
		h, err := t.in(no, "add rows to", store.BatchIntake)
		if err != nil {
			return store.Taken{}, err
		}
		if h.rows != first-1 {
			return store.Taken{}, errors.New("add rows: the batch was changed meanwhile")
		}
		in := &intake{tx: t, h: h, first: first, unseen: unseen}
		if in.rows, err = t.admit(no, first, p); err != nil {
			return store.Taken{}, err
		}
		in.Plan = store.NewPlan(no, h.asks, h.reuse, in.rows, t.now, s.sealer.Destroyed)
		if err := in.run(); err != nil {
			return store.Taken{}, fmt.Errorf("add rows: %w", err)
		}
		return in.Taken, nil
	})
}

// intake is one piece of a list inside its transaction.
type intake struct {
	*tx
	*store.Plan
	h     *header
	rows  []store.SealedRow
	first int // number of the first row
	// unseen: all questions are taken for new ones, and not looked up.
	unseen bool
}

// errSeen says that a question that was not looked up is no new one.
var errSeen = errors.New("a question is known")

func (in *intake) run() error {
	if !in.unseen {
		if err := in.lookUp(in.Plan); err != nil {
			return err
		}
	}
	if err := in.Decide(newStanding(in.conn, in.s.retention, in.now)); err != nil {
		return err
	}
	return in.insert(in.insertRows, len(in.rows))
}

// insert writes down what was decided of rows that insertRows writes, so many
// of which are new to the batch.
func (in *intake) insert(insertRows func() error, rows int) error {
	questions := in.SealQuestions(in.s.sealer)
	insertAsks := func() error { return in.insertAsks(questions()) }
	for _, insert := range []func() error{in.insertKeys, insertAsks, insertRows, in.insertWants} {
		if err := insert(); err != nil {
			return err
		}
	}
	if err := in.apply(in.Tally); err != nil {
		return err
	}
	return in.exec(`UPDATE batches SET rows = rows + ?, asks = ?, known = known + ?, joined = joined + ?, doubles = doubles + ? WHERE no = ?`,
		rows, in.Asks, in.Shared.Known, in.Shared.Joined, in.Shared.Duplicates, in.h.no)
}

// decide tells a plan what is known of its questions, and has it decide.
// Lists that say nothing of it are kept for so long.
func (c conn) decide(p *store.Plan, kept time.Duration, now time.Time) error {
	if err := c.lookUp(p); err != nil {
		return err
	}
	return p.Decide(newStanding(c, kept, now))
}

func (c conn) lookUp(p *store.Plan) error {
	stmt, err := c.Prepare("SELECT ask FROM ask_keys WHERE key = ?")
	if err != nil {
		return err
	}
	for i := range p.Questions() {
		key := p.Key(i)
		stmt.BindBytes(1, key[:])
		found, err := stmt.Step()
		if err == nil && found {
			p.Know(i, columnAsk(stmt, 0))
		}
		if err := reset(stmt, err); err != nil {
			return err
		}
	}
	return nil
}

// standing reads where asks stand that the rows might share.
type standing struct {
	conn
	marks chunkCache
	kept  time.Duration // of lists that say nothing of it
	now   time.Time
	homes map[store.BatchNo]bool // whether their time is over
}

func newStanding(c conn, kept time.Duration, now time.Time) *standing {
	return &standing{conn: c, marks: chunkCache{conn: c}, kept: kept, now: now, homes: map[store.BatchNo]bool{}}
}

// State implements store.Standing.
func (s *standing) State(a store.AskID) (store.State, error) {
	m, err := s.marks.mark(a)
	return m.State, err
}

// Answered implements store.Standing.
func (s *standing) Answered(a store.AskID) (time.Time, error) {
	at, err := s.number("SELECT at FROM answers WHERE ask = ?", a)
	return fromMillis(at), err
}

// Over implements store.Standing. Few homes are over that are not swept yet, so
// that it is seldom looked who else has their answers.
func (s *standing) Over(a store.AskID) (bool, error) {
	over, looked := s.homes[a.Home()]
	if !looked {
		n, err := s.number("SELECT EXISTS (SELECT 1 FROM batches WHERE no = ?3 AND ("+lapsed+"))", s.kept, s.now, a.Home())
		if err != nil {
			return false, err
		}
		over = n != 0
		s.homes[a.Home()] = over
	}
	if !over {
		return false, nil
	}
	had, err := s.number(`SELECT EXISTS (SELECT 1 FROM (SELECT batch FROM wants WHERE ask = ?3 UNION ALL SELECT id >> 32 FROM rows WHERE ask = ?3 AND cached = 1
		UNION ALL SELECT batch FROM renewals WHERE ask = ?3 OR next = ?3) had WHERE EXISTS (SELECT 1 FROM batches WHERE no = had.batch AND NOT (`+lapsed+")))",
		s.kept, s.now, a)
	return had == 0, err
}

// Past implements store.Standing. The ticket of an ask is that of the call
// which failed it, where this brought one alone and had no other ask, whose
// ticket it might be.
func (s *standing) Past(a store.AskID) (past store.Past, err error) {
	_, err = s.one(`SELECT found_before, resends, coalesce((SELECT iif(count(*) = 1, min(t.id), NULL) FROM tickets t
		WHERE t.call = (SELECT c.id FROM answers w JOIN calls c ON c.id = w.call AND c.n = 1 WHERE w.ask = asks.id)), prior, 0) FROM asks WHERE id = ?`, func(stmt *sqlite.Stmt) {
		past = store.Past{FoundBefore: stmt.ColumnBool(0), Resends: stmt.ColumnInt(1), Prior: store.TicketID(stmt.ColumnInt64(2))}
	}, a)
	return past, err
}

// insertKeys points each new question to its ask.
func (in *intake) insertKeys() error {
	insert, err := in.Prepare("INSERT INTO ask_keys (key, ask) VALUES (?, ?)")
	if err != nil {
		return err
	}
	return in.NewKeys(func(key store.AskKey, a, prev store.AskID) error {
		if prev != 0 {
			return in.exec("UPDATE ask_keys SET ask = ? WHERE key = ?", a, key[:])
		}
		insert.BindBytes(1, key[:])
		insert.BindInt64(2, int64(a))
		err := step(insert)
		switch sqlite.ErrCode(err) {
		case sqlite.ResultConstraintPrimaryKey:
			return errSeen
		default:
			return err
		}
	})
}

// insertAsks writes the new asks with their sealed questions, in the order of
// the rows that want them.
func (in *intake) insertAsks(questions [][]byte) error {
	stmt, err := in.Prepare("INSERT INTO asks (id, prev, question, found_before, resends, prior, service) VALUES (?, ?, ?, ?, ?, ?, ?)")
	if err != nil {
		return err
	}
	for i, a := range in.New {
		stmt.BindInt64(1, int64(a.ID))
		stmt.BindNull(2)
		if a.Prev != 0 {
			stmt.BindInt64(2, int64(a.Prev))
		}
		stmt.BindBytes(3, questions[i])
		stmt.BindBool(4, a.FoundBefore)
		stmt.BindInt64(5, int64(a.Resends))
		stmt.BindNull(6)
		if a.Prior != 0 {
			stmt.BindInt64(6, int64(a.Prior))
		}
		stmt.BindText(7, in.rows[a.Row].Service)
		if err := step(stmt); err != nil {
			return err
		}
	}
	return nil
}

func (in *intake) insertRows() error {
	stmt, err := in.Prepare("INSERT INTO rows (id, ask, cached, line) VALUES (?, ?, ?, ?)")
	if err != nil {
		return err
	}
	for i := range in.rows {
		r := &in.rows[i]
		stmt.BindInt64(1, int64(store.NewRowID(in.h.no, in.first+i)))
		stmt.BindNull(2)
		if !r.Invalid {
			stmt.BindInt64(2, int64(r.Ask))
		}
		stmt.BindBool(3, r.Cached)
		stmt.BindBytes(4, r.Line)
		if err := step(stmt); err != nil {
			return err
		}
	}
	return nil
}

// insertWants writes down which asks this list waits on beside the first rows
// of its own.
func (in *intake) insertWants() error {
	for _, a := range in.WantedAsks() {
		err := in.exec(`INSERT INTO wants (ask, batch, rows) VALUES (?, ?, ?)
			ON CONFLICT (ask, batch) DO UPDATE SET rows = rows + excluded.rows`, a, in.h.no, in.Wants[a])
		if err != nil {
			return err
		}
	}
	for _, home := range in.ForeignHomes() {
		if err := in.exec("INSERT INTO batch_homes (batch, home) VALUES (?, ?) ON CONFLICT DO NOTHING", in.h.no, home); err != nil {
			return err
		}
	}
	return nil
}

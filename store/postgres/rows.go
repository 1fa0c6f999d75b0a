package postgres

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/plateq/plateq/store"
)

// rowPage is how many rows are read together: what memory a reader takes.
const rowPage = 1000

// Rows implements store.Reader. It reads page after page of one snapshot, rows
// by their numbers and what is known of them by bounds taken from these, so
// that no plan depends on how long the list is. Who reads slowly holds a
// connection.
func (s *Store) Rows(ctx context.Context, no store.BatchNo, f store.RowFilter, yield func(store.Row) error) error {
	select {
	case s.exports <- struct{}{}:
		defer func() { <-s.exports }()
	case <-ctx.Done():
		return ctx.Err()
	}
	return s.sealer.Deliver(func(give func(*store.StoredRow, bool) error) error {
		// Once rows were given away, there is no beginning again.
		_, err := snapshot(ctx, s, func(ctx context.Context, c conn) (none struct{}, err error) {
			if err := c.exec(ctx, "SET LOCAL idle_in_transaction_session_timeout = '1h'"); err != nil {
				return none, err
			}
			h, err := c.withRows(ctx, no)
			if err != nil {
				return none, err
			}
			e := &export{conn: c, h: h, f: f, left: f.Limit, give: func(r *store.StoredRow) error { return give(r, h.keepRaw) }}
			return none, e.run(ctx)
		})
		return classify(err)
	}, yield)
}

// export is the rows of a batch on their way out.
type export struct {
	conn
	h    *header
	f    store.RowFilter
	left int // how many rows are still wanted; 0 at first: all
	give func(*store.StoredRow) error
}

func (e *export) run(ctx context.Context) error {
	if len(e.f.Only) > 0 {
		return e.runOnly(ctx)
	}
	line := "line"
	if len(e.f.States) > 0 {
		line = noLine // most may be left out
	}
	return e.eachPage(ctx, e.h, e.f.After, e.f.Until, line, func(page []*store.StoredRow) (bool, error) {
		if len(e.f.States) > 0 {
			page = slices.DeleteFunc(page, func(r *store.StoredRow) bool { return !slices.Contains(e.f.States, r.State) })
		}
		if e.f.Limit > 0 && len(page) > e.left {
			page = page[:e.left]
		}
		if line == noLine {
			if err := e.readLines(ctx, page); err != nil {
				return false, err
			}
		}
		if err := e.giveAway(ctx, page); err != nil {
			return false, err
		}
		e.left -= len(page)
		return e.f.Limit <= 0 || e.left > 0, nil
	})
}

// runOnly is run for rows of certain numbers.
func (e *export) runOnly(ctx context.Context) error {
	for numbers := range slices.Chunk(e.f.Only, rowPage) {
		ids := make([]int64, len(numbers))
		for i, n := range numbers {
			ids[i] = int64(store.NewRowID(e.h.no, n))
		}
		page, err := e.scanRows(ctx, "SELECT id, coalesce(ask, 0), cached, line FROM rows WHERE id = ANY($1) ORDER BY id", ids)
		if err != nil {
			return err
		}
		if err := e.place(ctx, e.h, page); err != nil {
			return err
		}
		if len(e.f.States) > 0 {
			page = slices.DeleteFunc(page, func(r *store.StoredRow) bool { return !slices.Contains(e.f.States, r.State) })
		}
		if err := e.giveAway(ctx, page); err != nil {
			return err
		}
	}
	return nil
}

// giveAway adds to rows what they were asked, where that is wanted, and
// answered, and hands them over.
func (e *export) giveAway(ctx context.Context, page []*store.StoredRow) error {
	if e.f.Questions {
		if err := e.readQuestions(ctx, page); err != nil {
			return err
		}
	}
	if err := e.readAnswers(ctx, page); err != nil {
		return err
	}
	for _, r := range page {
		if err := e.give(r); err != nil {
			return err
		}
	}
	return nil
}

// noLine stands for the column of the sealed line where it is not wanted.
const noLine = "''::bytea"

// eachPage calls f for pages of rows of a batch after a number and until
// another, or 0, with their states, as long as it returns true. line is the
// column of the sealed line, or noLine.
func (c conn) eachPage(ctx context.Context, h *header, after, until int, line string, f func([]*store.StoredRow) (bool, error)) error {
	next := store.NewRowID(h.no, after+1)
	_, end := askRange(h.no)
	last := store.RowID(end)
	if until > 0 {
		last = store.NewRowID(h.no, until)
	}
	for {
		page, err := c.rowPage(ctx, line, next, last)
		if err != nil || len(page) == 0 {
			return err
		}
		next = page[len(page)-1].ID + 1
		if err := c.place(ctx, h, page); err != nil {
			return err
		}
		if more, err := f(page); err != nil || !more {
			return err
		}
	}
}

// place finds out on which asks rows are by now, and their states.
func (c conn) place(ctx context.Context, h *header, page []*store.StoredRow) error {
	if err := c.newest(ctx, h, page); err != nil {
		return err
	}
	return c.placeRows(ctx, h, page)
}

func (c conn) rowPage(ctx context.Context, line string, next, last store.RowID) ([]*store.StoredRow, error) {
	return c.scanRows(ctx, "SELECT id, coalesce(ask, 0), cached, "+line+" FROM rows WHERE id BETWEEN $1 AND $2 ORDER BY id LIMIT $3", next, last, rowPage)
}

func (c conn) scanRows(ctx context.Context, query string, args ...any) ([]*store.StoredRow, error) {
	page := make([]*store.StoredRow, 0, rowPage)
	err := c.each(ctx, query, func(r pgx.Rows) error {
		row := &store.StoredRow{}
		page = append(page, row)
		return r.Scan(&row.ID, &row.Ask, &row.Cached, &row.Line)
	}, args...)
	if err != nil {
		return nil, fmt.Errorf("read rows: %w", err)
	}
	return page, nil
}

// readLines adds their sealed lines to rows, which ascend.
func (c conn) readLines(ctx context.Context, page []*store.StoredRow) error {
	if len(page) == 0 {
		return nil
	}
	ids := make([]int64, len(page))
	for i, r := range page {
		ids[i] = int64(r.ID)
	}
	next := 0
	err := c.each(ctx, "SELECT id, line FROM rows WHERE id = ANY($1) ORDER BY id", func(r pgx.Rows) error {
		row := page[next]
		next++
		return r.Scan(&row.ID, &row.Line)
	}, ids)
	if err != nil {
		return fmt.Errorf("read lines: %w", err)
	}
	return nil
}

// newest finds the newest asks of rows.
func (c conn) newest(ctx context.Context, h *header, page []*store.StoredRow) error {
	moved := page
	if h.renewals == 0 {
		moved = nil
	}
	for len(moved) > 0 {
		type next struct {
			ask    store.AskID
			cached bool
		}
		nexts := map[store.AskID]next{}
		asks := asksOf(moved, func(r *store.StoredRow) bool { return r.Ask != 0 })
		err := c.each(ctx, "SELECT ask, next, cached FROM renewals WHERE batch = $1 AND ask = ANY($2)", func(r pgx.Rows) error {
			var a store.AskID
			var n next
			err := r.Scan(&a, &n.ask, &n.cached)
			nexts[a] = n
			return err
		}, h.no, plain(asks))
		if err != nil {
			return fmt.Errorf("read renewals: %w", err)
		}
		var followed []*store.StoredRow
		for _, r := range moved {
			if n, found := nexts[r.Ask]; found {
				r.Ask, r.Cached = n.ask, n.cached
				followed = append(followed, r)
			}
		}
		moved = followed
	}
	return nil
}

// placeRows finds out the states of rows.
func (c conn) placeRows(ctx context.Context, h *header, page []*store.StoredRow) error {
	asks := asksOf(page, func(r *store.StoredRow) bool { return r.Ask != 0 })
	m, err := c.marksOf(ctx, asks)
	if err != nil {
		return err
	}
	for _, r := range page {
		r.State = store.Invalid
		if r.Ask == 0 {
			continue
		}
		mark := m.mark(r.Ask)
		r.State, r.Attempts = mark.State, mark.Attempts
		if r.State == store.Dropped {
			r.State = store.Cancelled
		}
	}
	if h.state != store.BatchCancelled {
		return nil
	}
	// They may have left their asks to others.
	left, err := list[store.AskID](ctx, c, "SELECT ask FROM wants WHERE batch = $1 AND has_left AND ask = ANY($2) ORDER BY ask", h.no, plain(asks))
	if err != nil {
		return fmt.Errorf("read wants: %w", err)
	}
	for _, r := range page {
		if _, gone := slices.BinarySearch(left, r.Ask); gone && r.Ask != 0 {
			r.State, r.Attempts = store.Cancelled, 0
		}
	}
	return nil
}

// answerGap is how far apart asks may be whose answers are read as one span.
const answerGap = 4

// readAnswers adds the answers to rows whose states have one.
func (c conn) readAnswers(ctx context.Context, page []*store.StoredRow) error {
	asks := asksOf(page, func(r *store.StoredRow) bool { return r.State.Answered() })
	if len(asks) == 0 {
		return nil
	}
	type answer struct {
		at   int64
		body []byte
	}
	answers := make(map[store.AskID]answer, len(asks))
	from, to := spans(asks, answerGap)
	err := c.each(ctx, `SELECT a.ask, a.at, a.body FROM unnest($1::bigint[], $2::bigint[]) AS s (lo, hi)
		CROSS JOIN LATERAL (SELECT * FROM answers WHERE ask BETWEEN s.lo AND s.hi) a`, func(r pgx.Rows) error {
		var id store.AskID
		var a answer
		err := r.Scan(&id, &a.at, &a.body)
		answers[id] = a
		return err
	}, from, to)
	if err != nil {
		return fmt.Errorf("read answers: %w", err)
	}
	for _, r := range page {
		if r.State.Answered() {
			a := answers[r.Ask]
			r.At, r.Body = fromMillis(a.at), a.body
		}
	}
	return nil
}

// readQuestions adds to rows what they were asked.
func (c conn) readQuestions(ctx context.Context, page []*store.StoredRow) error {
	asks := asksOf(page, func(r *store.StoredRow) bool { return r.Ask != 0 })
	if len(asks) == 0 {
		return nil
	}
	type question struct {
		text    []byte
		service string
	}
	questions := make(map[store.AskID]question, len(asks))
	from, to := spans(asks, answerGap)
	err := c.each(ctx, `SELECT a.id, a.question, a.service FROM unnest($1::bigint[], $2::bigint[]) AS s (lo, hi)
		CROSS JOIN LATERAL (SELECT * FROM asks WHERE id BETWEEN s.lo AND s.hi) a`, func(r pgx.Rows) error {
		var id store.AskID
		var q question
		err := r.Scan(&id, &q.text, &q.service)
		questions[id] = q
		return err
	}, from, to)
	if err != nil {
		return fmt.Errorf("read questions: %w", err)
	}
	for _, r := range page {
		if r.Ask != 0 {
			q := questions[r.Ask]
			r.Question, r.Service = q.text, q.service
		}
	}
	return nil
}

// asksOf lists the asks of some rows, ascending, each once.
func asksOf(page []*store.StoredRow, which func(*store.StoredRow) bool) []store.AskID {
	asks := make([]store.AskID, 0, len(page))
	for _, r := range page {
		if which(r) {
			asks = append(asks, r.Ask)
		}
	}
	slices.Sort(asks)
	return slices.Compact(asks)
}

// Totals implements store.Reader. The calls of a batch are those for asks
// that it was the first to want.
func (s *Store) Totals(ctx context.Context, no store.BatchNo) (store.Totals, error) {
	first, last := store.AskID(0), store.AskID(1<<63-1)
	if no != 0 {
		first, last = askRange(no)
	}
	return read(ctx, s, func(ctx context.Context, c conn) (t store.Totals, err error) {
		_, err = c.one(ctx, `SELECT coalesce(sum(requests), 0), coalesce(sum(n), 0), coalesce(sum(least(unknown, requests)), 0), coalesce(sum(unknown), 0),
			(SELECT coalesce(sum(polls), 0) FROM tickets WHERE chunk BETWEEN $1 AND $2)
			FROM calls WHERE chunk BETWEEN $1 AND $2`, []any{first, last}, &t.Calls, &t.Asks, &t.UnknownCalls, &t.UnknownAsks, &t.Polls)
		if err != nil {
			return store.Totals{}, fmt.Errorf("read totals: %w", err)
		}
		return t, nil
	})
}

package sqlite

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

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

// newRow is a row on its way in.
type newRow struct {
	invalid  bool
	key      store.AskKey
	question []byte // as JSON, sealed once the ask has an id
	line     []byte // sealed
	ask      store.AskID
	cached   bool
}

// AddRows implements store.Intake.
func (s *Store) AddRows(ctx context.Context, no store.BatchNo, rows []store.NewRow) (store.Taken, error) {
	defer s.intakes.lock(no)()
	h, err := read(ctx, s, func(c conn) (*header, error) { return c.in(no, "add rows to", store.BatchIntake) })
	if err != nil {
		return store.Taken{}, err
	}
	piece, err := s.sealRows(ctx, h, rows)
	if err != nil {
		return store.Taken{}, err
	}
	first := h.rows + 1
	return writeAlone(ctx, s, func(t *tx) (store.Taken, error) {
		h, err := t.in(no, "add rows to", store.BatchIntake)
		if err != nil {
			return store.Taken{}, err
		}
		if h.rows != first-1 {
			return store.Taken{}, errors.New("add rows: the batch was changed meanwhile")
		}
		in := &intake{tx: t, h: h, rows: piece, first: first, wants: map[store.AskID]int{}, tally: tally{}}
		if err := in.run(); err != nil {
			return store.Taken{}, fmt.Errorf("add rows: %w", err)
		}
		return in.taken, nil
	})
}

// sealRows does the part of the work that needs no database, on all cores.
func (s *Store) sealRows(ctx context.Context, h *header, rows []store.NewRow) ([]newRow, error) {
	piece := make([]newRow, len(rows))
	g, _ := errgroup.WithContext(ctx)
	share := max(1, (len(rows)+runtime.GOMAXPROCS(0)-1)/runtime.GOMAXPROCS(0))
	for from := 0; from < len(rows); from += share {
		g.Go(func() error {
			for i := from; i < min(from+share, len(rows)); i++ {
				r, err := s.sealRow(h, store.NewRowID(h.no, h.rows+1+i), rows[i])
				if err != nil {
					return err
				}
				piece[i] = r
			}
			return nil
		})
	}
	return piece, g.Wait()
}

func (s *Store) sealRow(h *header, id store.RowID, r store.NewRow) (newRow, error) {
	line, err := store.EncodeLine(r)
	if err != nil {
		return newRow{}, err
	}
	n := newRow{invalid: r.Problem != nil, line: s.sealer.Seal(sealLine, int64(id), line)}
	if n.invalid {
		return n, nil
	}
	n.key = s.sealer.Key(h.tenant, h.provider, r.Question)
	n.question, err = store.EncodeQuestion(r.Question)
	return n, err
}

// intake is one piece of a list inside its transaction.
type intake struct {
	*tx
	h       *header
	rows    []newRow
	first   int // number of the first row
	taken   store.Taken
	wants   map[store.AskID]int // further rows on an ask
	newAsks []newAsk
	tally   tally
}

func (in *intake) run() error {
	groups := in.group()
	if err := in.lookUp(groups); err != nil {
		return err
	}
	if err := in.decide(groups); err != nil {
		return err
	}
	for _, insert := range []func() error{
		func() error { return in.insertKeys(groups) },
		in.insertAsks, in.insertRows, in.insertWants,
	} {
		if err := insert(); err != nil {
			return err
		}
	}
	in.taken.Rows = len(in.rows)
	in.tally.add(in.h.no, store.Invalid, in.taken.Invalid)
	if err := in.apply(in.tally); err != nil {
		return err
	}
	return in.exec("UPDATE batches SET rows = ?, asks = ? WHERE no = ?", in.h.rows+len(in.rows), in.h.asks, in.h.no)
}

// question groups the rows of a piece that ask the same.
type question struct {
	key  store.AskKey
	rows []int // places in the piece, ascending
	// known is the newest ask of the key, 0: none.
	known store.AskID
	fate  fate
	ask   store.AskID
}

// group collects the questions of the piece, sorted by key: then the pages of
// ask_keys are visited in order.
func (in *intake) group() []question {
	order := make([]int, 0, len(in.rows))
	for i := range in.rows {
		if in.rows[i].invalid {
			in.taken.Invalid++
			continue
		}
		order = append(order, i)
	}
	slices.SortFunc(order, func(a, b int) int {
		if c := bytes.Compare(in.rows[a].key[:], in.rows[b].key[:]); c != 0 {
			return c
		}
		return a - b
	})
	groups := make([]question, 0, len(order))
	for from := 0; from < len(order); {
		to := from + 1
		for to < len(order) && in.rows[order[to]].key == in.rows[order[from]].key {
			to++
		}
		groups = append(groups, question{key: in.rows[order[from]].key, rows: order[from:to:to]})
		from = to
	}
	return groups
}

func (in *intake) lookUp(groups []question) error {
	stmt, err := in.Prepare("SELECT ask FROM ask_keys WHERE key = ?")
	if err != nil {
		return err
	}
	for i := range groups {
		stmt.BindBytes(1, groups[i].key[:])
		found, err := stmt.Step()
		if err == nil && found {
			groups[i].known = columnAsk(stmt, 0)
		}
		if err := reset(stmt, err); err != nil {
			return err
		}
	}
	return nil
}

// insertKeys points each new question to its ask. groups are sorted by key.
func (in *intake) insertKeys(groups []question) error {
	stmt, err := in.Prepare("INSERT INTO ask_keys (key, ask) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET ask = excluded.ask")
	if err != nil {
		return err
	}
	for i := range groups {
		if groups[i].fate != fateNew {
			continue
		}
		stmt.BindBytes(1, groups[i].key[:])
		stmt.BindInt64(2, int64(groups[i].ask))
		if err := step(stmt); err != nil {
			return err
		}
	}
	return nil
}

// insertAsks writes the new asks, in the order of the rows that want them.
func (in *intake) insertAsks() error {
	stmt, err := in.Prepare("INSERT INTO asks (id, prev, question) VALUES (?, ?, ?)")
	if err != nil {
		return err
	}
	for _, a := range in.newAsks {
		stmt.BindInt64(1, int64(a.id))
		stmt.BindNull(2)
		if a.prev != 0 {
			stmt.BindInt64(2, int64(a.prev))
		}
		stmt.BindBytes(3, in.s.sealer.Seal(sealQuestion, int64(a.id), in.rows[a.row].question))
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
		if !r.invalid {
			stmt.BindInt64(2, int64(r.ask))
		}
		stmt.BindBool(3, r.cached)
		stmt.BindBytes(4, r.line)
		if err := step(stmt); err != nil {
			return err
		}
	}
	return nil
}

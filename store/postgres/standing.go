package postgres

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/plateq/plateq/store"
)

// standing is where asks stand that the rows might share.
type standing struct {
	marks    marks
	answered map[store.AskID]time.Time
	past     map[store.AskID]store.Past
	again    bool // rows are to be given other asks
}

func newStanding() *standing {
	return &standing{answered: map[store.AskID]time.Time{}, past: map[store.AskID]store.Past{}}
}

// State implements store.Standing.
func (s *standing) State(a store.AskID) (store.State, error) { return s.marks.mark(a).State, nil }

// Answered implements store.Standing.
func (s *standing) Answered(a store.AskID) (time.Time, error) { return s.answered[a], nil }

// Past implements store.Standing.
func (s *standing) Past(a store.AskID) (store.Past, error) { return s.past[a], nil }

// holdStanding finds out where asks stand, and keeps those that are not settled
// from moving until the rows are taken in: a call that settled one of them
// meanwhile would not know that these rows want it. Those that are settled stay
// where they are until then.
func (in *intake) holdStanding(ctx context.Context, asks []store.AskID) (*standing, error) {
	s := newStanding()
	s.again = in.again
	if len(asks) == 0 {
		return s, nil
	}
	if err := in.exec(ctx, "SELECT pg_advisory_xact_lock_shared"+answersLock); err != nil {
		return nil, err
	}
	cuts, err := in.holdUncut(ctx, asks)
	if err != nil {
		return nil, err
	}
	if s.marks, err = in.marksOf(ctx, asks); err != nil {
		return nil, err
	}
	if err := in.holdMoving(ctx, s.marks, asks); err != nil {
		return nil, err
	}
	if err := s.marks.complete(asks, cuts); err != nil {
		return nil, err
	}
	return s, in.readSettled(ctx, asks, s, in.h.reuse.Fresh && !in.again)
}

// readSettled reads what asks that are settled have come to. A list that is to
// be fresh wants no answer of them.
func (c conn) readSettled(ctx context.Context, asks []store.AskID, s *standing, fresh bool) error {
	if !fresh {
		if err := c.readAnswered(ctx, asks, s); err != nil {
			return err
		}
	}
	return c.readPast(ctx, asks, s)
}

// holdUncut keeps homes from being cut further that have known asks in no
// chunk, and returns how far each is cut.
func (in *intake) holdUncut(ctx context.Context, asks []store.AskID) (map[store.BatchNo]int, error) {
	last := map[store.BatchNo]int{} // the last known ask of each home
	for _, a := range asks {
		last[a.Home()] = a.Pos()
	}
	homes := make([]store.BatchNo, 0, len(last))
	for no := range last {
		homes = append(homes, no)
	}
	slices.Sort(homes)
	cuts, err := in.cuts(ctx, homes, "")
	if err != nil {
		return nil, err
	}
	homes = slices.DeleteFunc(homes, func(no store.BatchNo) bool { return last[no] < cuts[no] })
	if len(homes) == 0 {
		return cuts, nil
	}
	held, err := in.cuts(ctx, homes, " FOR SHARE")
	maps.Copy(cuts, held)
	return cuts, err
}

func (in *intake) cuts(ctx context.Context, homes []store.BatchNo, lock string) (map[store.BatchNo]int, error) {
	cuts := map[store.BatchNo]int{}
	err := in.each(ctx, "SELECT batch, cut FROM cuts WHERE batch = ANY($1) ORDER BY batch"+lock, func(r pgx.Rows) error {
		var no store.BatchNo
		var cut int
		err := r.Scan(&no, &cut)
		cuts[no] = cut
		return err
	}, plain(homes))
	if err == nil && len(cuts) < len(homes) {
		err = errAgain // a home was abandoned meanwhile, and its keys with it
	}
	return cuts, err
}

// holdMoving locks those of the chunks that hold asks which are not settled,
// and reads them again.
func (in *intake) holdMoving(ctx context.Context, m marks, asks []store.AskID) error {
	var moving []store.ChunkID
	for _, a := range asks {
		k := m.chunk(a)
		if k == nil || len(moving) > 0 && moving[len(moving)-1] == k.ID {
			continue
		}
		if s := m.mark(a).State; s.Open() || s == store.Unknown || in.again && s == store.Failed {
			moving = append(moving, k.ID)
		}
	}
	if len(moving) == 0 {
		return nil
	}
	held, err := in.chunks(ctx, "WHERE id = ANY($1) ORDER BY id FOR SHARE", plain(moving))
	for i, k := range m {
		if h := marks(held).chunk(k.ID); h != nil {
			m[i] = h
		}
	}
	return err
}

// complete checks that every ask that is cut is in a chunk. If not, its home
// was abandoned after its key was read.
func (m marks) complete(asks []store.AskID, cuts map[store.BatchNo]int) error {
	for _, a := range asks {
		if a.Pos() < cuts[a.Home()] && m.chunk(a) == nil {
			return errAgain
		}
	}
	return nil
}

// readAnswered reads when asks were answered whose answers might do.
func (c conn) readAnswered(ctx context.Context, asks []store.AskID, s *standing) error {
	var answered []store.AskID
	for _, a := range asks {
		if st := s.marks.mark(a).State; st == store.Found || st == store.NotFound {
			answered = append(answered, a)
		}
	}
	if len(answered) == 0 {
		return nil
	}
	return c.each(ctx, "SELECT ask, at FROM answers WHERE ask = ANY($1)", func(r pgx.Rows) error {
		var a store.AskID
		var at int64
		err := r.Scan(&a, &at)
		s.answered[a] = fromMillis(at)
		return err
	}, plain(answered))
}

// readPast reads of asks that may be asked again, and do not say so by
// themselves, what they know of those before them. The ticket of an ask is that
// of the call which failed it, where this brought one alone.
func (c conn) readPast(ctx context.Context, asks []store.AskID, s *standing) error {
	var settled []store.AskID
	for _, a := range asks {
		if st := s.marks.mark(a).State; !st.Open() && st != store.Found {
			settled = append(settled, a)
		}
	}
	if len(settled) == 0 {
		return nil
	}
	return c.each(ctx, `SELECT a.id, a.found_before, a.resends, coalesce(CASE WHEN $2 THEN
			(SELECT CASE WHEN count(*) = 1 THEN min(t.id) END FROM tickets t WHERE t.call = (SELECT w.call FROM answers w WHERE w.ask = a.id))
		END, a.prior, 0) FROM asks a WHERE a.id = ANY($1)`, func(r pgx.Rows) error {
		var a store.AskID
		var past store.Past
		err := r.Scan(&a, &past.FoundBefore, &past.Resends, &past.Prior)
		s.past[a] = past
		return err
	}, plain(settled), s.again)
}

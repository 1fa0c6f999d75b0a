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
	over     map[store.AskID]bool
	past     map[store.AskID]store.Past
	kept     time.Duration // how long lists are kept that say nothing of it
	now      time.Time
	again    bool // rows are to be given other asks
}

func newStanding(kept time.Duration, now time.Time) *standing {
	return &standing{
		answered: map[store.AskID]time.Time{}, over: map[store.AskID]bool{}, past: map[store.AskID]store.Past{},
		kept: kept, now: now,
	}
}

// State implements store.Standing.
func (s *standing) State(a store.AskID) (store.State, error) { return s.marks.mark(a).State, nil }

// Answered implements store.Standing.
func (s *standing) Answered(a store.AskID) (time.Time, error) { return s.answered[a], nil }

// Over implements store.Standing.
func (s *standing) Over(a store.AskID) (bool, error) { return s.over[a], nil }

// Past implements store.Standing.
func (s *standing) Past(a store.AskID) (store.Past, error) { return s.past[a], nil }

// holdStanding finds out where asks stand, and keeps those that are not settled
// from moving until the rows are taken in: a call that settled one of them
// meanwhile would not know that these rows want it. Those that are settled stay
// where they are until then.
func (in *intake) holdStanding(ctx context.Context, asks []store.AskID) (*standing, error) {
	s := newStanding(in.s.retention, in.now)
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

// readAnswered reads when asks were answered whose answers might do, and of
// which the time is over. It looks who else has an answer only where the time of
// its home is over: few of these are not swept yet.
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
	homes := make([]store.BatchNo, len(answered))
	for i, a := range answered {
		homes[i] = a.Home()
	}
	kept, now := s.kept.Milliseconds(), millis(s.now)
	var left []store.AskID
	err := c.each(ctx, "SELECT ask, at, (ask >> 32)::int = ANY(ARRAY(SELECT no FROM batches WHERE no = ANY($3) AND ("+lapsed+"))) FROM answers WHERE ask = ANY($4)",
		func(r pgx.Rows) error {
			var a store.AskID
			var at int64
			var over bool
			err := r.Scan(&a, &at, &over)
			s.answered[a] = fromMillis(at)
			if over {
				s.over[a] = true
				left = append(left, a)
			}
			return err
		}, kept, now, plain(slices.Compact(homes)), plain(answered))
	if err != nil || len(left) == 0 {
		return err
	}
	return c.each(ctx, `SELECT DISTINCT ask FROM (SELECT ask, batch FROM wants WHERE ask = ANY($3)
		UNION ALL SELECT ask, (id >> 32)::int FROM rows WHERE ask = ANY($3) AND cached
		UNION ALL SELECT ask, batch FROM renewals WHERE ask = ANY($3)
		UNION ALL SELECT next, batch FROM renewals WHERE next = ANY($3)) had
		WHERE EXISTS (SELECT 1 FROM batches WHERE no = had.batch AND NOT (`+lapsed+"))", func(r pgx.Rows) error {
		var a store.AskID
		err := r.Scan(&a)
		delete(s.over, a)
		return err
	}, kept, now, plain(left))
}

// readPast reads of asks that may be asked again, and do not say so by
// themselves, what they know of those before them. The ticket of an ask is that
// of the call which failed it, where this brought one alone and had no other ask,
// whose ticket it might be.
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
			(SELECT CASE WHEN count(*) = 1 THEN min(t.id) END FROM tickets t
				WHERE t.call = (SELECT c.id FROM answers w JOIN calls c ON c.id = w.call AND c.n = 1 WHERE w.ask = a.id))
		END, a.prior, 0) FROM asks a WHERE a.id = ANY($1)`, func(r pgx.Rows) error {
		var a store.AskID
		var past store.Past
		err := r.Scan(&a, &past.FoundBefore, &past.Resends, &past.Prior)
		s.past[a] = past
		return err
	}, plain(settled), s.again)
}

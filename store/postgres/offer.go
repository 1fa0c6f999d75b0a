package postgres

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/plateq/plateq/store"
)

// maxCuts bounds how many chunks one offer cuts from another batch to get at
// an ask deep in it. The next offer goes on from there.
const maxCuts = 1000

// searchCuts is how many are cut at once in search of asks for which the parts
// of the service are open.
const searchCuts = 50

// Turns implements store.Work.
func (s *Store) Turns(ctx context.Context, provider string) ([]store.Turn, error) {
	return read(ctx, s, func(ctx context.Context, c conn) ([]store.Turn, error) {
		var turns []store.Turn
		err := c.each(ctx, `SELECT no, weight, traceparent, rows FROM batches b WHERE state = 'running' AND provider = $1
			AND (SELECT sum(t.n) FROM tallies t WHERE t.batch = b.no AND t.state IN (1, 2, 3)) > 0
			ORDER BY no`, func(r pgx.Rows) error {
			var turn store.Turn
			err := r.Scan(&turn.Batch, &turn.Weight, &turn.Trace.Parent, &turn.Trace.Rows)
			turns = append(turns, turn)
			return err
		}, provider)
		if err != nil {
			return nil, fmt.Errorf("read turns: %w", err)
		}
		return turns, nil
	})
}

// Offer implements store.Work. Every chunk it names holds a queued ask that
// the batch wants, so that a claim that comes before anything changes is
// never in vain, and none is offered in a loop. Each piece of it is a
// transaction of its own, so that no two batches are locked together. Where
// parts of the provider's service are shut, it looks for what is not for them.
func (s *Store) Offer(ctx context.Context, r store.OfferRequest) ([]store.ChunkRef, error) {
	o := &offer{OfferRequest: r, s: s}
	h, err := o.offerCut(ctx)
	if err == nil && h != nil {
		err = o.cutMore(ctx, h)
	}
	if err == nil {
		err = o.note(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("offer chunks: %w", classify(err))
	}
	return o.refs, nil
}

type offer struct {
	store.OfferRequest
	s    *Store
	refs []store.ChunkRef
	// uncut are the other homes, not served by a turn of their own, that hold
	// asks in no chunk which this batch wants.
	uncut []store.BatchNo
	// shut are parts of the service that nothing can be asked of, behind the
	// chunks that were found to be for such parts only.
	shut   store.ShutServices
	behind []heldChunk
}

func (o *offer) full() bool { return len(o.refs) >= o.Limit }

func (o *offer) add(ref store.ChunkRef) {
	if !o.full() && !o.skips(ref) {
		o.refs = append(o.refs, ref)
	}
}

func (o *offer) skips(ref store.ChunkRef) bool { return o.Skip != nil && o.Skip(ref) }

// offerCut offers what is cut already. It returns nil where the batch does not
// run.
func (o *offer) offerCut(ctx context.Context) (*header, error) {
	return read(ctx, o.s, func(ctx context.Context, c conn) (*header, error) {
		o.refs, o.uncut, o.behind = nil, nil, nil
		h, err := c.header(ctx, o.Batch)
		if err != nil || h.state != store.BatchRunning {
			return nil, err
		}
		if err := o.readShut(ctx, c); err != nil {
			return nil, err
		}
		if err := o.own(ctx, c); err != nil {
			return nil, err
		}
		homes, err := c.foreignHomes(ctx, h.no)
		for i := 0; err == nil && i < len(homes) && !o.full(); i++ {
			err = o.foreign(ctx, c, homes[i])
		}
		return h, err
	})
}

// readyChunks chooses chunks with asks that may be claimed at a time.
func readyChunks(now string) string { return "queued > 0 AND (fresh > 0 OR retry_at <= " + now + ")" }

// own offers the batch's own chunks.
func (o *offer) own(ctx context.Context, c conn) error {
	next, last := askRange(o.Batch)
	for !o.full() {
		var page []store.ChunkRef
		var behind []string
		err := c.each(ctx, `SELECT id, CASE WHEN retry_at <= $3 THEN queued ELSE fresh END, claims, behind FROM chunks
			WHERE id BETWEEN $1 AND $2 AND `+readyChunks("$3")+` ORDER BY id LIMIT $4`,
			func(r pgx.Rows) error {
				var ref store.ChunkRef
				var parts string
				err := r.Scan(&ref.ID, &ref.N, &ref.Ring, &parts)
				page, behind = append(page, ref), append(behind, parts)
				return err
			}, next, last, millis(o.s.clock()), chunkPage)
		if err != nil || len(page) == 0 {
			return err
		}
		for i, ref := range page {
			if o.shut.Hold(behind[i]) {
				continue
			}
			if err := o.addFree(ctx, c, ref); err != nil {
				return err
			}
		}
		next = page[len(page)-1].ID + 1
	}
	return nil
}

// foreign offers chunks of a home that is not served by a turn of its own,
// because it is paused, cancelled, abandoned or still taken in.
func (o *offer) foreign(ctx context.Context, c conn, home *header) error {
	if home.state == store.BatchRunning {
		return nil
	}
	now := o.s.clock()
	err := c.eachWanted(ctx, o.Batch, home.no, readyChunks(strconv.FormatInt(millis(now), 10)), func(k *chunk, asks []store.AskID) (bool, error) {
		return !o.full(), o.addWanted(ctx, c, k, asks, now)
	})
	if err != nil || o.full() {
		return err
	}
	last, err := c.lastWant(ctx, o.Batch, home)
	if last >= home.cut {
		o.uncut = append(o.uncut, home.no)
	}
	return err
}

// addWanted offers a chunk of another batch if this one wants a queued ask of
// it.
func (o *offer) addWanted(ctx context.Context, c conn, k *chunk, asks []store.AskID, now time.Time) error {
	var parts map[store.AskID]string
	if len(o.shut) > 0 {
		var err error
		if parts, err = c.parts(ctx, k.Chunk); err != nil {
			return err
		}
	}
	n := 0
	for _, a := range asks {
		if k.Ready(int(a-k.ID), now) && !slices.Contains(o.shut, parts[a]) {
			n++
		}
	}
	if n > 0 {
		o.add(store.ChunkRef{ID: k.ID, N: n, Ring: k.claims})
	}
	return nil
}

// cutMore cuts new chunks where those that are cut are not enough: of the batch
// itself, then of others that hold asks which it wants.
func (o *offer) cutMore(ctx context.Context, h *header) error {
	for cuts := 0; cuts < maxCuts && h.cut < h.asks && !o.full(); {
		want := o.Limit - len(o.refs)
		if len(o.shut) > 0 {
			want = max(want, searchCuts)
		}
		made, err := o.cut(ctx, h.no, want, h.asks)
		if err != nil {
			return err
		}
		for _, k := range made {
			if err := o.addFree(ctx, conn{o.s.pool}, store.ChunkRef{ID: k.ID, N: k.Len()}); err != nil {
				return err
			}
		}
		if len(made) == 0 {
			break
		}
		cuts += len(made)
	}
	for _, home := range o.uncut {
		if err := o.cutForeign(ctx, home); err != nil {
			return err
		}
	}
	return nil
}

func (o *offer) cutForeign(ctx context.Context, home store.BatchNo) error {
	for cuts := 0; cuts < maxCuts && !o.full(); {
		first, last := askRange(home)
		wanted, err := list[store.AskID](ctx, conn{o.s.pool}, `SELECT ask FROM wants WHERE batch = $1 AND NOT has_left
			AND ask BETWEEN $2::bigint + (SELECT cut FROM cuts WHERE batch = $3) AND $4 ORDER BY ask LIMIT 1`, o.Batch, first, home, last)
		if err != nil || len(wanted) == 0 {
			return err
		}
		made, err := o.cut(ctx, home, min(maxCuts-cuts, o.Limit), wanted[0].Pos())
		if err != nil || len(made) == 0 {
			return err
		}
		cuts += len(made)
		for _, k := range made {
			asks, err := list[store.AskID](ctx, conn{o.s.pool}, "SELECT ask FROM wants WHERE batch = $1 AND ask BETWEEN $2 AND $3 AND NOT has_left",
				o.Batch, k.ID, k.Last())
			if err != nil {
				return err
			}
			if err := o.addWanted(ctx, conn{o.s.pool}, k, asks, o.s.clock()); err != nil {
				return err
			}
		}
	}
	return nil
}

// cut cuts chunks of a home, up to the one that holds the ask at place last,
// if the batch still runs. A batch that stops running holds its cut, or that
// of the home, too.
func (o *offer) cut(ctx context.Context, home store.BatchNo, limit, last int) ([]*chunk, error) {
	return write(ctx, o.s, func(ctx context.Context, t *tx) ([]*chunk, error) {
		h, err := t.holdCut(ctx, home)
		if err != nil {
			return nil, err
		}
		b, err := t.header(ctx, o.Batch)
		if err != nil || b.state != store.BatchRunning {
			return nil, err
		}
		return t.cut(ctx, h, o.Size, limit, last)
	})
}

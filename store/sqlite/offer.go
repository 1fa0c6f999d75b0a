package sqlite

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"zombiezen.com/go/sqlite"

	"github.com/plateq/plateq/store"
)

// maxCuts bounds how many chunks one offer cuts from another batch to get at
// an ask deep in it. The next offer goes on from there.
const maxCuts = 1000

// Turns implements store.Work.
func (s *Store) Turns(ctx context.Context, provider string) ([]store.Turn, error) {
	return read(ctx, s, func(c conn) ([]store.Turn, error) {
		var turns []store.Turn
		err := c.each(`SELECT no, weight, traceparent, rows FROM batches b WHERE state = 'running' AND provider = ?
			AND EXISTS (SELECT 1 FROM tallies t WHERE t.batch = b.no AND t.state IN (1, 2, 3) AND t.n > 0)
			ORDER BY no`, func(stmt *sqlite.Stmt) error {
			turns = append(turns, store.Turn{Batch: columnBatch(stmt, 0), Weight: stmt.ColumnFloat(1),
				Trace: store.Trace{Parent: stmt.ColumnText(2), Rows: stmt.ColumnInt(3)}})
			return nil
		}, provider)
		if err != nil {
			return nil, fmt.Errorf("read turns: %w", err)
		}
		return turns, nil
	})
}

// Offer implements store.Work. Every chunk it names holds a queued ask that
// the batch wants, so that a claim that comes before anything changes is
// never in vain, and none is offered in a loop. Where parts of the provider's
// service are shut, it looks for what is not for them.
func (s *Store) Offer(ctx context.Context, r store.OfferRequest) ([]store.ChunkRef, error) {
	return write(ctx, s, func(t *tx) ([]store.ChunkRef, error) {
		h, err := t.header(r.Batch)
		if err != nil || h.state != store.BatchRunning {
			return nil, err
		}
		closed, err := t.services(r.Scope)
		if err != nil {
			return nil, err
		}
		o := &offer{tx: t, OfferRequest: r, shut: closed.Shut(t.now), behind: map[store.ChunkID]string{}}
		if err := o.own(h); err != nil {
			return nil, fmt.Errorf("offer chunks: %w", err)
		}
		homes, err := t.foreignHomes(h.no)
		for i := 0; err == nil && i < len(homes) && !o.full(); i++ {
			err = o.foreign(homes[i])
		}
		if err != nil {
			return nil, fmt.Errorf("offer chunks: %w", err)
		}
		return o.refs, nil
	})
}

type offer struct {
	*tx
	store.OfferRequest
	refs []store.ChunkRef
	// shut are parts of the service that nothing can be asked of, behind the
	// chunks that were found to be for such parts only.
	shut   store.ShutServices
	behind map[store.ChunkID]string
}

func (o *offer) full() bool { return len(o.refs) >= o.Limit }

func (o *offer) add(ref store.ChunkRef) {
	if !o.skips(ref) {
		o.refs = append(o.refs, ref)
	}
}

func (o *offer) skips(ref store.ChunkRef) bool { return o.Skip != nil && o.Skip(ref) }

// readyChunks chooses chunks with asks that may be claimed at the time ?3.
const readyChunks = "queued > 0 AND (fresh > 0 OR retry_at <= ?3)"

// own offers the batch's own chunks, then cuts new ones.
func (o *offer) own(h *header) error {
	first, last := askRange(h.no)
	err := o.each("SELECT id, iif(retry_at <= ?3, queued, fresh), claims, behind FROM chunks WHERE id BETWEEN ?1 AND ?2 AND "+readyChunks+" ORDER BY id",
		func(stmt *sqlite.Stmt) error {
			if o.full() {
				return errEnough
			}
			if o.shut.Hold(stmt.ColumnText(3)) {
				return nil
			}
			return o.addFree(store.ChunkRef{ID: columnAsk(stmt, 0), N: stmt.ColumnInt(1), Ring: stmt.ColumnInt(2)})
		}, first, last, o.now)
	if err != nil && !errors.Is(err, errEnough) {
		return err
	}
	for cuts := 0; !o.full() && h.cut < h.asks && cuts < maxCuts; cuts++ {
		k, err := o.cutChunk(h, o.Size)
		if err != nil {
			return err
		}
		if err := o.addFree(store.ChunkRef{ID: k.ID, N: k.Len()}); err != nil {
			return err
		}
	}
	return o.note()
}

// foreign offers chunks of a home that is not served by a turn of its own,
// because it is paused, cancelled, abandoned or still taken in.
func (o *offer) foreign(home *header) error {
	if home.state == store.BatchRunning {
		return nil
	}
	first, last := askRange(home.no)
	err := o.eachChunk("SELECT "+chunkColumns+" FROM chunks WHERE id BETWEEN ?1 AND ?2 AND "+readyChunks+" ORDER BY id",
		func(k *chunk) (bool, error) { return !o.full(), o.addWanted(k) }, first, last, o.now)
	for cuts := 0; err == nil && cuts < maxCuts && !o.full(); cuts++ {
		uncut, wantErr := o.firstWant(o.Batch, store.NewAskID(home.no, home.cut), home)
		if wantErr != nil || uncut == 0 {
			return wantErr
		}
		k, cutErr := o.cutChunk(home, o.Size)
		if cutErr != nil {
			return cutErr
		}
		err = o.addWanted(k)
	}
	return err
}

// addWanted offers a chunk of another batch if this one wants a queued ask of
// it.
func (o *offer) addWanted(k *chunk) error {
	asks, err := o.wantedIn(o.Batch, k)
	if err != nil {
		return err
	}
	var parts map[store.AskID]string
	if len(o.shut) > 0 {
		if parts, err = o.parts(k.Chunk); err != nil {
			return err
		}
	}
	n := 0
	for _, a := range asks {
		if k.Ready(int(a-k.ID), o.now) && !slices.Contains(o.shut, parts[a]) {
			n++
		}
	}
	if n > 0 && !o.full() {
		o.add(store.ChunkRef{ID: k.ID, N: n, Ring: k.claims})
	}
	return nil
}

package postgres

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/plateq/plateq/store"
)

// servicesQuery finds the closed gates of the parts of a service, whatever the
// order of the database.
const servicesQuery = `SELECT ` + gateColumns + ` FROM gates WHERE closed AND scope COLLATE "C" > $1 AND scope COLLATE "C" < $2`

// queueServices adds the reading of the closed gates of the parts of the
// service behind a scope to a batch of statements.
func queueServices(b *pgx.Batch, into *store.Services, scope string) {
	if scope == "" {
		return
	}
	from, to := store.ServiceScopes(scope)
	b.Queue(servicesQuery, from, to).Query(func(rows pgx.Rows) error {
		var closed []*store.GateRecord
		err := eachOf(rows, func(r pgx.Rows) error {
			g, err := scanGate(r)
			closed = append(closed, g)
			return err
		})
		*into = store.NewServices(closed)
		return err
	})
}

// parts says for which part of the service asks of a chunk are, but for those
// that are for none.
func (c conn) parts(ctx context.Context, k *store.Chunk) (map[store.AskID]string, error) {
	parts := map[store.AskID]string{}
	err := c.each(ctx, "SELECT id, service FROM asks WHERE id BETWEEN $1 AND $2 AND service <> ''", func(r pgx.Rows) error {
		var a store.AskID
		var part string
		err := r.Scan(&a, &part)
		parts[a] = part
		return err
	}, k.ID, k.Last())
	if err != nil {
		return nil, fmt.Errorf("read asks: %w", err)
	}
	return parts, nil
}

// choose says what a claim may take, of what is wanted. Where it may be the
// probe of a gate that gate is locked: of several who come at once one is it.
func (t *tx) choose(ctx context.Context, v *view, passed store.Passage, wanted func(store.AskID) bool) (store.Passage, func(store.AskID) bool, error) {
	if len(v.services) == 0 {
		return passed, wanted, nil
	}
	var due []string
	for _, g := range v.services {
		if g.Probe && !g.Shut(t.now) {
			due = append(due, g.Scope)
		}
	}
	if len(due) > 0 {
		slices.Sort(due)
		h, err := t.gates(ctx, due, " FOR UPDATE")
		if err != nil {
			return nil, nil, err
		}
		for part, g := range v.services {
			if locked := h[g.Scope]; locked != nil {
				v.services[part] = locked
			}
		}
		maps.DeleteFunc(v.services, func(_ string, g *store.GateRecord) bool { return !g.Closed })
	}
	parts, err := t.parts(ctx, v.Chunk)
	if err != nil {
		return nil, nil, err
	}
	passed, wanted = v.services.Choose(v.Chunk, parts, passed, wanted, t.now)
	return passed, wanted, nil
}

// readShut reads which parts of the service nothing can be asked of.
func (o *offer) readShut(ctx context.Context, c conn) error {
	o.shut = nil
	if o.Scope == "" {
		return nil
	}
	var closed store.Services
	b := &pgx.Batch{}
	queueServices(b, &closed, o.Scope)
	if err := c.send(ctx, b); err != nil {
		return fmt.Errorf("read gates: %w", err)
	}
	o.shut = closed.Shut(o.s.clock())
	return nil
}

// addFree offers a chunk that is cut, if some of it may be claimed though parts
// of the service are shut.
func (o *offer) addFree(ctx context.Context, c conn, ref store.ChunkRef) error {
	if o.full() || o.skips(ref) {
		return nil
	}
	if len(o.shut) == 0 {
		o.refs = append(o.refs, ref)
		return nil
	}
	ks, err := c.chunks(ctx, "WHERE id = $1", ref.ID)
	if err != nil || len(ks) == 0 {
		return err
	}
	parts, err := c.parts(ctx, ks[0].Chunk)
	if err != nil {
		return err
	}
	free, behind := o.shut.Judge(ks[0].Chunk, parts, o.s.clock())
	if free {
		o.refs = append(o.refs, ref)
	} else if behind != "" {
		o.behind = append(o.behind, heldChunk{ks[0], behind})
	}
	return nil
}

// heldChunk is a chunk that was found to be for shut parts of the service only.
type heldChunk struct {
	*chunk
	behind string
}

// note writes down which chunks are behind shut parts of the service, so that
// they are not looked at again until one of these is open. One that has changed
// since, or that somebody is about to change, is looked at again.
func (o *offer) note(ctx context.Context) error {
	if len(o.behind) == 0 {
		return nil
	}
	_, err := write(ctx, o.s, func(ctx context.Context, t *tx) (none struct{}, err error) {
		b := &pgx.Batch{}
		for _, k := range o.behind {
			b.Queue(`UPDATE chunks SET behind = $1 WHERE id =
				(SELECT id FROM chunks WHERE id = $2 AND marks = $3 FOR UPDATE SKIP LOCKED)`, k.behind, k.ID, k.Marks())
		}
		if err := t.send(ctx, b); err != nil {
			return none, fmt.Errorf("write chunk: %w", err)
		}
		return none, nil
	})
	o.behind = nil
	return err
}

// Behind implements store.Reader.
func (s *Store) Behind(ctx context.Context, no store.BatchNo) ([]string, error) {
	return read(ctx, s, func(ctx context.Context, c conn) ([]string, error) {
		h, err := c.header(ctx, no)
		if err != nil || h.cut < h.asks {
			return nil, err
		}
		first, last := askRange(no)
		all, err := list[string](ctx, c, "SELECT DISTINCT behind FROM chunks WHERE id BETWEEN $1 AND $2 AND queued > 0", first, last)
		if err != nil {
			return nil, fmt.Errorf("read chunks: %w", err)
		}
		if slices.Contains(all, "") {
			return nil, nil
		}
		parts := strings.Fields(strings.Join(all, " "))
		slices.Sort(parts)
		return slices.Compact(parts), nil
	})
}

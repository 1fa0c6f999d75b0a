package sqlite

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"zombiezen.com/go/sqlite"

	"github.com/plateq/plateq/store"
)

// services reads the closed gates of the parts of the service behind a scope.
func (c conn) services(scope string) (store.Services, error) {
	if scope == "" {
		return nil, nil
	}
	var closed []*store.GateRecord
	from, to := store.ServiceScopes(scope)
	err := c.each("SELECT "+gateColumns+" FROM gates WHERE scope > ? AND scope < ? AND closed", func(stmt *sqlite.Stmt) error {
		closed = append(closed, scanGate(stmt))
		return nil
	}, from, to)
	if err != nil {
		return nil, fmt.Errorf("read gates: %w", err)
	}
	return store.NewServices(closed), nil
}

// parts says for which part of the service asks of a chunk are, but for those
// that are for none.
func (c conn) parts(k *store.Chunk) (map[store.AskID]string, error) {
	parts := map[store.AskID]string{}
	err := c.each("SELECT id, service FROM asks WHERE id BETWEEN ? AND ? AND service <> ''", func(stmt *sqlite.Stmt) error {
		parts[columnAsk(stmt, 0)] = stmt.ColumnText(1)
		return nil
	}, k.ID, k.Last())
	if err != nil {
		return nil, fmt.Errorf("read asks: %w", err)
	}
	return parts, nil
}

// choose says what a claim may take, of what is wanted.
func (t *tx) choose(k *chunk, r store.ClaimRequest, passed store.Passage, wanted func(store.AskID) bool) (store.Passage, func(store.AskID) bool, error) {
	if len(r.Scopes) == 0 {
		return passed, wanted, nil
	}
	closed, err := t.services(r.Scopes[len(r.Scopes)-1])
	if err != nil || len(closed) == 0 {
		return passed, wanted, err
	}
	parts, err := t.parts(k.Chunk)
	if err != nil {
		return nil, nil, err
	}
	passed, wanted = closed.Choose(k.Chunk, parts, passed, wanted, t.now)
	return passed, wanted, nil
}

// free reports whether some ask of a chunk may be claimed though parts of the
// service are shut, and behind which parts all of it is, if not.
func (o *offer) free(k *store.Chunk) (free bool, behind string, err error) {
	if len(o.shut) == 0 {
		return true, "", nil
	}
	parts, err := o.parts(k)
	if err != nil {
		return false, "", err
	}
	free, behind = o.shut.Judge(k, parts, o.now)
	return free, behind, nil
}

// addFree offers a chunk that is cut, if some of it may be claimed.
func (o *offer) addFree(ref store.ChunkRef) error {
	if o.skips(ref) {
		return nil
	}
	if len(o.shut) > 0 {
		k, err := o.chunk(ref.ID)
		if err != nil {
			return err
		}
		free, behind, err := o.free(k.Chunk)
		if err != nil || !free {
			o.behind[ref.ID] = behind
			return err
		}
	}
	o.refs = append(o.refs, ref)
	return nil
}

// note writes down which chunks are behind shut parts of the service, so that
// they are not looked at again until one of these is open.
func (o *offer) note() error {
	for id, behind := range o.behind {
		if behind == "" {
			continue // some of it may be claimed later
		}
		if err := o.exec("UPDATE chunks SET behind = ? WHERE id = ?", behind, id); err != nil {
			return fmt.Errorf("write chunk: %w", err)
		}
	}
	clear(o.behind)
	return nil
}

// Behind implements store.Reader.
func (s *Store) Behind(ctx context.Context, no store.BatchNo) ([]string, error) {
	return read(ctx, s, func(c conn) ([]string, error) {
		h, err := c.header(no)
		if err != nil || h.cut < h.asks {
			return nil, err
		}
		var all []string
		first, last := askRange(no)
		err = c.each("SELECT DISTINCT behind FROM chunks WHERE id BETWEEN ? AND ? AND queued > 0", func(stmt *sqlite.Stmt) error {
			all = append(all, stmt.ColumnText(0))
			return nil
		}, first, last)
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

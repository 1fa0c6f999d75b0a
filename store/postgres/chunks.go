package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/plateq/plateq/store"
)

// chunk is a chunk with what SQL needs to know of it beside the marks.
type chunk struct {
	*store.Chunk
	queued int
	claims int
}

const chunkColumns = "id, part, marks, queued, claims, retry_at"

func scanChunk(r pgx.Row) (*chunk, error) {
	k := &chunk{}
	var id store.ChunkID
	var part store.Part
	var marks []byte
	var retry int64
	err := r.Scan(&id, &part, &marks, &k.queued, &k.claims, &retry)
	if err == nil {
		k.Chunk, err = store.LoadChunk(id, part, marks)
	}
	if err == nil {
		k.RetryAt = fromMillis(retry)
	}
	return k, err
}

// chunks returns the chunks of a query.
func (c conn) chunks(ctx context.Context, query string, args ...any) ([]*chunk, error) {
	var all []*chunk
	err := c.each(ctx, "SELECT "+chunkColumns+" FROM chunks "+query, func(r pgx.Rows) error {
		k, err := scanChunk(r)
		all = append(all, k)
		return err
	}, args...)
	if err != nil {
		return nil, fmt.Errorf("read chunk: %w", err)
	}
	return all, nil
}

// saveChunk adds the writing of what a chunk became to a batch of statements.
func saveChunk(b *pgx.Batch, k *chunk) {
	queued, fresh, open := k.Count()
	b.Queue("UPDATE chunks SET queued = $1, fresh = $2, open = $3, claims = $4, part = $5, retry_at = $6, behind = '', marks = $7 WHERE id = $8",
		queued, fresh, open, k.claims, int(k.Part), millis(k.RetryAt), k.Marks(), k.ID)
	k.queued = queued
}

// holdCut locks how far a batch is cut, and returns the batch as it then is.
func (t *tx) holdCut(ctx context.Context, home store.BatchNo) (*header, error) {
	if err := t.exec(ctx, "SELECT 1 FROM cuts WHERE batch = $1 FOR UPDATE", home); err != nil {
		return nil, fmt.Errorf("lock cut: %w", err)
	}
	return t.anyHeader(ctx, home)
}

// cut makes the next chunks of a batch whose cut is held, of up to size asks
// each, until there are so many or every ask up to and with last is in one.
func (t *tx) cut(ctx context.Context, h *header, size, limit, last int) ([]*chunk, error) {
	var made []*chunk
	b := &pgx.Batch{}
	for len(made) < limit && h.cut < h.asks && h.cut <= last {
		n := min(max(size, 1), h.asks-h.cut)
		k := &chunk{Chunk: store.NewChunk(store.NewAskID(h.no, h.cut), n), queued: n}
		b.Queue("INSERT INTO chunks (id, n, queued, fresh, open, marks) VALUES ($1, $2, $2, $2, $2, $3)", k.ID, n, k.Marks())
		made = append(made, k)
		h.cut += n
	}
	if len(made) == 0 {
		return nil, nil
	}
	b.Queue("UPDATE cuts SET cut = $1 WHERE batch = $2", h.cut, h.no)
	if err := t.send(ctx, b); err != nil {
		return nil, fmt.Errorf("cut chunk: %w", err)
	}
	return made, nil
}

// askRange returns the first and the last id that an ask of a home can have.
// Rows of a batch have ids in the same range.
func askRange(home store.BatchNo) (first, last store.AskID) {
	return store.NewAskID(home, 0), store.NewAskID(home+1, 0) - 1
}

// marks are chunks by which the states of some asks are told. Asks that are in
// none of them are in none at all, and so are queued.
type marks []*chunk

// marksOf reads the chunks of asks, which are sorted.
func (c conn) marksOf(ctx context.Context, asks []store.AskID) (marks, error) {
	from, to := spans(asks, chunkGap)
	var m marks
	err := c.each(ctx, `SELECT k.id, k.part, k.marks, k.queued, k.claims, k.retry_at FROM unnest($1::bigint[], $2::bigint[]) AS s (lo, hi)
		CROSS JOIN LATERAL (SELECT * FROM chunks WHERE id BETWEEN
			coalesce((SELECT c.id FROM chunks c WHERE c.id <= s.lo ORDER BY c.id DESC LIMIT 1), s.lo) AND s.hi) k
		ORDER BY k.id`, func(r pgx.Rows) error {
		k, err := scanChunk(r)
		m = append(m, k)
		return err
	}, from, to)
	if err != nil {
		return nil, fmt.Errorf("read chunks: %w", err)
	}
	return slices.CompactFunc(m, func(a, b *chunk) bool { return a.ID == b.ID }), nil
}

// chunkGap is how far apart asks may be whose chunks are read as one span.
const chunkGap = 500

// spans returns the bounds of spans that cover sorted asks and leave out what
// is wider than gap.
func spans(asks []store.AskID, gap store.AskID) (from, to []int64) {
	for i, a := range asks {
		if i == 0 || a-asks[i-1] > gap {
			from, to = append(from, int64(a)), append(to, int64(a))
		}
		to[len(to)-1] = int64(a)
	}
	return from, to
}

// chunk returns the chunk of an ask, or nil.
func (m marks) chunk(a store.AskID) *chunk {
	i, found := slices.BinarySearchFunc(m, a, func(k *chunk, a store.AskID) int {
		switch {
		case k.Last() < a:
			return -1
		case k.ID > a:
			return 1
		default:
			return 0
		}
	})
	if !found {
		return nil
	}
	return m[i]
}

func (m marks) mark(a store.AskID) store.Mark {
	if k := m.chunk(a); k != nil {
		return k.Mark(int(a - k.ID))
	}
	return store.Mark{State: store.Queued}
}

// plain makes parameters of ids, which are sent much faster so.
func plain[T ~int64 | ~int32](ids []T) []int64 {
	out := make([]int64, len(ids))
	for i, id := range ids {
		out[i] = int64(id)
	}
	return out
}

var errNoChunk = errors.New("the chunk is not there")

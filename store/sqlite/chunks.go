package sqlite

import (
	"errors"
	"fmt"

	"zombiezen.com/go/sqlite"

	"github.com/plateq/plateq/store"
)

// chunk is a chunk with what SQL needs to know of it beside the marks.
type chunk struct {
	*store.Chunk
	queued int
	claims int
	// erased are those asks of the chunk that were erased; for settlements only.
	erased map[store.AskID]bool
}

const chunkColumns = "id, part, marks, queued, claims, retry_at"

func scanChunk(stmt *sqlite.Stmt) (*chunk, error) {
	c, err := store.LoadChunk(columnAsk(stmt, 0), store.Part(stmt.ColumnInt(1)), columnBytes(stmt, 2))
	if err != nil {
		return nil, err
	}
	c.RetryAt = columnTime(stmt, 5)
	return &chunk{Chunk: c, queued: stmt.ColumnInt(3), claims: stmt.ColumnInt(4)}, nil
}

// chunk returns the chunk of that id, or nil.
func (c conn) chunk(id store.ChunkID) (*chunk, error) {
	return c.scanOne("SELECT "+chunkColumns+" FROM chunks WHERE id = ?", id)
}

// chunkOf returns the chunk that holds the ask, or nil: the ask is not cut
// yet, and so is queued.
func (c conn) chunkOf(a store.AskID) (*chunk, error) {
	k, err := c.scanOne("SELECT "+chunkColumns+" FROM chunks WHERE id <= ? ORDER BY id DESC LIMIT 1", a)
	if err != nil || k == nil || !k.Has(a) {
		return nil, err
	}
	return k, nil
}

func (c conn) scanOne(query string, args ...any) (k *chunk, err error) {
	var scanErr error
	_, err = c.one(query, func(stmt *sqlite.Stmt) { k, scanErr = scanChunk(stmt) }, args...)
	if err == nil {
		err = scanErr
	}
	if err != nil {
		return nil, fmt.Errorf("read chunk: %w", err)
	}
	return k, nil
}

// save writes back what a chunk became.
func (t *tx) save(k *chunk) error {
	queued, fresh, open := k.Count()
	err := t.exec("UPDATE chunks SET queued = ?, fresh = ?, open = ?, claims = ?, part = ?, retry_at = ?, behind = '', marks = ? WHERE id = ?",
		queued, fresh, open, k.claims, int(k.Part), k.RetryAt, k.Marks(), k.ID)
	if err != nil {
		return fmt.Errorf("write chunk: %w", err)
	}
	k.queued = queued
	return nil
}

// cutChunk makes the next chunk of a batch, up to size asks long.
func (t *tx) cutChunk(b *header, size int) (*chunk, error) {
	n := min(max(size, 1), b.asks-b.cut)
	k := &chunk{Chunk: store.NewChunk(store.NewAskID(b.no, b.cut), n), queued: n}
	b.cut += n
	err := t.exec("INSERT INTO chunks (id, n, queued, fresh, open, marks) VALUES (?, ?, ?, ?, ?, ?)", k.ID, n, n, n, n, k.Marks())
	if err == nil {
		err = t.exec("UPDATE batches SET cut = ? WHERE no = ?", b.cut, b.no)
	}
	if err != nil {
		return nil, fmt.Errorf("cut chunk: %w", err)
	}
	return k, nil
}

// askRange returns the first and the last id that an ask of a home can have.
// Rows of a batch have ids in the same range.
func askRange(home store.BatchNo) (first, last store.AskID) {
	return store.NewAskID(home, 0), store.NewAskID(home+1, 0) - 1
}

// chunkCache finds chunks for a reader that goes through asks mostly in order.
type chunkCache struct {
	conn conn
	// recent are the chunks found last, the newest at next-1.
	recent [8]*chunk
	next   int
}

// state returns where an ask stands, and its mark.
func (c *chunkCache) mark(a store.AskID) (store.Mark, error) {
	for _, k := range c.recent {
		if k != nil && k.Has(a) {
			return k.Mark(int(a - k.ID)), nil
		}
	}
	k, err := c.conn.chunkOf(a)
	if err != nil {
		return store.Mark{}, err
	}
	if k == nil {
		return store.Mark{State: store.Queued}, nil
	}
	c.recent[c.next%len(c.recent)] = k
	c.next++
	return k.Mark(int(a - k.ID)), nil
}

// errEnough ends a query early.
var errEnough = errors.New("enough")

// eachChunk calls f for the chunks of a query until it returns false. f must
// not write to chunks.
func (c conn) eachChunk(query string, f func(*chunk) (bool, error), args ...any) error {
	err := c.each(query, func(stmt *sqlite.Stmt) error {
		k, err := scanChunk(stmt)
		if err != nil {
			return err
		}
		more, err := f(k)
		if err == nil && !more {
			return errEnough
		}
		return err
	}, args...)
	if err != nil && !errors.Is(err, errEnough) {
		return fmt.Errorf("read chunks: %w", err)
	}
	return nil
}

package postgres

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/plateq/plateq/store"
)

const (
	// blockSize is how many batch numbers a block has.
	blockSize = 4096
	// blockLife is how long numbers of a block are given out. The rest of
	// them is left, so that a partition holds what is dropped together.
	blockLife = 31 * 24 * time.Hour
)

// partitioned are the tables that have a partition for each block, with the
// column that holds the batch's number.
var partitioned = []struct{ table, column string }{{"rows", "id"}, {"asks", "id"}, {"answers", "ask"}}

// partition is the part of a table that holds what belongs to a batch. Rows that
// all belong to it go there directly, so that not each has to find its way.
func partition(table string, no store.BatchNo) string { return partitionOf(table, int(no)/blockSize) }

func partitionOf(table string, block int) string { return fmt.Sprintf("%s_b%d", table, block) }

// blocks remembers the newest block, so that nobody need ask for it.
type blocks struct {
	mu     sync.Mutex
	newest int
	until  time.Time // when it has had its time; zero: there is none
}

func (b *blocks) has(no store.BatchNo, now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return int(no)/blockSize == b.newest && now.Before(b.until)
}

func (b *blocks) remember(no int, madeAt int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.newest, b.until = no, fromMillis(madeAt).Add(blockLife)
}

// newBatchNo gives out the number of a batch whose partitions are there.
func (s *Store) newBatchNo(ctx context.Context) (store.BatchNo, error) {
	now := s.clock()
	no, err := write(ctx, s, func(ctx context.Context, t *tx) (no store.BatchNo, err error) {
		_, err = t.one(ctx, "SELECT nextval('batch_numbers')", nil, &no)
		if err != nil || s.blocks.has(no, now) {
			return no, err
		}
		return t.numberInBlock(ctx, no)
	})
	if err != nil {
		return 0, fmt.Errorf("number batch: %w", err)
	}
	return no, nil
}

// numberPast makes new batches have higher numbers than those whose keys were
// destroyed, of which a copy from before may know nothing.
func (c conn) numberPast(ctx context.Context, no store.BatchNo) error {
	if no == 0 {
		return nil
	}
	return c.exec(ctx, "SELECT setval('batch_numbers', $1) FROM batch_numbers WHERE last_value < $1", no)
}

// numberInBlock returns the number, or another one where its block has had its
// time, and makes the block where it is not there.
func (t *tx) numberInBlock(ctx context.Context, no store.BatchNo) (store.BatchNo, error) {
	// Whoever waits here finds the block made. The lock names the schema.
	err := t.exec(ctx, "SELECT pg_advisory_xact_lock(hashtextextended('plateq blocks ' || current_schema(), 0))")
	if err != nil {
		return 0, err
	}
	block := int(no) / blockSize
	var newest int
	var madeAt int64
	found, err := t.one(ctx, "SELECT no, made_at FROM blocks ORDER BY no DESC LIMIT 1", nil, &newest, &madeAt)
	if err != nil {
		return 0, err
	}
	switch {
	case found && block < newest:
		return no, nil // its block is old and there; the sequence has gone on
	case found && block == newest && t.now.Before(fromMillis(madeAt).Add(blockLife)):
		t.s.blocks.remember(block, madeAt)
		return no, nil
	case found && block == newest:
		block++
		no = store.BatchNo(block * blockSize) //nolint:gosec // far below 2³¹
		if err := t.exec(ctx, "SELECT setval('batch_numbers', $1)", no); err != nil {
			return 0, err
		}
	}
	return no, t.makeBlock(ctx, block)
}

// makeBlock makes the partitions of a block. Each is made apart and attached,
// which stops neither readers nor writers of the table.
func (t *tx) makeBlock(ctx context.Context, block int) error {
	b := &pgx.Batch{}
	for _, p := range partitioned {
		name := partitionOf(p.table, block)
		b.Queue(fmt.Sprintf("CREATE TABLE %s (LIKE %s INCLUDING ALL)", name, p.table))
		b.Queue(fmt.Sprintf("ALTER TABLE %s ATTACH PARTITION %s FOR VALUES FROM (%d) TO (%d)",
			p.table, name, int64(block)*blockSize<<32, int64(block+1)*blockSize<<32))
	}
	b.Queue("INSERT INTO blocks (no, made_at) VALUES ($1, $2)", block, millis(t.now))
	if err := t.send(ctx, b); err != nil {
		return fmt.Errorf("make partitions: %w", err)
	}
	return nil
}

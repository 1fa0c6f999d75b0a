package postgres

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/plateq/plateq/store"
)

// Load takes all of another store into an empty database, in one transaction:
// either everything is there in the end, counted and with books that balance,
// or nothing is. It fails with *store.OccupiedError where the database is not
// empty, and does nothing where it holds that very store already.
//
// last is called just before the commit, when all is copied and checked; its
// error takes everything back. An error after it may leave open whether the
// commit was made: Load again tells.
func Load(ctx context.Context, url string, d store.Dump, last func() error) (store.Transfer, error) {
	config, err := poolConfig(Options{URL: url, PoolSize: 1})
	if err != nil {
		return store.Transfer{}, err
	}
	var done store.Transfer
	err = atSchema(ctx, config.ConnConfig, d.Facts(), func(c conn) error {
		raw, ok := c.querier.(*pgx.Conn)
		if !ok {
			return errors.New("no connection of its own")
		}
		if err := assertDurable(ctx, raw); err != nil {
			return err
		}
		kept, err := c.facts(ctx)
		if err != nil {
			return err
		}
		if kept.ID() == d.Facts().ID() {
			done.Again = true
			done.Report, err = checkAgain(ctx, raw)
			return err
		}
		done, err = load(ctx, raw, d, last)
		return err
	})
	if err != nil {
		return store.Transfer{}, fmt.Errorf("load store: %w", classify(err))
	}
	return done, nil
}

func checkAgain(ctx context.Context, raw *pgx.Conn) (store.Report, error) {
	t, err := raw.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
	if err != nil {
		return store.Report{}, err
	}
	report, err := conn{t}.check(ctx)
	return report, errors.Join(err, t.Rollback(context.WithoutCancel(ctx)))
}

func load(ctx context.Context, raw *pgx.Conn, d store.Dump, last func() error) (done store.Transfer, err error) {
	t, err := raw.Begin(ctx)
	if err != nil {
		return done, err
	}
	l := &loader{tx: &tx{conn: conn{t}, now: store.Millis(time.Now())}, copyTo: t, dump: d}
	if done, err = l.run(ctx); err == nil {
		err = last()
	}
	if err != nil {
		return done, errors.Join(err, t.Rollback(context.WithoutCancel(ctx)))
	}
	if err := t.Commit(context.WithoutCancel(ctx)); err != nil {
		if decided(err) {
			return done, fmt.Errorf("commit: %w", err)
		}
		return done, &unsureError{cause: err}
	}
	return done, nil
}

// loader is one load under way.
type loader struct {
	*tx
	copyTo pgx.Tx
	dump   store.Dump
}

func (l *loader) run(ctx context.Context) (done store.Transfer, err error) {
	if err := l.claimEmpty(ctx); err != nil {
		return done, err
	}
	if err := l.makeBlocks(ctx); err != nil {
		return done, err
	}
	done.Records = map[string]int64{}
	for _, t := range store.Tables() {
		n, err := l.table(ctx, t)
		if err != nil {
			return done, fmt.Errorf("copy %s: %w", t.Name, err)
		}
		done.Records[t.Name] = n
	}
	if err := l.sign(ctx, l.dump.Facts()); err != nil {
		return done, err
	}
	done.Report, err = l.check(ctx)
	if err == nil && len(done.Report.Problems) > 0 {
		err = fmt.Errorf("check the copy: the books do not balance: %d problems, the first: %s",
			len(done.Report.Problems), done.Report.Problems[0])
	}
	return done, err
}

// claimEmpty makes sure that the database is empty and stays so for others, and
// takes away what an empty store keeps.
func (l *loader) claimEmpty(ctx context.Context) error {
	if err := l.exec(ctx, "LOCK TABLE batches, calls, workers, api_keys, acts IN EXCLUSIVE MODE"); err != nil {
		return fmt.Errorf("lock tables: %w", err)
	}
	for _, q := range []struct{ query, what string }{
		{"SELECT EXISTS (SELECT 1 FROM batches)", "lists"},
		{"SELECT EXISTS (SELECT 1 FROM calls)", "calls"},
		{"SELECT EXISTS (SELECT 1 FROM api_keys)", "API keys"},
		{"SELECT EXISTS (SELECT 1 FROM acts)", "an audit log"},
		{"SELECT EXISTS (SELECT 1 FROM workers WHERE beat_at > " + beatTime("NULL") + " - 60000)", "workers that are running"},
	} {
		occupied, err := l.truth(ctx, q.query)
		if err != nil {
			return fmt.Errorf("look for %s: %w", q.what, err)
		}
		if occupied {
			return &store.OccupiedError{What: q.what}
		}
	}
	for _, table := range []string{"workers", "gates", "meta"} {
		if err := l.exec(ctx, "DELETE FROM "+table); err != nil {
			return fmt.Errorf("empty %s: %w", table, err)
		}
	}
	return nil
}

// makeBlocks makes the partitions for all numbers that batches have had.
func (l *loader) makeBlocks(ctx context.Context) error {
	last, err := l.dump.Last(store.Tables()[0])
	if err != nil {
		return err
	}
	there, err := list[int](ctx, l.conn, "SELECT no FROM blocks")
	if err != nil {
		return fmt.Errorf("read blocks: %w", err)
	}
	made := map[int]bool{}
	for _, no := range there {
		made[no] = true
	}
	for block := 0; block <= int(last/blockSize); block++ {
		if made[block] {
			continue
		}
		if err := l.makeBlock(ctx, block); err != nil {
			return err
		}
	}
	return nil
}

// table copies a table, counts it on both sides, and goes on with its numbers.
func (l *loader) table(ctx context.Context, t store.Table) (int64, error) {
	want, err := l.dump.Count(t)
	if err != nil {
		return 0, err
	}
	records := pull(l.dump.Records(t), additions[t.Name])
	defer records.stop()
	if _, err := l.copyTo.CopyFrom(ctx, pgx.Identifier{t.Name}, columnNames(t), records); err != nil {
		return 0, err
	}
	var got int64
	if _, err := l.one(ctx, "SELECT count(*) FROM "+t.Name, nil, &got); err != nil {
		return 0, err
	}
	if got != want {
		return 0, fmt.Errorf("%d records came, want %d", got, want)
	}
	// The check that follows needs plans for tables that are not empty.
	if err := l.exec(ctx, "ANALYZE "+t.Name); err != nil {
		return 0, err
	}
	return got, l.number(ctx, t)
}

// number makes the table's next number one that was never given out.
func (l *loader) number(ctx context.Context, t store.Table) error {
	if !t.Numbered {
		return nil
	}
	last, err := l.dump.Last(t)
	if err != nil || last == 0 {
		return err
	}
	sequence := "'batch_numbers'"
	if t.Name != "batches" {
		sequence = fmt.Sprintf("pg_get_serial_sequence('%s', '%s')", t.Name, t.Columns[0].Name)
	}
	return l.exec(ctx, "SELECT setval("+sequence+", $1)", last)
}

// additions are the columns that only this store has, all of them 0: no intake
// lives, and counts begin in the first slot.
var additions = map[string][]string{"batches": {"beat_at"}, "tallies": {"slot"}, "costs": {"slot"}, "readings": {"slot"}}

func columnNames(t store.Table) []string {
	names := make([]string, 0, len(t.Columns)+1)
	for _, c := range t.Columns {
		names = append(names, c.Name)
	}
	return append(names, additions[t.Name]...)
}

// records feeds a table to COPY; it is a pgx.CopyFromSource.
type records struct {
	next   func() ([]any, error, bool)
	stop   func()
	more   int // columns that are added
	record []any
	err    error
}

func pull(seq iter.Seq2[[]any, error], added []string) *records {
	r := &records{more: len(added)}
	r.next, r.stop = iter.Pull2(seq)
	return r
}

// Next implements pgx.CopyFromSource.
func (r *records) Next() bool {
	record, err, more := r.next()
	if r.err = err; !more || err != nil {
		return false
	}
	r.record = append(r.record[:0], record...)
	for range r.more {
		r.record = append(r.record, int64(0))
	}
	return true
}

// Values implements pgx.CopyFromSource.
func (r *records) Values() ([]any, error) { return r.record, nil }

// Err implements pgx.CopyFromSource.
func (r *records) Err() error { return r.err }

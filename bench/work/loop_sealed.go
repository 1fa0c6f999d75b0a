package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// loopSealed is the loop that promises what Plateq does, and does nothing
// else: the list is taken in before anybody is asked, plates and answers are
// sealed, a next list could find what was asked before, and what is asked is
// recorded and committed first. What is claimed and has no answer after a crash
// may have been paid for. There is no queue, no pace, nobody watches, and it
// cannot go on where it was stopped.
func (r role) loopSealed(ctx context.Context) error {
	s, err := openSealed(ctx, r.Database)
	if err != nil {
		return err
	}
	defer s.close()
	if err := s.takeIn(ctx, r.List); err != nil {
		return err
	}
	claim := func(ctx context.Context, to chan<- []question) error { return s.claim(ctx, r.Batch, to) }
	return r.ask(ctx, claim, s)
}

// sealedStore is a list and its answers, sealed.
type sealedStore struct {
	*sealing
	writes, reads *pgx.Conn
	taken         int64 // rows
}

func openSealed(ctx context.Context, url string) (_ *sealedStore, err error) {
	s := &sealedStore{}
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	if s.sealing, err = newSealing(); err != nil {
		return nil, err
	}
	for _, c := range []**pgx.Conn{&s.writes, &s.reads} {
		if *c, err = pgx.Connect(ctx, url); err != nil {
			return nil, fmt.Errorf("open PostgreSQL: %w", err)
		}
	}
	if _, err := s.writes.Exec(ctx, makeSealed); err != nil {
		return nil, fmt.Errorf("make tables: %w", err)
	}
	return s, nil
}

// claimRows are claimed together, or as many as are asked about at once.
const claimRows = 200

// claim records that plates are about to be asked, and hands them over, so
// many together.
func (s *sealedStore) claim(ctx context.Context, batch int, to chan<- []question) error {
	defer close(to)
	n := int64(max(claimRows, batch))
	for first := int64(0); first < s.taken; first += n {
		if _, err := s.reads.Exec(ctx, "INSERT INTO claims (first, upto) VALUES ($1, $2)", first, first+n); err != nil {
			return fmt.Errorf("claim: %w", err)
		}
		all, err := s.questions(ctx, first, first+n)
		if err != nil {
			return err
		}
		for from := 0; from < len(all); from += batch {
			select {
			case to <- all[from:min(from+batch, len(all))]:
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		}
	}
	return nil
}

func (s *sealedStore) questions(ctx context.Context, first, upto int64) ([]question, error) {
	rows, err := s.reads.Query(ctx, "SELECT id, question FROM asks WHERE id >= $1 AND id < $2 ORDER BY id", first, upto)
	if err != nil {
		return nil, fmt.Errorf("read questions: %w", err)
	}
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (question, error) {
		var q question
		var sealed []byte
		if err := row.Scan(&q.seq, &sealed); err != nil {
			return q, err
		}
		plate, err := s.open(sealed)
		q.plate = string(plate)
		return q, err
	})
	if err != nil {
		return nil, fmt.Errorf("read questions: %w", err)
	}
	return all, nil
}

func (s *sealedStore) write(ctx context.Context, all []answered) error {
	rows := pgx.CopyFromSlice(len(all), func(i int) ([]any, error) {
		a := &all[i]
		return []any{a.seq, a.at.UnixMilli(), s.seal(a.body)}, nil
	})
	if _, err := s.writes.CopyFrom(ctx, pgx.Identifier{"answers"}, []string{"ask", "at", "body"}, rows); err != nil {
		return fmt.Errorf("write answers: %w", err)
	}
	return nil
}

// export reads rows and answers side by side, and writes what was sealed.
func (s *sealedStore) export(ctx context.Context, path string) error {
	return writeResults(path, func(do func([]string) error) error { return s.each(ctx, do) })
}

func (s *sealedStore) each(ctx context.Context, do func([]string) error) error {
	lines, err := s.reads.Query(ctx, "SELECT line FROM rows ORDER BY id")
	if err != nil {
		return err
	}
	defer lines.Close()
	answers, err := s.writes.Query(ctx, "SELECT at, body FROM answers ORDER BY ask")
	if err != nil {
		return err
	}
	defer answers.Close()
	for lines.Next() && answers.Next() {
		var line, body []byte
		var at int64
		if err := errors.Join(lines.Scan(&line), answers.Scan(&at, &body)); err != nil {
			return err
		}
		plate, err := s.open(line)
		if err != nil {
			return err
		}
		answer, err := s.open(body)
		if err != nil {
			return err
		}
		if err := do([]string{string(plate), time.UnixMilli(at).UTC().Format(time.RFC3339), string(answer)}); err != nil {
			return err
		}
	}
	return errors.Join(lines.Err(), answers.Err())
}

func (s *sealedStore) close() {
	for _, c := range []*pgx.Conn{s.writes, s.reads} {
		if c != nil {
			_ = c.Close(context.Background())
		}
	}
}

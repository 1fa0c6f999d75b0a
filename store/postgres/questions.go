package postgres

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/plateq/plateq/store"
)

// sealedAsks are asks of a chunk, ascending, with their questions as they are
// stored. One that is not there is empty.
type sealedAsks struct {
	asks   []store.Ask
	sealed []sealedQuestion // in the order of asks
}

type sealedQuestion struct {
	question    []byte
	foundBefore bool
	prior       store.TicketID
	handle      []byte // of the prior ticket
	service     string
}

// queueAsks adds the reading of asks of a chunk to a batch of statements.
func (t *tx) queueAsks(b *pgx.Batch, k *store.Chunk, offsets store.Offsets) *sealedAsks {
	s := &sealedAsks{asks: make([]store.Ask, len(offsets)), sealed: make([]sealedQuestion, len(offsets))}
	for n, i := range offsets {
		s.asks[n] = store.Ask{ID: k.Ask(i), Attempts: k.Mark(i).Attempts}
	}
	if len(s.asks) == 0 {
		return s
	}
	b.Queue(questionQuery+"id BETWEEN $1 AND $2", s.asks[0].ID, s.asks[len(s.asks)-1].ID).Query(func(rows pgx.Rows) error {
		var id store.AskID
		var q sealedQuestion
		return eachOf(rows, func(r pgx.Rows) error {
			err := r.Scan(&id, &q.question, &q.foundBefore, &q.prior, &q.handle, &q.service)
			s.put(id, q)
			return err
		})
	})
	return s
}

// put takes a question in, if it is of one of the asks.
func (s *sealedAsks) put(id store.AskID, q sealedQuestion) {
	n, ok := slices.BinarySearchFunc(s.asks, id, func(a store.Ask, id store.AskID) int { return cmp.Compare(a.ID, id) })
	if ok {
		s.sealed[n] = q
	}
}

// open opens the questions. One that is not there is damaged too.
func (s *sealedAsks) open(sealer *store.Sealer) ([]store.Ask, *damagedError) {
	var damaged *damagedError
	for i := range s.asks {
		a := &s.asks[i]
		sealed := &s.sealed[i]
		q, err := sealer.OpenQuestion(a.ID, sealed.question)
		if err == nil {
			a.Prior, err = sealer.UsablePrior(sealed.prior, sealed.handle)
		}
		if err != nil {
			if damaged == nil {
				damaged = &damagedError{cause: err}
			}
			damaged.asks = append(damaged.asks, a.ID)
			if lacking, ok := errors.AsType[*store.SealKeyError](err); ok {
				damaged.lacking = append(damaged.lacking, lacking)
			}
		}
		a.Subject, a.Params, a.FoundBefore, a.Service = q.Subject, q.Params, sealed.foundBefore, sealed.service
	}
	return s.asks, damaged
}

// questionQuery looks no ticket up where there was none before, as for nearly
// all asks: that took as long as all the rest.
const questionQuery = `SELECT id, question, found_before, coalesce(prior, 0),
	CASE WHEN a.prior IS NOT NULL THEN (SELECT t.handle FROM tickets t WHERE t.id = a.prior) END, service
	FROM asks a WHERE `

// questions reads and opens what was asked, but for what cannot be read.
func (c conn) questions(ctx context.Context, sealer *store.Sealer, ids []store.AskID) (map[store.AskID]store.Ask, error) {
	all := make(map[store.AskID]store.Ask, len(ids))
	if len(ids) == 0 {
		return all, nil
	}
	err := c.each(ctx, questionQuery+"id = ANY($1)", func(r pgx.Rows) error {
		var a store.Ask
		var s sealedQuestion
		if err := r.Scan(&a.ID, &s.question, &a.FoundBefore, &s.prior, &s.handle, &a.Service); err != nil {
			return err
		}
		if q, err := sealer.OpenQuestion(a.ID, s.question); err == nil {
			a.Subject, a.Params = q.Subject, q.Params
			a.Prior, _ = sealer.OpenPrior(s.prior, s.handle) // it was opened when the call was made
			all[a.ID] = a
		}
		return nil
	}, ids)
	if err != nil {
		return nil, fmt.Errorf("read asks: %w", err)
	}
	return all, nil
}

// damagedError says that asks were taken which cannot be read, the first of
// them because of cause. lacking are those for which a key is not given.
type damagedError struct {
	asks    []store.AskID
	cause   error
	lacking []*store.SealKeyError
}

// assertKeys fails where asks cannot be read for want of a key that others seal
// with: they are sound, and not for this process to give up. A key that nobody
// knows is damage like any other.
func (t *tx) assertKeys(ctx context.Context, damaged *damagedError) error {
	if damaged == nil || len(damaged.lacking) == 0 {
		return nil
	}
	kept, err := t.facts(ctx)
	if err != nil {
		return err
	}
	for _, lacking := range damaged.lacking {
		if kept.Seals(lacking.Key) {
			return lacking
		}
	}
	return nil
}

func (e *damagedError) Error() string {
	return fmt.Sprintf("read %s: %v", e.asks[0].Name(), e.cause)
}

func (e *damagedError) Unwrap() error { return e.cause }

// verdicts gives the asks up, so that they hold up no others.
func (e *damagedError) verdicts() []store.Verdict {
	all := make([]store.Verdict, len(e.asks))
	for i, a := range e.asks {
		all[i] = store.Damaged(a)
	}
	return all
}

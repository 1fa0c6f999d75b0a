package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/plateq/plateq/store"
)

// copyFrom is how many answers are worth a COPY, which is a way to the server
// of its own.
const copyFrom = 20

// sealedAnswers are answers as they are stored, column by column.
type sealedAnswers struct {
	asks, times []int64
	bodies      [][]byte
	// Why they failed, empty where they did not.
	classes, codes []string
}

func (s *sealedAnswers) add(a store.Answered, body []byte) {
	s.asks, s.times, s.bodies = append(s.asks, int64(a.Ask)), append(s.times, millis(a.Answer.At)), append(s.bodies, body)
	class, code := a.Answer.Cause()
	s.classes, s.codes = append(s.classes, string(class)), append(s.codes, code)
}

// keepAnswers stores answers, or adds that to a batch of statements where they
// are few. A late one replaces the failure.
func (t *tx) keepAnswers(ctx context.Context, b *pgx.Batch, r store.Ruling, by store.CallID, bodies store.SealedAnswers) error {
	late := map[store.AskID]bool{}
	for _, m := range r.Moves {
		if m.From == store.Failed {
			late[m.Ask] = true
		}
	}
	var first, again sealedAnswers
	for _, a := range r.Answers {
		body, err := t.s.sealer.SealedAnswer(bodies, a)
		if err != nil {
			return err
		}
		if late[a.Ask] {
			again.add(a, body)
		} else {
			first.add(a, body)
		}
	}
	if len(first.asks) >= copyFrom {
		if err := t.copyAnswers(ctx, first, by); err != nil {
			return err
		}
		first = sealedAnswers{}
	}
	for _, s := range []sealedAnswers{first, again} {
		if len(s.asks) > 0 {
			b.Queue(`INSERT INTO answers (ask, at, call, body, class, code)
				SELECT ask, at, $4, body, class, code
				FROM unnest($1::bigint[], $2::bigint[], $3::bytea[], $5::text[], $6::text[]) AS a (ask, at, body, class, code)
				ON CONFLICT (ask) DO UPDATE SET at = excluded.at, call = excluded.call, body = excluded.body,
					class = excluded.class, code = excluded.code`, s.asks, s.times, s.bodies, by, s.classes, s.codes)
		}
	}
	return nil
}

// copyAnswers writes answers to asks of one home.
func (t *tx) copyAnswers(ctx context.Context, s sealedAnswers, by store.CallID) error {
	table := partition("answers", store.AskID(s.asks[0]).Home())
	return t.copy(ctx, table, []string{"ask", "at", "call", "body", "class", "code"}, len(s.asks), func(i int, r *copied) {
		r.long(s.asks[i])
		r.long(s.times[i])
		r.long(int64(by))
		r.bytes(s.bodies[i])
		r.text(s.classes[i])
		r.text(s.codes[i])
	})
}

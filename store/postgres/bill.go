package postgres

import (
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/plateq/plateq/store"
)

// queueCost adds to a batch of statements that a call costs otherwise than
// before, which is written by then: to its budgets, and to the batch that pays,
// as queueTally does with counts. sent is when it was recorded.
func (t *tx) queueCost(b *pgx.Batch, no store.BatchNo, home *header, sent time.Time, c store.Cost) {
	if c.None() {
		return
	}
	t.queueSpend(b, no, home, sent, c)
	b.Queue(`INSERT INTO costs AS c (batch, currency, slot, held, spent) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (batch, currency, slot) DO UPDATE SET held = c.held + excluded.held, spent = c.spent + excluded.spent`,
		no, c.Currency, t.raw.slot(), int64(c.Held), int64(c.Spent))
}

// costColumns are what costsOf makes costs of, of a batch b.
const costColumns = `ARRAY(SELECT currency FROM costs c WHERE c.batch = b.no GROUP BY currency ORDER BY currency),
	ARRAY(SELECT sum(held)::bigint FROM costs c WHERE c.batch = b.no GROUP BY currency ORDER BY currency),
	ARRAY(SELECT sum(spent)::bigint FROM costs c WHERE c.batch = b.no GROUP BY currency ORDER BY currency)`

func costsOf(currencies []string, held, spent []int64) []store.Cost {
	var all []store.Cost
	for i, c := range currencies {
		if held[i] != 0 || spent[i] != 0 {
			all = append(all, store.Cost{Currency: c, Held: store.Money(held[i]), Spent: store.Money(spent[i])})
		}
	}
	return all
}

// unaskedColumn counts the asks at home of a batch b that are queued.
const unaskedColumn = `b.asks - (SELECT cut FROM cuts c WHERE c.batch = b.no)
	+ (SELECT coalesce(sum(queued), 0) FROM chunks k WHERE k.id BETWEEN b.no::bigint << 32 AND (b.no::bigint + 1 << 32) - 1 AND queued > 0)`

package main

import (
	"context"
	"strings"
	"time"
)

// loop is the contender with which the others are compared.
const loop = "loop"

// partOfList is what asynq and River are given: they would take long.
const partOfList = 0.2

func loops() []contender {
	return []contender{
		peer(loop, "a loop, COPY into PostgreSQL", 1, needsPostgres),
		peer("loop-sqlite", "a loop, SQLite with synchronous=NORMAL", 1),
	}
}

func queues() []contender {
	return []contender{
		peer("river", "River, a job for each plate", partOfList, needsRiver),
		peer("asynq", "asynq, a task for each plate", partOfList, needsPostgres, needsRedis),
	}
}

func (b *bench) page(ctx context.Context) (string, error) {
	ours := []contender{service(), embedded()}
	var page strings.Builder
	for _, c := range []contest{
		{"single", task{rows: b.size(100_000), atOnce: 64, batch: 1}, append(append(ours, loops()...), queues()...)},
		{"distant", task{rows: b.size(100_000), atOnce: 400, batch: 1, delay: 20 * time.Millisecond}, append(append(ours, loops()...), queues()...)},
		{"batches", task{rows: b.size(200_000), atOnce: 64, batch: 1000}, append(ours, loops()...)},
		{"intake", task{rows: b.size(1_000_000), atOnce: 1, batch: 1, intakeOnly: true}, []contender{
			intakeService(), intakeEmbedded(), peer("copy", "one COPY into PostgreSQL", 1, needsPostgres), peer("copy-sqlite", "SQLite, 10,000 a transaction", 1),
		}},
	} {
		all, err := b.hold(ctx, c)
		if err != nil {
			return page.String(), err
		}
		page.WriteString(c.table(all, loop))
	}
	return page.String(), nil
}

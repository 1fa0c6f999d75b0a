package main

import (
	"context"
	"strings"
)

// loop is the contender with which the others are compared.
const loop = "loop"

func (b *bench) page(ctx context.Context) (string, error) {
	var page strings.Builder
	for _, c := range []contest{{"single", task{rows: b.size(100_000), atOnce: 64, batch: 1}, []contender{
		service(), embedded(), peer(loop, "a loop, COPY into PostgreSQL", 1, needsPostgres),
	}}} {
		all, err := b.hold(ctx, c)
		if err != nil {
			return page.String(), err
		}
		page.WriteString(c.table(all, loop))
	}
	return page.String(), nil
}

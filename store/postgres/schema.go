package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/plateq/plateq/store"
)

// Schema says how the schema of a database stands and changes nothing.
func Schema(ctx context.Context, url string) (s store.Schema, err error) {
	config, err := poolConfig(Options{URL: url, PoolSize: 1})
	if err != nil {
		return s, err
	}
	raw, err := pgx.ConnectConfig(ctx, config.ConnConfig)
	if err != nil {
		return s, fmt.Errorf("read schema: %w", explain(err))
	}
	defer func() { err = errors.Join(err, raw.Close(context.WithoutCancel(ctx))) }()
	c := conn{raw}
	if err := c.assertServer(ctx); err != nil {
		return s, fmt.Errorf("read schema: %w", classify(err))
	}
	has, err := c.schema(ctx)
	if err != nil {
		return s, classify(err)
	}
	return store.NewSchema(has, knows, migrations)
}

package postgres

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"

	"github.com/plateq/plateq/store"
)

//go:embed migrations/*.sql
var migrations embed.FS

// knows is the newest schema that this version can work with.
const knows = 20

// leastServer is the oldest server whose settings and locks are as this
// package needs them, as the server writes its version.
const leastServer = 140000

// migrate judges the schema before anything is written to it, brings it to the
// newest version and signs it. It returns the store's id.
func migrate(ctx context.Context, config *pgx.ConnConfig, o Options) (id string, err error) {
	err = atSchema(ctx, config, store.NewFacts(o.Keys, o.Simulated, o.Region), func(c conn) error {
		kept, err := c.facts(ctx)
		if err == nil {
			err = o.Keys.VerifySealing(kept)
		}
		if err != nil {
			return err
		}
		if err := c.sign(ctx, o.Keys.Sign(kept, o.Simulated, o.Region)); err != nil {
			return err
		}
		if err := c.numberPast(ctx, o.Keys.LastDestroyed()); err != nil {
			return err
		}
		kept, err = c.facts(ctx)
		id = kept.ID()
		return err
	})
	return id, err
}

// atSchema brings the schema to the newest version, unless it is not to be used
// with these facts, and then does what comes after. Of several processes at
// once one does so, and the others wait. The connection has no timeouts.
func atSchema(ctx context.Context, config *pgx.ConnConfig, facts store.Facts, do func(conn) error) (err error) {
	config = config.Copy()
	for _, timeout := range []string{"lock_timeout", "statement_timeout", "idle_in_transaction_session_timeout"} {
		config.RuntimeParams[timeout] = "0"
	}
	raw, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return explain(err)
	}
	defer func() { err = errors.Join(err, raw.Close(context.WithoutCancel(ctx))) }()
	c := conn{raw}
	if err := c.assertServer(ctx); err != nil {
		return err
	}
	if err := c.assertRoom(ctx); err != nil {
		return err
	}
	// The lock ends with the connection, whatever happens to this process.
	err = c.exec(ctx, "SELECT pg_advisory_lock(hashtextextended('plateq migrate ' || current_schema(), 0))")
	if err != nil {
		return fmt.Errorf("lock schema: %w", err)
	}
	has, err := c.schema(ctx)
	if err != nil {
		return err
	}
	if has > knows {
		return &store.SchemaError{Has: has, Knows: knows}
	}
	if has > 0 {
		kept, err := c.facts(ctx)
		if err == nil {
			err = facts.Verify(kept)
		}
		if err != nil {
			return err
		}
	}
	if has < knows {
		if err := up(ctx, config); err != nil {
			return err
		}
	}
	return do(c)
}

func (c conn) assertServer(ctx context.Context) error {
	var version int
	var schema *string
	_, err := c.one(ctx, "SELECT current_setting('server_version_num')::int, current_schema()", nil, &version, &schema)
	if err != nil {
		return fmt.Errorf("read version: %w", err)
	}
	if version < leastServer {
		return fmt.Errorf("the server is PostgreSQL %d, at least %d is needed", version/10000, leastServer/10000)
	}
	if schema == nil {
		return errors.New("the schema that search_path names is not there")
	}
	return nil
}

// schema says which schema there is, 0 for none.
func (c conn) schema(ctx context.Context) (has int64, err error) {
	found, err := c.truth(ctx, "SELECT to_regclass(format('%I.goose_db_version', current_schema())) IS NOT NULL")
	if err != nil || !found {
		return 0, err
	}
	_, err = c.one(ctx, "SELECT coalesce(max(version_id), 0) FROM goose_db_version WHERE is_applied", nil, &has)
	if err != nil {
		return 0, fmt.Errorf("read schema: %w", err)
	}
	return has, nil
}

// up brings the schema to the newest version.
func up(ctx context.Context, config *pgx.ConnConfig) (err error) {
	db := stdlib.OpenDB(*config)
	defer func() { err = errors.Join(err, db.Close()) }()
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	p, err := goose.NewProvider(goose.DialectPostgres, db, files)
	if err != nil {
		return err
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	return nil
}

func (c conn) facts(ctx context.Context) (store.Facts, error) {
	kept := store.Facts{}
	err := c.each(ctx, "SELECT name, value FROM meta", func(r pgx.Rows) error {
		var name, value string
		err := r.Scan(&name, &value)
		kept[name] = value
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read meta: %w", err)
	}
	return kept, nil
}

// sign writes facts that are not there yet.
func (c conn) sign(ctx context.Context, facts store.Facts) error {
	b := &pgx.Batch{}
	for name, value := range facts {
		b.Queue("INSERT INTO meta (name, value) VALUES ($1, $2) ON CONFLICT DO NOTHING", name, value)
	}
	if err := c.send(ctx, b); err != nil {
		return fmt.Errorf("write meta: %w", err)
	}
	return nil
}

package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/plateq/plateq/store"
)

// Vitals says how a store and its server stand, and changes nothing.
func Vitals(ctx context.Context, o Options) (v store.Vitals, err error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	o.PoolSize = 1
	config, err := poolConfig(o)
	if err != nil {
		return v, err
	}
	raw, err := pgx.ConnectConfig(ctx, config.ConnConfig)
	if err != nil {
		return v, fmt.Errorf("connect: %w", classify(err))
	}
	defer func() { err = errors.Join(err, raw.Close(context.WithoutCancel(ctx))) }()
	c := conn{raw}
	if v.Refusal = c.assertServer(ctx); v.Refusal == nil {
		if v.Refusal, err = c.readStanding(ctx, o, &v); err != nil {
			return v, fmt.Errorf("look at the schema: %w", classify(err))
		}
	}
	v.APIKeys = -1
	if v.Refusal == nil && v.Schema.Has > 0 && len(v.Schema.Pending) == 0 {
		if _, err := c.one(ctx, "SELECT count(*) FROM api_keys", nil, &v.APIKeys); err != nil {
			return v, fmt.Errorf("count API keys: %w", classify(err))
		}
	}
	if err := c.readServer(ctx, &v); err != nil {
		return v, fmt.Errorf("look at the server: %w", classify(err))
	}
	asked, there := o.Now(), time.Time{}
	if _, err := c.one(ctx, "SELECT clock_timestamp()", nil, &there); err != nil {
		return v, fmt.Errorf("read the clock: %w", classify(err))
	}
	v.Clock = store.NewClockReading(asked, there, o.Now())
	return v, nil
}

// readStanding reads the schema, and returns why it would not be opened.
func (c conn) readStanding(ctx context.Context, o Options, v *store.Vitals) (refusal, err error) {
	has, err := c.schema(ctx)
	if err != nil {
		return nil, err
	}
	if v.Schema, err = store.NewSchema(has, knows, migrations); err != nil {
		return nil, err
	}
	if err := v.Schema.Err(); err != nil || has == 0 {
		return err, nil
	}
	kept, err := c.facts(ctx)
	if err != nil {
		return nil, err
	}
	if err := store.NewFacts(o.Keys, o.Simulated, o.Region).Verify(kept); err != nil {
		return err, nil
	}
	return o.Keys.VerifySealing(kept), nil
}

// vitals asks everything at once. Who is asked at the server's own socket or
// address is on the same machine.
const vitals = `SELECT current_setting('server_version'), pg_database_size(current_database()),
	current_setting('fsync') = 'on', current_setting('full_page_writes') = 'on', pg_is_in_recovery(),
	(SELECT rolsuper FROM pg_roles WHERE rolname = current_user),
	has_database_privilege(current_database(), 'TEMPORARY'), has_schema_privilege(current_schema(), 'CREATE'),
	NOT coalesce((SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()), false)
		AND coalesce(inet_client_addr() <> inet_server_addr(), false),
	current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
		- (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend')::int`

func (c conn) readServer(ctx context.Context, v *store.Vitals) error {
	var version string
	var fsync, wholePages, temporary, create bool
	_, err := c.one(ctx, vitals, nil, &version, &v.Size, &fsync, &wholePages, &v.Standby, &v.Superuser, &temporary, &create, &v.Clear, &v.Connections)
	if err != nil {
		return err
	}
	v.Server = "PostgreSQL " + version
	for _, setting := range []struct {
		on   bool
		text string
	}{{fsync, "fsync=off"}, {wholePages, "full_page_writes=off"}} {
		if !setting.on {
			v.Lowered = append(v.Lowered, setting.text)
		}
	}
	for _, right := range []struct {
		has  bool
		text string
	}{{temporary, "TEMPORARY on the database"}, {create, "CREATE in the schema"}} {
		if !right.has {
			v.Lacks = append(v.Lacks, right.text)
		}
	}
	return nil
}

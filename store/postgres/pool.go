package postgres

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Settings of sessions, as the server writes them.
var sessionSettings = map[string]string{
	"application_name": "plateq",
	// A transaction takes milliseconds. What takes so much longer waits for
	// something that will not come.
	"statement_timeout":                   "60s",
	"lock_timeout":                        "20s",
	"idle_in_transaction_session_timeout": "60s",
	// A process that is gone gives its locks free.
	"client_connection_check_interval": "5s",
	"tcp_keepalives_idle":              "30",
	"tcp_keepalives_interval":          "10",
	"tcp_keepalives_count":             "3",
	// Each statement has one right plan, by an index, whatever the server
	// believes of a batch that it has not analysed yet.
	"plan_cache_mode": "force_generic_plan",
	"enable_seqscan":  "off",
	"jit":             "off",
	"timezone":        "UTC",
}

// connectPatience bounds how long one attempt to connect takes.
const connectPatience = 5 * time.Second

// slotKey is where a connection keeps its slot of tallies.
const slotKey = "slot"

// slot returns the slot of tallies in which this connection counts.
func (s *session) slot() int64 {
	slot, _ := s.Conn.Conn().PgConn().CustomData()[slotKey].(int64)
	return slot
}

func poolConfig(o Options) (*pgxpool.Config, error) {
	config, err := parseURL(o.URL)
	if err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	config.MaxConns = int32(min(o.PoolSize, 1000)) //nolint:gosec // bounded
	config.MaxConnIdleTime = 5 * time.Minute
	config.ConnConfig.ConnectTimeout = connectPatience
	for name, value := range sessionSettings {
		if _, given := config.ConnConfig.RuntimeParams[name]; !given {
			config.ConnConfig.RuntimeParams[name] = value
		}
	}
	next := atomic.Int64{}
	next.Store(rand.Int64N(slots)) //nolint:gosec // processes only differ
	config.AfterConnect = func(ctx context.Context, c *pgx.Conn) error {
		c.PgConn().CustomData()[slotKey] = next.Add(1) % slots
		return assertDurable(ctx, c)
	}
	return config, nil
}

// assertDurable raises what the promise stands on where the server's default
// is lower, and leaves what is higher.
func assertDurable(ctx context.Context, c *pgx.Conn) error {
	_, err := c.Exec(ctx, `SELECT set_config('synchronous_commit', 'on', false)
		WHERE current_setting('synchronous_commit') IN ('off', 'local')`)
	return err
}

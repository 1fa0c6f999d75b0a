package rig

import (
	"context"
	"fmt"
	"strconv"
	"sync/atomic"

	"github.com/jackc/pgx/v5"

	"github.com/plateq/plateq/internal/pgtest"
)

// Postgres is a PostgreSQL with a database for each that asks for one.
type Postgres struct {
	server *pgtest.Server
	made   atomic.Int32
}

// StartPostgres starts a server with the defaults of PostgreSQL and further
// arguments.
func StartPostgres(args ...string) (*Postgres, error) {
	s, err := pgtest.New(args...)
	if err != nil {
		return nil, fmt.Errorf("start PostgreSQL: %w", err)
	}
	return &Postgres{server: s}, nil
}

// URL is that of a database that nobody uses.
func (p *Postgres) URL() string { return p.server.URL() }

// Database makes an empty one and returns its URL.
func (p *Postgres) Database(ctx context.Context) (string, error) {
	c, err := pgx.Connect(ctx, p.URL())
	if err != nil {
		return "", fmt.Errorf("make a database: %w", err)
	}
	defer c.Close(ctx) //nolint:errcheck // it was only asked
	name := "bench" + strconv.Itoa(int(p.made.Add(1)))
	if _, err := c.Exec(ctx, "CREATE DATABASE "+name); err != nil {
		return "", fmt.Errorf("make a database: %w", err)
	}
	return "postgres://postgres@" + p.server.Addr() + "/" + name + "?sslmode=disable", nil
}

// Usage is what the server and its sessions have used since it was started.
func (p *Postgres) Usage() (Usage, error) { return usageOf(p.server.PID()) }

// Close ends the server and removes what it kept.
func (p *Postgres) Close() error {
	p.server.Stop() // one that is killed still writes
	if err := p.server.Remove(); err != nil {
		return fmt.Errorf("remove PostgreSQL: %w", err)
	}
	return nil
}

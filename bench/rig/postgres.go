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
	name := "bench" + strconv.Itoa(int(p.made.Add(1)))
	if err := p.Exec(ctx, "CREATE DATABASE "+name); err != nil {
		return "", err
	}
	return "postgres://postgres@" + p.server.Addr() + "/" + name + "?sslmode=disable", nil
}

// Drop removes a database that Database made, whoever is still in it.
func (p *Postgres) Drop(ctx context.Context, database string) error {
	to, err := pgx.ParseConfig(database)
	if err != nil {
		return fmt.Errorf("drop a database: %w", err)
	}
	return p.Exec(ctx, "DROP DATABASE "+to.Database+" WITH (FORCE)")
}

// Exec runs one statement as the owner of the server.
func (p *Postgres) Exec(ctx context.Context, statement string) error {
	c, err := pgx.Connect(ctx, p.URL())
	if err != nil {
		return fmt.Errorf("reach PostgreSQL: %w", err)
	}
	defer c.Close(ctx) //nolint:errcheck // it was only told
	if _, err := c.Exec(ctx, statement); err != nil {
		return fmt.Errorf("tell PostgreSQL: %w", err)
	}
	return nil
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

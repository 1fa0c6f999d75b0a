package main

import (
	"context"
	"errors"
	"time"

	"github.com/plateq/plateq/bench/rig"
)

// peer returns a contender that is a role of this program, with what it needs.
func peer(name, title string, part float64, needs ...string) contender {
	return contender{name: name, title: title, part: part, run: func(ctx context.Context, b *bench, r *run) error {
		return b.peer(ctx, name, r, needs)
	}}
}

// What a peer may need.
const (
	needsPostgres = "postgres"
	needsRedis    = "redis"
	needsRiver    = "river" // PostgreSQL with River's tables
)

// peer runs this program in a role until it has done the work.
func (b *bench) peer(ctx context.Context, as string, r *run, needs []string) (err error) {
	p := role{As: as, URL: r.up.url, List: r.list, Out: r.out, Rows: r.rows, AtOnce: r.atOnce, Batch: r.batch}
	around, err := b.prepare(ctx, r.dir, needs)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, around.close()) }()
	p.Database, p.Redis = around.database, around.redisAddr()
	before, err := around.spent()
	if err != nil {
		return err
	}
	begun := time.Now()
	process, err := b.start(as, r.dir, p)
	if err != nil {
		return err
	}
	defer process.Kill()
	if err := process.Wait(ctx); err != nil {
		return err
	}
	r.took = time.Since(begun)
	after, err := around.spent()
	if err != nil {
		return err
	}
	used, err := process.Usage()
	if err != nil {
		return err
	}
	r.cpu = spent{own: used.CPU, redis: after.redis - before.redis, postgres: after.postgres - before.postgres}
	r.peak = used.Peak
	if r.intakeOnly {
		return nil
	}
	return checkResults(r.out, r.rows)
}

// surroundings are the servers that a contender uses.
type surroundings struct {
	bench    *bench
	database string // URL; empty: none
	redis    *rig.Redis
}

func (b *bench) prepare(ctx context.Context, dir string, needs []string) (_ *surroundings, err error) {
	s := &surroundings{bench: b}
	for _, need := range needs {
		switch need {
		case needsPostgres, needsRiver:
			s.database, err = b.postgres.Database(ctx)
			if err == nil && need == needsRiver {
				err = migrateRiver(ctx, s.database)
			}
		case needsRedis:
			s.redis, err = rig.StartRedis(dir, "--appendonly", "yes", "--appendfsync", "everysec")
		}
		if err != nil {
			return nil, errors.Join(err, s.close())
		}
	}
	return s, nil
}

func (s *surroundings) redisAddr() string {
	if s.redis == nil {
		return ""
	}
	return s.redis.Addr()
}

func (s *surroundings) redisURL() string {
	if s.redis == nil {
		return ""
	}
	return s.redis.URL()
}

// spent is what the servers have used so far.
func (s *surroundings) spent() (spent, error) {
	var all spent
	if s.database != "" {
		u, err := s.bench.postgres.Usage()
		if err != nil {
			return all, err
		}
		all.postgres = u.CPU
	}
	if s.redis != nil {
		u, err := s.redis.Usage()
		if err != nil {
			return all, err
		}
		all.redis = u.CPU
	}
	return all, nil
}

func (s *surroundings) close() error {
	if s.redis != nil {
		s.redis.Kill()
	}
	if s.database == "" {
		return nil
	}
	return s.bench.postgres.Drop(context.Background(), s.database)
}

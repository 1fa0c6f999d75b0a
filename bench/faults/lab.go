package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/plateq/plateq/bench/rig"
	"github.com/plateq/plateq/internal/chaos"
)

// lab runs every fault with every subject.
type lab struct {
	plateq, self, dir string
	rows, parallel    int
	only              *regexp.Regexp
}

// subject is what looks a list up.
type subject interface {
	// begin starts two workers and hands the list in.
	begin(ctx context.Context, list []string) error
	// workers are those that live; add starts another one.
	workers() []*rig.Process
	add(ctx context.Context) error
	// quiet reports that nothing more will happen by itself.
	quiet(ctx context.Context) (bool, error)
	// rows are what it has, in the order of the list.
	rows(ctx context.Context) ([]chaos.Row, error)
	end()
}

// fault is one that people know.
type fault struct {
	name, words string
	call        time.Duration // that each paid call takes
	at          int           // of how many calls it comes
	do          func(ctx context.Context, s *scene) error
}

// Which of two workers makes a call is their own affair: both are struck.
var faults = []fault{
	{"killed", "both workers are killed (`kill -9`) with ten calls in flight, and two others are started", time.Second, 50, func(ctx context.Context, s *scene) error {
		for _, w := range s.subject.workers() {
			w.Kill()
		}
		return s.two(ctx)
	}},
	{"frozen", "both workers are frozen for 100 s, two others are started, and then all go on", time.Second, 50, func(ctx context.Context, s *scene) error {
		frozen := s.subject.workers()
		if err := signalAll(frozen, syscall.SIGSTOP); err != nil {
			return err
		}
		if err := s.two(ctx); err != nil {
			return err
		}
		if err := pause(ctx, 100*time.Second); err != nil {
			return err
		}
		return signalAll(frozen, syscall.SIGCONT)
	}},
	{"told-to-end", "both workers are told to end (`SIGTERM`) during calls of 12 s, with the time that each gives itself by default, and two others are started", 12 * time.Second, 15, func(ctx context.Context, s *scene) error {
		old := s.subject.workers()
		if err := signalAll(old, syscall.SIGTERM); err != nil {
			return err
		}
		if err := s.two(ctx); err != nil {
			return err
		}
		for _, w := range old {
			_ = w.Wait(ctx) // how it ends is not what is asked
		}
		return nil
	}},
	{"emptied", "Redis is emptied (`FLUSHALL`)", time.Second, 50, func(ctx context.Context, s *scene) error {
		return s.redis.Empty(ctx)
	}},
	{"unanswered", "five calls are charged, and their connections closed without an answer", time.Second, 50, func(ctx context.Context, s *scene) error {
		return s.upstream.misbehave(ctx, `{"name":"closes","kind":"charge_then_close","where":"fetch","first":5}`)
	}},
}

// two starts as many workers as there were.
func (s *scene) two(ctx context.Context) error {
	return errors.Join(s.subject.add(ctx), s.subject.add(ctx))
}

func signalAll(all []*rig.Process, s os.Signal) error {
	var errs []error
	for _, p := range all {
		errs = append(errs, p.Signal(s))
	}
	return errors.Join(errs...)
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// outcome is one line of the table.
type outcome struct {
	fault   string
	subject string
	chaos.Figures
	took time.Duration // from the fault to the end
}

// scene is one fault with one subject.
type scene struct {
	redis    *rig.Redis
	upstream *upstream
	subject  subject
}

func (l lab) run(ctx context.Context) (string, error) {
	pg, err := rig.StartPostgres()
	if err != nil {
		return "", err
	}
	defer pg.Close() //nolint:errcheck // its data is temporary
	subjects := []string{"asynq", "plateq"}
	all := make([]outcome, len(faults)*len(subjects))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(l.parallel)
	for i, f := range faults {
		for j, name := range subjects {
			if !l.only.MatchString(f.name + "/" + name) {
				continue
			}
			g.Go(func() error {
				o, err := l.one(ctx, f, name, pg)
				if err != nil {
					return fmt.Errorf("%s, %s: %w", f.name, name, err)
				}
				fmt.Fprintf(os.Stderr, "%s/%s: lost %d, paid twice %d, unknown %d, %.0f s\n", f.name, name, o.Lost, o.PaidTwice, o.Unknown, o.took.Seconds())
				all[i*len(subjects)+j] = o
				return nil
			})
		}
	}
	err = g.Wait()
	return table(all, l.rows), err
}

// looks is how often, a second apart, nothing must be left to do.
const looks = 20

// tooLong is when what has not come yet is taken for lost.
const tooLong = 10 * time.Minute

func (l lab) one(ctx context.Context, f fault, name string, pg *rig.Postgres) (o outcome, err error) {
	dir := filepath.Join(l.dir, f.name+"-"+name)
	if err := os.Mkdir(dir, 0o700); err != nil {
		return o, fmt.Errorf("make a folder: %w", err)
	}
	s := &scene{}
	if s.redis, err = rig.StartRedis(dir, "--appendonly", "yes"); err != nil {
		return o, err
	}
	defer s.redis.Kill()
	if s.upstream, err = startUpstream(ctx, l.plateq, dir, f.call); err != nil {
		return o, err
	}
	defer s.upstream.Kill()
	database, err := pg.Database(ctx)
	if err != nil {
		return o, err
	}
	base := ground{dir: dir, self: l.self, plateq: l.plateq, redis: s.redis, url: s.upstream.url, database: database}
	s.subject = map[string]func(ground) subject{"asynq": newAsynq, "plateq": newPlateq}[name](base)
	defer s.subject.end()
	list := make([]string, min(l.rows, int(10*time.Minute/f.call)))
	for i := range list {
		list[i] = fmt.Sprintf("DL01AB%04d", i)
	}
	if err := s.subject.begin(ctx, list); err != nil {
		return o, err
	}
	if err := s.upstream.await(ctx, f.at); err != nil {
		return o, err
	}
	if err := f.do(ctx, s); err != nil {
		return o, err
	}
	began := time.Now()
	for {
		over, err := s.subject.quiet(ctx)
		if err != nil {
			return o, err
		}
		if over || time.Since(began) > tooLong {
			break
		}
		if err := pause(ctx, time.Second); err != nil {
			return o, err
		}
	}
	o = outcome{fault: f.words, subject: name, took: time.Since(began)}
	rows, err := s.subject.rows(ctx)
	if err != nil {
		return o, err
	}
	charges, err := s.upstream.charges()
	if err != nil {
		return o, err
	}
	// What an answer says is not asked here: only whether it is there.
	said := func(string) chaos.Answer { return chaos.Answer{Status: "found"} }
	o.Figures, _ = chaos.Books{List: list, Rows: rows, Charges: charges, Answer: said}.Check()
	return o, nil
}

func table(all []outcome, rows int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Lists of up to %d plates, a paid call for each, ten at once.\n\n", rows)
	b.WriteString("| fault | with | lost | paid twice | unknown | done after |\n|---|---|---|---|---|---|\n")
	for _, o := range slices.DeleteFunc(slices.Clone(all), func(o outcome) bool { return o.subject == "" }) {
		fmt.Fprintf(&b, "| %s | %s | %d | %d | %d | %.0f s |\n", o.fault, o.subject, o.Lost, o.PaidTwice, o.Unknown, o.took.Seconds())
	}
	return b.String()
}

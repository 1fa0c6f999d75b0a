package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/plateq/plateq/bench/rig"
	"github.com/plateq/plateq/client"
	"github.com/plateq/plateq/providers/sim"
)

// The limit of the stand-in, and how many requests may be under way in all.
const (
	rate  = 50
	burst = 50
	lanes = 64
)

// scene is what one case plays in: a Redis and a stand-in of its own, and who
// asks.
type scene struct {
	*lab
	redis *rig.Redis
	up    *upstream
	fleet *rig.Fleet
	batch client.Batch // that Plateq works at
	peers []*rig.Process
}

// bucket is the account that most cases ask: of Attestr, which says by codes
// of its own that there were too many requests.
func bucket(burst int) sim.Account {
	return sim.Account{Provider: "attestr", Limits: sim.Limits{Rate: rate, Burst: burst}}
}

// open starts what is asked, whose answers are there at once. Nobody asks yet.
func (l *lab) open(ctx context.Context, a sim.Account, w way) (*scene, error) {
	return l.openSlow(ctx, a, sim.Completion{}, w)
}

// openSlow is open for a provider that takes its time.
func (l *lab) openSlow(ctx context.Context, a sim.Account, c sim.Completion, w way) (*scene, error) {
	dir, err := os.MkdirTemp(l.dir, "case-")
	if err != nil {
		return nil, fmt.Errorf("make a folder: %w", err)
	}
	s := &scene{lab: l}
	if s.redis, err = rig.StartRedis(dir); err != nil {
		return nil, err
	}
	if s.up, err = startUpstream(ctx, a, c, w); err != nil {
		s.redis.Kill()
		return nil, err
	}
	return s, nil
}

func (s *scene) close() {
	if s.verbose {
		fmt.Fprintln(os.Stderr, s.up.record.log().seconds())
	}
	if s.fleet != nil {
		s.fleet.End()
	}
	for _, p := range s.peers {
		p.Kill()
	}
	s.up.close()
	s.redis.Kill()
}

// settings are PLATEQ_ATTESTR_ variables, without the prefix.
type settings map[string]string

// plateq lets a fleet look n different plates up, one a call, at a rate that
// is told or "learn". Polls are left to another day: here each call costs the
// same.
func (s *scene) plateq(ctx context.Context, workers int, rate string, n int, more settings) (err error) {
	all := settings{
		"BASE_URL": s.up.url + "/attestr", "AUTH_TOKEN": sim.DefaultToken, "BATCH_SIZE": "1", "POLL_MIN": "1h", "POLL_MAX": "1h",
		"RATE": rate, "BURST": strconv.Itoa(burst), "CONCURRENCY": strconv.Itoa(lanes),
	}
	maps.Copy(all, more)
	var env []string
	for k, v := range all {
		env = append(env, "PLATEQ_ATTESTR_"+k+"="+v)
	}
	database, err := s.servers.Database(ctx)
	if err != nil {
		return err
	}
	s.fleet, err = rig.StartFleet(ctx, rig.FleetOptions{
		Program: s.lab.plateq, Dir: s.redis.Dir, Database: database, Redis: s.redis.URL(), Parts: rig.Service(workers), Env: env,
	})
	if err != nil {
		return err
	}
	var list strings.Builder
	list.WriteString("plate\n")
	for i := range n {
		list.WriteString(plate(i) + "\n")
	}
	s.batch, err = s.fleet.API.Submit(ctx, client.SubmitOptions{Provider: "attestr", Format: client.CSV}, strings.NewReader(list.String()))
	if err != nil {
		return fmt.Errorf("submit: %w", err)
	}
	return nil
}

// plate invents the i-th plate.
func plate(i int) string {
	return fmt.Sprintf("DL%02d%c%c%04d", 1+i/10000%90, 'A'+i/100%26, 'A'+i%26, i%10000)
}

// rows are more than a rate allows in a time, with the burst.
func rows(rate float64, in time.Duration) int { return int(rate*in.Seconds()*1.2) + 2*burst }

// until waits until so much time has passed since the first request.
func (s *scene) until(ctx context.Context, d time.Duration) error {
	r := s.up.record
	select {
	case <-r.begun:
	case <-time.After(time.Minute):
		return errors.New("no request has come within a minute")
	case <-ctx.Done():
		return ctx.Err()
	}
	return rest(ctx, time.Until(r.log().start().Add(d)))
}

// rest waits.
func rest(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

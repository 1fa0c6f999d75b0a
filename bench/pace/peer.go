package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"
	"golang.org/x/sync/errgroup"

	"github.com/plateq/plateq/bench/rig"
	"github.com/plateq/plateq/jobs"
	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/providers/sim"
)

// peer is what this program does as a process of its own.
type peer struct {
	As     string `json:"as"` // "asynq" or "limiter"
	Redis  string `json:"redis"`
	URL    string `json:"url"` // of the stand-in
	AtOnce int    `json:"at_once"`
}

// asPeers starts n processes of this program.
func (s *scene) asPeers(as string, n int) error {
	for i := range n {
		role, err := json.Marshal(peer{As: as, Redis: s.redis.Addr(), URL: s.up.url, AtOnce: lanes / n})
		if err != nil {
			return fmt.Errorf("write role: %w", err)
		}
		p, err := rig.Start(s.redis.Dir, as+"-"+strconv.Itoa(i), nil, s.self, string(role))
		if err != nil {
			return err
		}
		s.peers = append(s.peers, p)
	}
	return nil
}

// play does what the role says until the process is killed.
func play(ctx context.Context, role string) error {
	var p peer
	if err := json.Unmarshal([]byte(role), &p); err != nil {
		return fmt.Errorf("read role: %w", err)
	}
	ask := asker(p.URL)
	if p.As == "asynq" {
		return p.asynq(ask)
	}
	return p.limiter(ctx, ask)
}

// taskLookUp is a task of asynq that looks one plate up.
const taskLookUp = "lookup"

// asynq looks up as asynq is used by default: a task for each plate, which
// fails where the provider refuses it and is tried again when asynq thinks fit.
func (p peer) asynq(ask func(context.Context, string) error) error {
	srv := asynq.NewServer(asynq.RedisClientOpt{Addr: p.Redis}, asynq.Config{Concurrency: p.AtOnce})
	err := srv.Run(asynq.HandlerFunc(func(ctx context.Context, t *asynq.Task) error { return ask(ctx, string(t.Payload())) }))
	if err != nil {
		return fmt.Errorf("run asynq: %w", err)
	}
	return nil
}

// enqueue hands n plates to asynq.
func enqueue(ctx context.Context, server *rig.Redis, n int) error {
	c := asynq.NewClient(asynq.RedisClientOpt{Addr: server.Addr()})
	defer c.Close() //nolint:errcheck // it was only told
	for i := range n {
		if _, err := c.EnqueueContext(ctx, asynq.NewTask(taskLookUp, []byte(plate(i)))); err != nil {
			return fmt.Errorf("enqueue: %w", err)
		}
	}
	return nil
}

// limiter looks up for ever, at the pace of the limiter alone, without queue
// and store.
func (p peer) limiter(ctx context.Context, ask func(context.Context, string) error) error {
	spec := providers.Spec{Name: "attestr", Endpoints: providers.Endpoints{Submit: "submit", Poll: "items"}}
	c := redis.NewClient(&redis.Options{Addr: p.Redis, DialTimeout: time.Second, ReadTimeout: 2 * time.Second})
	l := jobs.NewLimiter(jobs.LimiterOptions{Redis: c, Spec: spec, Worker: strconv.Itoa(os.Getpid()), Limits: jobs.Limits{
		Rate: rate, Burst: burst, Concurrency: lanes, Timeout: 30 * time.Second,
		NextReset: func(t time.Time) time.Time { return t.UTC().Truncate(24 * time.Hour).Add(24 * time.Hour) },
	}})
	var g errgroup.Group
	for range p.AtOnce {
		g.Go(func() error {
			for {
				permit, err := l.Acquire(ctx, jobs.Submits)
				if err != nil {
					return err
				}
				permit.Use()
				if errors.Is(ask(ctx, plate(0)), errRefused) {
					permit.Exceeded(spec.Name, 0)
				}
				permit.Release()
			}
		})
	}
	return g.Wait()
}

var errRefused = errors.New("too many requests")

// asker returns what asks the stand-in about a plate.
func asker(url string) func(context.Context, string) error {
	hc := &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: lanes}}
	return func(ctx context.Context, plate string) error {
		body, err := json.Marshal(map[string]any{"type": "RC_MOBILE", "items": []map[string]string{{"reg": plate}}})
		if err != nil {
			return fmt.Errorf("write question: %w", err)
		}
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/attestr/api/v2/public/batchx", bytes.NewReader(body))
		if err != nil {
			return fmt.Errorf("write question: %w", err)
		}
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Authorization", "Basic "+sim.DefaultToken)
		resp, err := hc.Do(req)
		if err != nil {
			return fmt.Errorf("ask: %w", err)
		}
		defer resp.Body.Close()
		_, _ = io.Copy(io.Discard, resp.Body) // so that the connection is used again
		if resp.StatusCode == http.StatusTooManyRequests {
			return errRefused
		}
		return nil
	}
}

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hibiken/asynq"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/plateq/plateq/bench/rig"
	"github.com/plateq/plateq/internal/chaos"
	"github.com/plateq/plateq/providers/sim"
)

// ground is what a subject stands on.
type ground struct {
	dir, self, plateq string
	redis             *rig.Redis
	url, database     string
}

// perWorker is how many calls one of the two workers makes at once.
const perWorker = 5

const taskLookUp = "look_up"

// lookUp is the payload of a task.
type lookUp struct {
	Seq   int    `json:"seq"`
	Plate string `json:"plate"`
}

// role is what this program does as a worker of asynq.
type role struct {
	Redis, URL, Database string
}

// byAsynq looks up with a task for each plate, and nothing but the defaults.
type byAsynq struct {
	ground
	started []*rig.Process
	list    []string
	idle    int // how often there was nothing to do, one after the other
}

func newAsynq(g ground) subject { return &byAsynq{ground: g} }

func (a *byAsynq) begin(ctx context.Context, list []string) error {
	a.list = list
	c, err := pgx.Connect(ctx, a.database)
	if err != nil {
		return fmt.Errorf("open PostgreSQL: %w", err)
	}
	defer c.Close(ctx) //nolint:errcheck // it was only told
	if _, err := c.Exec(ctx, "CREATE TABLE results (seq integer PRIMARY KEY, plate text NOT NULL, answer text NOT NULL)"); err != nil {
		return fmt.Errorf("make table: %w", err)
	}
	for range 2 {
		if err := a.add(ctx); err != nil {
			return err
		}
	}
	client := asynq.NewClient(asynq.RedisClientOpt{Addr: a.redis.Addr()})
	defer client.Close() //nolint:errcheck // it was only told
	for i, plate := range list {
		text, err := json.Marshal(lookUp{i + 1, plate})
		if err != nil {
			return fmt.Errorf("write task: %w", err)
		}
		if _, err := client.EnqueueContext(ctx, asynq.NewTask(taskLookUp, text)); err != nil {
			return fmt.Errorf("enqueue: %w", err)
		}
	}
	return nil
}

func (a *byAsynq) add(context.Context) error {
	text, err := json.Marshal(role{a.redis.Addr(), a.url, a.database})
	if err != nil {
		return fmt.Errorf("write role: %w", err)
	}
	p, err := rig.Start(a.dir, "worker-"+strconv.Itoa(len(a.started)), nil, a.self, string(text))
	if err == nil {
		a.started = append(a.started, p)
	}
	return err
}

func (a *byAsynq) workers() []*rig.Process {
	return slices.DeleteFunc(slices.Clone(a.started), (*rig.Process).Ended)
}

// quiet looks whether any task is left. A queue that Redis has forgotten has
// none.
func (a *byAsynq) quiet(context.Context) (bool, error) {
	i := asynq.NewInspector(asynq.RedisClientOpt{Addr: a.redis.Addr()})
	defer i.Close() //nolint:errcheck // it was only asked
	info, err := i.GetQueueInfo("default")
	// asynq knows two errors for it: that of a queue that it has never seen is
	// found by its words alone.
	gone := err != nil && (errors.Is(err, asynq.ErrQueueNotFound) || strings.Contains(err.Error(), "NOT_FOUND"))
	if err != nil && !gone {
		return false, fmt.Errorf("look at the queue: %w", err)
	}
	if gone || info.Pending+info.Active+info.Scheduled+info.Retry == 0 {
		a.idle++
	} else {
		a.idle = 0
	}
	return a.idle > looks, nil
}

func (a *byAsynq) rows(ctx context.Context) ([]chaos.Row, error) {
	c, err := pgx.Connect(ctx, a.database)
	if err != nil {
		return nil, fmt.Errorf("open PostgreSQL: %w", err)
	}
	defer c.Close(ctx) //nolint:errcheck // it was only asked
	found, err := c.Query(ctx, "SELECT seq, plate FROM results ORDER BY seq")
	if err != nil {
		return nil, fmt.Errorf("read results: %w", err)
	}
	return pgx.CollectRows(found, func(r pgx.CollectableRow) (row chaos.Row, err error) {
		row.Status = "found"
		return row, r.Scan(&row.N, &row.Plate)
	})
}

func (a *byAsynq) end() {
	for _, p := range a.started {
		p.Kill()
	}
}

// play is a worker of asynq: it asks, and writes the answer down.
func play(ctx context.Context, text string) error {
	var r role
	if err := json.Unmarshal([]byte(text), &r); err != nil {
		return fmt.Errorf("read role: %w", err)
	}
	pool, err := pgxpool.New(ctx, r.Database)
	if err != nil {
		return fmt.Errorf("open PostgreSQL: %w", err)
	}
	defer pool.Close()
	srv := asynq.NewServer(asynq.RedisClientOpt{Addr: r.Redis}, asynq.Config{Concurrency: perWorker, LogLevel: asynq.WarnLevel})
	err = srv.Run(asynq.HandlerFunc(func(ctx context.Context, t *asynq.Task) error {
		var about lookUp
		if err := json.Unmarshal(t.Payload(), &about); err != nil {
			return fmt.Errorf("read task: %w", err)
		}
		body, err := ask(ctx, r.URL, about.Plate)
		if err != nil {
			return err
		}
		if _, err := pool.Exec(ctx, "INSERT INTO results VALUES ($1, $2, $3) ON CONFLICT DO NOTHING", about.Seq, about.Plate, string(body)); err != nil {
			return fmt.Errorf("write answer: %w", err)
		}
		return nil
	}))
	if err != nil {
		return fmt.Errorf("run asynq: %w", err)
	}
	return nil
}

var asking = &http.Client{Timeout: 30 * time.Second}

// ask makes a paid call.
func ask(ctx context.Context, url, plate string) ([]byte, error) {
	question, err := json.Marshal(map[string]any{"operator": 311, "canumber": plate, "RegistrationID": sim.DefaultToken})
	if err != nil {
		return nil, fmt.Errorf("write question: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/aopay/api/AOP/FetchConsumerDetails", bytes.NewReader(question))
	if err != nil {
		return nil, fmt.Errorf("write question: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := asking.Do(req)
	if err != nil {
		return nil, fmt.Errorf("ask: %w", err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, fmt.Errorf("read answer: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("ask: %s", resp.Status)
	}
	return body, nil
}

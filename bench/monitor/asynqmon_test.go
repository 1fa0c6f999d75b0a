package monitor_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hibiken/asynq"
	"github.com/hibiken/asynqmon"
	"github.com/rs/zerolog"

	"github.com/plateq/plateq/internal/redistest"
	"github.com/plateq/plateq/jobs"
	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/providers/attestr"
	"github.com/plateq/plateq/store"
	"github.com/plateq/plateq/store/sqlite"
)

// TestAsynqmonWatchesOurRedis has asynqmon's own handler look at what an
// enqueuer put into Redis: it knows the queue, its tasks and their payloads.
func TestAsynqmonWatchesOurRedis(t *testing.T) {
	t.Parallel()
	const plate = "KA01AB1234"
	ctx := t.Context()
	server := redistest.Start(t)
	client := server.Client()
	t.Cleanup(func() { _ = client.Close() })
	st, err := sqlite.Open(ctx, sqlite.Options{Path: filepath.Join(t.TempDir(), "plateq.db"), Keys: store.NewKeys()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	p, err := attestr.New(attestr.Config{AuthToken: "t"}, attestr.Options{})
	if err != nil {
		t.Fatal(err)
	}
	set, err := providers.NewSet(p)
	if err != nil {
		t.Fatal(err)
	}
	no, err := st.BeginBatch(ctx, store.NewBatch{Provider: "attestr", Columns: []string{"plate"}})
	if err != nil {
		t.Fatal(err)
	}
	subject := providers.Subject{providers.Plate: plate}
	row := store.NewRow{Subject: subject, Line: []string{plate}, Question: store.Question{Subject: subject}}
	if _, err := st.AddRows(ctx, no, store.Piece{Rows: []store.NewRow{row}}); err != nil {
		t.Fatal(err)
	}
	if _, err := st.CommitBatch(ctx, no, nil, time.Time{}); err != nil {
		t.Fatal(err)
	}
	e := jobs.NewEnqueuer(jobs.EnqueuerOptions{
		Store: st, Providers: set, Limits: map[string]jobs.Limits{"attestr": {}}, Redis: client, Log: zerolog.Nop(), Now: time.Now,
	})
	if n, err := e.Fill(ctx, "attestr"); err != nil || n != 1 {
		t.Fatalf("rang for %d chunks, %v, want 1", n, err)
	}

	watch := asynqmon.New(asynqmon.Options{RootPath: "/monitor", RedisConnOpt: asynq.RedisClientOpt{Addr: server.Addr()}, ReadOnly: true})
	t.Cleanup(func() { _ = watch.Close() })
	get := func(path string) string {
		rec := httptest.NewRecorder()
		watch.ServeHTTP(rec, httptest.NewRequestWithContext(ctx, http.MethodGet, "/monitor"+path, http.NoBody))
		if rec.Code != http.StatusOK {
			t.Fatalf("%s: %d %s", path, rec.Code, rec.Body)
		}
		return rec.Body.String()
	}
	var queues struct {
		Queues []struct {
			Queue   string
			Pending int
		}
	}
	if err := json.Unmarshal([]byte(get("/api/queues")), &queues); err != nil || len(queues.Queues) != 1 ||
		queues.Queues[0].Queue != "attestr" || queues.Queues[0].Pending != 1 {
		t.Errorf("queues: got %+v, %v, want one task of attestr", queues, err)
	}
	tasks := get("/api/queues/attestr/pending_tasks")
	if !strings.Contains(tasks, jobs.TaskSend) || !strings.Contains(tasks, `chunk`) || strings.Contains(tasks, plate) {
		t.Errorf("tasks: got %s, want one with ids for its payload", tasks)
	}
	get("/api/servers")
	get("/api/redis_info")
}

package api_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/plateq/plateq/client"
	"github.com/plateq/plateq/internal/api"
	"github.com/plateq/plateq/jobs"
)

func TestQueuesOverHTTP(t *testing.T) {
	t.Parallel()
	redis := jobs.OpenEmbedded()
	t.Cleanup(func() { _ = redis.Close() })
	w := newWorld(t, func(o *api.Options) { o.Queues = jobs.NewQueues(redis) })
	c := dialled(t, w)
	w.submitted(t, "plate\nDL01AA1000\n")
	e := jobs.NewEnqueuer(jobs.EnqueuerOptions{Store: w.store, Providers: w.set, Limits: map[string]jobs.Limits{"attestr": {}}, Redis: redis, Now: time.Now})
	if n, err := e.Fill(t.Context(), "attestr"); err != nil || n != 1 {
		t.Fatalf("rang for %d chunks, %v, want 1", n, err)
	}
	q, err := c.Queues(t.Context())
	if err != nil || len(q.Items) != 1 || q.Items[0].Name != "attestr" || q.Items[0].Pending != 1 || len(q.Items[0].Days) != 7 {
		t.Fatalf("got %+v, %v, want a queue with one task", q, err)
	}
	page := decoded[struct{ Items []client.QueueTask }](t, w.do(t, "GET", "/v1/queues/attestr/tasks", ""))
	if len(page.Items) != 1 || page.Items[0].Type != jobs.TaskSend {
		t.Fatalf("tasks: got %+v", page)
	}
	if err := c.PauseQueue(t.Context(), "attestr"); err != nil {
		t.Error(err)
	}
	if q, err = c.Queues(t.Context()); err != nil || !q.Items[0].Paused {
		t.Errorf("after a pause: got %+v, %v", q, err)
	}
	if err := c.ResumeQueue(t.Context(), "attestr"); err != nil {
		t.Error(err)
	}
	task := "/v1/queues/attestr/tasks/" + page.Items[0].ID
	for _, step := range []struct {
		method, path string
		want         int
	}{
		{"POST", task + "/archive", http.StatusOK},
		{"POST", task + "/archive", http.StatusConflict},
		{"POST", task + "/run", http.StatusOK},
		{"DELETE", task, http.StatusOK},
		{"DELETE", task, http.StatusNotFound},
		{"POST", "/v1/queues/none/pause", http.StatusNotFound},
		{"GET", "/v1/queues/none/tasks", http.StatusNotFound},
		{"GET", "/v1/queues/attestr/tasks?state=odd", http.StatusBadRequest},
	} {
		if rec := w.do(t, step.method, step.path, ""); rec.Code != step.want {
			t.Errorf("%s %s: got %d %s, want %d", step.method, step.path, rec.Code, rec.Body, step.want)
		}
	}
}

func TestNoQueuesWithoutRedis(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	if rec := w.do(t, "GET", "/v1/queues", ""); rec.Code != http.StatusNotFound {
		t.Errorf("got %d %s, want 404", rec.Code, rec.Body)
	}
}

package api_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/plateq/plateq/client"
	"github.com/plateq/plateq/internal/api"
	"github.com/plateq/plateq/store"
)

// scheduled schedules a batch, for its tenant.
func (w *world) scheduled(t *testing.T, id string) string {
	t.Helper()
	b, err := w.store.Batch(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	s := store.Schedule{ID: store.NewScheduleID(), Tenant: b.Tenant, List: b.No, Cron: "@daily", Zone: "UTC", Next: time.Now().Add(time.Hour)}
	if err := w.store.AddSchedule(t.Context(), s, nil); err != nil {
		t.Fatal(err)
	}
	return s.ID
}

func TestSchedulesGoTheWholeWay(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	w := newWorld(t, func(o *api.Options) { o.Now = func() time.Time { return now } })
	c, ctx := dialled(t, w), t.Context()
	b := w.submitted(t, "plate\nDL01AA1000\n")
	s, err := c.AddSchedule(ctx, client.ScheduleRequest{Batch: b.ID, Cron: "0 6 1 * *", Zone: "Asia/Kolkata", Known: true, MaxCost: "5"})
	if err != nil {
		t.Fatal(err)
	}
	if want := time.Date(2026, 12, 1, 0, 30, 0, 0, time.UTC); s.Batch != b.ID || s.Provider != "attestr" || s.State != "active" || !s.NextAt.Equal(want) ||
		!s.Known || s.Overlap || *s.MaxCost != "5.00" || s.Runs == nil {
		t.Errorf("added %+v", s)
	}
	if s, err = c.PauseSchedule(ctx, s.ID); err != nil || s.State != "paused" || s.NextAt != nil {
		t.Errorf("paused: %+v, %v", s, err)
	}
	if s, err = c.RunSchedule(ctx, s.ID); err != nil || s.AskedAt == nil {
		t.Errorf("asked to run: %+v, %v", s, err)
	}
	d, err := w.store.ClaimSchedule(ctx, s.ID, time.Now().Add(time.Hour))
	if err != nil || d.Lease == 0 {
		t.Fatalf("claim: %+v, %v", d, err)
	}
	if _, err := w.store.SettleSchedule(ctx, store.ScheduleSettlement{ID: s.ID, Lease: d.Lease, Due: d.Due, Batch: d.List}); err != nil {
		t.Fatal(err)
	}
	now = now.AddDate(0, 2, 0)
	if s, err = c.ResumeSchedule(ctx, s.ID); err != nil || s.State != "active" || s.NextAt.Before(now) || len(s.Runs) != 1 || *s.Runs[0].Batch != b.ID {
		t.Errorf("resumed: %+v, %v", s, err)
	}
	if all, err := c.Schedules(ctx); err != nil || len(all) != 1 || all[0].ID != s.ID {
		t.Errorf("all: %+v, %v", all, err)
	}
	if got, err := c.Schedule(ctx, s.ID); err != nil || got.Cron != "0 6 1 * *" {
		t.Errorf("one: %+v, %v", got, err)
	}
	if _, err := c.RemoveSchedule(ctx, s.ID); err != nil {
		t.Error(err)
	}
	if _, err := c.Schedule(ctx, s.ID); !errors.Is(err, &client.Problem{Code: "no_such_schedule"}) {
		t.Errorf("after it was removed: %v", err)
	}
}

func TestSchedulesThatCannotBe(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	b := w.submitted(t, "plate\nDL01AA1000\n")
	for body, want := range map[string]struct {
		status int
		word   string
	}{
		`{"batch":"` + b.ID + `","cron":"now"}`:                       {http.StatusUnprocessableEntity, `"field":"cron"`},
		`{"batch":"` + b.ID + `","cron":"@daily","zone":"Mars"}`:      {http.StatusUnprocessableEntity, `"field":"zone"`},
		`{"batch":"` + b.ID + `","cron":"@daily","max_cost":"a lot"}`: {http.StatusUnprocessableEntity, `"field":"max_cost"`},
		`{"batch":"b_nobody","cron":"@daily"}`:                        {http.StatusNotFound, "no_such_batch"},
		`{"cron":"@daily"}`:                                           {http.StatusNotFound, "no_such_batch"},
	} {
		rec := w.do(t, "POST", "/v1/schedules", body, jsonBody)
		if rec.Code != want.status || !strings.Contains(rec.Body.String(), want.word) {
			t.Errorf("%s: got %d %s", body, rec.Code, rec.Body)
		}
	}
}

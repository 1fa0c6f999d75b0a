package api

import (
	"context"
	"errors"
	"net/http"

	"github.com/plateq/plateq/scheduler"
	"github.com/plateq/plateq/store"
)

// scheduleView is a list that is asked about again and again.
type scheduleView struct {
	ID        string     `json:"id"`
	Batch     string     `json:"batch" doc:"The batch whose rows are asked about."`
	Provider  string     `json:"provider"`
	Name      string     `json:"name" doc:"That of the batch."`
	State     string     `json:"state" enum:"active,paused"`
	Cron      string     `json:"cron"`
	Zone      string     `json:"zone"`
	Overlap   bool       `json:"overlap" doc:"A run begins though that before it is not finished."`
	Known     bool       `json:"known" doc:"Known answers do. Otherwise all is asked anew."`
	MaxCost   *string    `json:"max_cost" doc:"The budget of each run."`
	Currency  *string    `json:"currency"`
	NextAt    *timestamp `json:"next_at" doc:"Null while it is paused."`
	AskedAt   *timestamp `json:"asked_at" doc:"When somebody wanted a run now that has not begun."`
	CreatedAt timestamp  `json:"created_at"`
	// Runs are the last ones, newest first.
	Runs []scheduleRun `json:"runs"`
}

// scheduleRun is what became of a schedule that was due.
type scheduleRun struct {
	DueAt  timestamp `json:"due_at"`
	At     timestamp `json:"at"`
	Batch  *string   `json:"batch"`
	Reason *string   `json:"reason" doc:"Why there is no batch."`
}

// scheduleRequest is a schedule that somebody wants.
type scheduleRequest struct {
	Batch   string `json:"batch"`
	Cron    string `json:"cron" doc:"Five fields, 0 6 1 * *, or @daily, @weekly, @monthly."`
	Zone    string `json:"zone,omitempty" doc:"Asia/Kolkata; UTC where it is not said."`
	Overlap bool   `json:"overlap,omitempty"`
	Known   bool   `json:"known,omitempty"`
	MaxCost string `json:"max_cost,omitempty" doc:"A decimal. Where a run would cost more, it pauses."`
}

// addSchedule repeats the list of a batch from its next time on.
func (s *server) addSchedule(w http.ResponseWriter, r *http.Request) error {
	once, err := onceOf(r)
	if err != nil {
		return err
	}
	var req scheduleRequest
	if err := readBody(r, &req); err != nil {
		return err
	}
	if req.Zone == "" {
		req.Zone = "UTC"
	}
	times, err := scheduler.ParseTimes(req.Cron, req.Zone)
	if e, ok := errors.AsType[*scheduler.TimesError](err); ok {
		return badFields(http.StatusUnprocessableEntity, "bad_schedule", []FieldError{{Field: e.Field, Detail: e.Reason}})
	}
	if err != nil {
		return err
	}
	b, err := s.named(r, req.Batch)
	if err != nil {
		return err
	}
	var limit *store.Limit
	if req.MaxCost != "" {
		got, err := limitOf(req.MaxCost, s.Price(b.Provider).Currency)
		if err != nil {
			return badFields(http.StatusUnprocessableEntity, "bad_schedule", []FieldError{{Field: "max_cost", Detail: err.Error()}})
		}
		limit = &got
	}
	sc := store.Schedule{
		ID: store.NewScheduleID(), Tenant: b.Tenant, List: b.No, Cron: req.Cron, Zone: req.Zone, Overlap: req.Overlap, Known: req.Known,
		MaxCost: limit, Next: store.Millis(times.Next(s.Now())),
	}
	id, err := s.doOnce(w, r, once, sc.Tenant, sc.ID, func(ctx context.Context, o *store.Once) error {
		if err := s.note(ctx, store.ActScheduleAdded, sc.Tenant, sc.ID); err != nil {
			return err
		}
		if err := s.Store.AddSchedule(ctx, sc, o); err != nil {
			return err
		}
		s.Log.Info().Str("schedule", sc.ID).Str("batch", b.ID).Str("by", requester(ctx)).Msg("a list is scheduled")
		return nil
	})
	if err != nil {
		return err
	}
	return s.answerSchedule(w, r, http.StatusCreated, id)
}

// listSchedules answers with the caller's schedules, oldest first, each with
// its last run.
func (s *server) listSchedules(w http.ResponseWriter, r *http.Request) error {
	if err := newQuery(r).err(); err != nil {
		return err
	}
	all, err := s.Store.Schedules(r.Context(), tenantOf(r.Context()))
	if err != nil {
		return err
	}
	views := []scheduleView{}
	for _, sc := range all {
		var runs []store.ScheduleRun
		if sc.Last != nil {
			runs = append(runs, *sc.Last)
		}
		v, err := s.viewSchedule(r.Context(), sc, runs)
		if err != nil {
			return err
		}
		views = append(views, v)
	}
	return writeJSON(w, http.StatusOK, items[scheduleView]{views})
}

func (s *server) schedule(w http.ResponseWriter, r *http.Request) error {
	sc, err := s.findSchedule(r)
	if err != nil {
		return err
	}
	return s.answerSchedule(w, r, http.StatusOK, sc.ID)
}

// findSchedule returns the schedule that the path of a request without
// parameters names, if it is the caller's to see.
func (s *server) findSchedule(r *http.Request) (store.Schedule, error) {
	if err := newQuery(r).err(); err != nil {
		return store.Schedule{}, err
	}
	sc, err := s.Store.Schedule(r.Context(), r.PathValue("id"))
	if err == nil && !sees(r.Context(), sc.Tenant) {
		return store.Schedule{}, store.ErrNoSchedule
	}
	return sc, err
}

func (s *server) pauseSchedule(w http.ResponseWriter, r *http.Request) error {
	return s.changeSchedule(w, r, "a schedule is paused", func(ctx context.Context, sc store.Schedule) error {
		return s.Store.PauseSchedule(ctx, sc.ID)
	})
}

// resumeSchedule lets a schedule go on with its next time: what it missed
// meanwhile is not made up for.
func (s *server) resumeSchedule(w http.ResponseWriter, r *http.Request) error {
	return s.changeSchedule(w, r, "a schedule goes on", func(ctx context.Context, sc store.Schedule) error {
		if !sc.Paused {
			return nil
		}
		times, err := scheduler.ParseTimes(sc.Cron, sc.Zone)
		if err != nil {
			return err
		}
		return s.Store.ResumeSchedule(ctx, sc.ID, store.Millis(times.Next(s.Now())))
	})
}

func (s *server) runSchedule(w http.ResponseWriter, r *http.Request) error {
	once, err := onceOf(r)
	if err != nil {
		return err
	}
	sc, err := s.findSchedule(r)
	if err != nil {
		return err
	}
	id, err := s.doOnce(w, r, once, sc.Tenant, sc.ID, func(ctx context.Context, o *store.Once) error {
		if err := s.Store.RunSchedule(ctx, sc.ID, o); err != nil {
			return err
		}
		s.Log.Info().Str("schedule", sc.ID).Str("by", requester(ctx)).Msg("a schedule is to run now")
		return nil
	})
	if err != nil {
		return err
	}
	return s.answerSchedule(w, r, http.StatusOK, id)
}

func (s *server) changeSchedule(w http.ResponseWriter, r *http.Request, what string, do func(context.Context, store.Schedule) error) error {
	sc, err := s.findSchedule(r)
	if err != nil {
		return err
	}
	if err := do(r.Context(), sc); err != nil {
		return err
	}
	s.Log.Info().Str("schedule", sc.ID).Str("by", requester(r.Context())).Msg(what)
	return s.answerSchedule(w, r, http.StatusOK, sc.ID)
}

// removeSchedule forgets a schedule and answers with it as it was.
func (s *server) removeSchedule(w http.ResponseWriter, r *http.Request) error {
	sc, err := s.findSchedule(r)
	if err != nil {
		return err
	}
	v, err := s.viewSchedule(r.Context(), sc, nil)
	if err != nil {
		return err
	}
	if err := s.note(r.Context(), store.ActScheduleRemoved, sc.Tenant, sc.ID); err != nil {
		return err
	}
	if err := s.Store.RemoveSchedule(r.Context(), sc.ID); err != nil {
		return err
	}
	s.Log.Info().Str("schedule", sc.ID).Str("by", requester(r.Context())).Msg("a schedule is removed")
	return writeJSON(w, http.StatusOK, v)
}

// shownRuns is how many runs of a schedule are shown.
const shownRuns = 20

func (s *server) answerSchedule(w http.ResponseWriter, r *http.Request, status int, id string) error {
	sc, err := s.Store.Schedule(r.Context(), id)
	if err != nil {
		return err
	}
	runs, err := s.Store.ScheduleRuns(r.Context(), id, shownRuns)
	if err != nil {
		return err
	}
	v, err := s.viewSchedule(r.Context(), sc, runs)
	if err != nil {
		return err
	}
	return writeJSON(w, status, v)
}

func (s *server) viewSchedule(ctx context.Context, sc store.Schedule, runs []store.ScheduleRun) (v scheduleView, err error) {
	v = scheduleView{
		ID: sc.ID, State: "active", Cron: sc.Cron, Zone: sc.Zone, Overlap: sc.Overlap, Known: sc.Known,
		NextAt: timestampOf(sc.Next), AskedAt: timestampOf(sc.Asked), CreatedAt: timestamp(sc.Created), Runs: []scheduleRun{},
	}
	if sc.Paused {
		v.State, v.NextAt = "paused", nil
	}
	if sc.MaxCost != nil {
		v.MaxCost = new(sc.MaxCost.Amount.String())
		if sc.MaxCost.Currency != "" {
			v.Currency = &sc.MaxCost.Currency
		}
	}
	list, err := s.Store.BatchByNo(ctx, sc.List)
	if err != nil && !errors.Is(err, store.ErrNoBatch) {
		return v, err
	}
	v.Batch, v.Provider, v.Name = list.ID, list.Provider, list.Name
	for _, run := range runs {
		one := scheduleRun{DueAt: timestamp(run.Due), At: timestamp(run.At)}
		if run.Reason != "" {
			one.Reason = &run.Reason
		}
		b, err := s.Store.BatchByNo(ctx, run.Batch)
		if err == nil {
			one.Batch = &b.ID
		} else if !errors.Is(err, store.ErrNoBatch) {
			return v, err
		}
		v.Runs = append(v.Runs, one)
	}
	return v, nil
}

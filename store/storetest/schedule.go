package storetest

import (
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/plateq/plateq/store"
)

var scheduleRules = []rule{
	{"a schedule is kept as it was added", scheduleKept},
	{"the schedules of one tenant can be listed", scheduleTenants},
	{"a schedule is due at its time and not before", scheduleDue},
	{"a schedule that is taken is nobody else's until its lease is over", scheduleLease},
	{"of many who claim a schedule at once one has it", scheduleOne},
	{"a schedule that is settled is due at its next time", scheduleSettled},
	{"a lost lease settles nothing", scheduleLost},
	{"a paused schedule is due at no time", schedulePaused},
	{"what somebody asks for runs once, beside the times", scheduleAsked},
	{"a schedule that is removed is gone", scheduleRemoved},
	{"old runs of a schedule are forgotten, but for the last", scheduleTidied},
}

// schedule adds a schedule that is due in an hour.
func (w *world) schedule(tenant string) store.Schedule {
	w.t.Helper()
	r := store.Schedule{
		ID: store.NewScheduleID(), Tenant: tenant, List: w.list("P1"), Cron: "0 6 1 * *", Zone: "Asia/Kolkata", Overlap: true, Known: true,
		MaxCost: &store.Limit{Amount: 5_250_000, Currency: "INR"}, Next: store.Millis(w.in(time.Hour)), Created: store.Millis(w.now()),
	}
	w.must(w.s.AddSchedule(w.ctx, r, nil), "add schedule")
	return r
}

func (w *world) scheduleNow(id string) store.Schedule {
	w.t.Helper()
	r, err := w.s.Schedule(w.ctx, id)
	w.must(err, "read schedule")
	return r
}

func (w *world) schedulesDue() int {
	w.t.Helper()
	ids, err := w.s.DueSchedules(w.ctx)
	w.must(err, "list due schedules")
	return len(ids)
}

// takeSchedule claims a schedule for ten minutes.
func (w *world) takeSchedule(id string) store.DueSchedule {
	w.t.Helper()
	d, err := w.s.ClaimSchedule(w.ctx, id, w.in(10*time.Minute))
	w.must(err, "claim schedule")
	return d
}

func (w *world) settleSchedule(d store.DueSchedule, batch store.BatchNo, next time.Time) bool {
	w.t.Helper()
	done, err := w.s.SettleSchedule(w.ctx, store.ScheduleSettlement{ID: d.ID, Lease: d.Lease, Due: d.Due, Next: next, Batch: batch})
	w.must(err, "settle schedule")
	return done
}

func (w *world) noSchedule(what string, err error) {
	w.t.Helper()
	if !errors.Is(err, store.ErrNoSchedule) {
		w.t.Errorf("%s: got error %v, want ErrNoSchedule", what, err)
	}
}

func scheduleKept(w *world) {
	r := w.schedule("acme")
	bare := store.Schedule{ID: store.NewScheduleID(), Tenant: "acme", List: r.List, Next: r.Next, Paused: true, Created: r.Created}
	w.must(w.s.AddSchedule(w.ctx, bare, nil), "add schedule")
	w.reopen()
	equal(w, "schedule", w.scheduleNow(r.ID), r)
	equal(w, "schedule of zeros", w.scheduleNow(bare.ID), bare)
	if err := w.s.AddSchedule(w.ctx, r, nil); err == nil {
		w.t.Error("a schedule was added twice")
	}
	r.ID, r.List = store.NewScheduleID(), 1000
	if err := w.s.AddSchedule(w.ctx, r, nil); !errors.Is(err, store.ErrNoBatch) {
		w.t.Errorf("a schedule of a list that is not there: got error %v, want ErrNoBatch", err)
	}
}

func scheduleTenants(w *world) {
	first := w.schedule("acme")
	w.pass(time.Second)
	second := w.schedule("other")
	of := func(tenant string) (ids []string) {
		all, err := w.s.Schedules(w.ctx, tenant)
		w.must(err, "list schedules")
		for _, r := range all {
			ids = append(ids, r.ID)
		}
		return ids
	}
	equal(w, "all", of(""), []string{first.ID, second.ID})
	equal(w, "those of one", of("other"), []string{second.ID})
	equal(w, "those of nobody", of("nobody"), nil)
}

func scheduleDue(w *world) {
	r := w.schedule("acme")
	w.pass(time.Hour - time.Second)
	equal(w, "due before its time", w.schedulesDue(), 0)
	equal(w, "lease before its time", w.takeSchedule(r.ID).Lease, 0)
	w.pass(time.Second)
	equal(w, "due", w.schedulesDue(), 1)
	d := w.takeSchedule(r.ID)
	equal(w, "it is taken", d.Lease > 0, true)
	equal(w, "for", d.Due, r.Next)
	equal(w, "what", d.Schedule, r)
	equal(w, "lease of one that is not there", w.takeSchedule("s_nobody").Lease, 0)
}

func scheduleLease(w *world) {
	r := w.schedule("acme")
	w.pass(2 * time.Hour)
	first := w.takeSchedule(r.ID)
	w.pass(9 * time.Minute)
	equal(w, "due while it is taken", w.schedulesDue(), 0)
	equal(w, "lease of a second", w.takeSchedule(r.ID).Lease, 0)
	w.pass(time.Minute)
	equal(w, "due when the lease is over", w.schedulesDue(), 1)
	second := w.takeSchedule(r.ID)
	equal(w, "it is taken again", second.Lease > first.Lease, true)
	equal(w, "for the same time", second.Due, first.Due)
}

func scheduleOne(w *world) {
	r := w.schedule("acme")
	w.pass(time.Hour)
	var taken atomic.Int32
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			d, err := w.s.ClaimSchedule(w.ctx, r.ID, w.in(time.Minute))
			if err != nil {
				w.t.Errorf("claim schedule: %v", err)
			}
			if d.Lease > 0 {
				taken.Add(1)
			}
		})
	}
	wg.Wait()
	equal(w, "who have it", taken.Load(), 1)
}

func scheduleSettled(w *world) {
	r := w.schedule("acme")
	w.pass(time.Hour)
	next := store.Millis(w.in(time.Hour))
	equal(w, "settled", w.settleSchedule(w.takeSchedule(r.ID), r.List, next), true)
	equal(w, "due after it", w.schedulesDue(), 0)
	ran := store.ScheduleRun{Due: r.Next, At: store.Millis(w.now()), Batch: r.List}
	r.Next, r.Last, r.Ran = next, &ran, r.List
	equal(w, "schedule", w.scheduleNow(r.ID), r)
	w.pass(time.Hour)
	d := w.takeSchedule(r.ID)
	equal(w, "due the next time", d.Due, next)
	_, err := w.s.SettleSchedule(w.ctx, store.ScheduleSettlement{ID: d.ID, Lease: d.Lease, Due: d.Due, Next: w.in(time.Hour), Reason: "no room"})
	w.must(err, "settle schedule")
	skipped := store.ScheduleRun{Due: next, At: store.Millis(w.now()), Reason: "no room"}
	runs := func(limit int) []store.ScheduleRun {
		all, err := w.s.ScheduleRuns(w.ctx, r.ID, limit)
		w.must(err, "list runs")
		return all
	}
	equal(w, "runs", runs(10), []store.ScheduleRun{skipped, ran})
	equal(w, "the last run", runs(1), []store.ScheduleRun{skipped})
	equal(w, "the last batch", w.scheduleNow(r.ID).Ran, r.List)
}

func scheduleLost(w *world) {
	r := w.schedule("acme")
	w.pass(time.Hour)
	first := w.takeSchedule(r.ID)
	w.pass(10 * time.Minute)
	second := w.takeSchedule(r.ID)
	equal(w, "the first settles", w.settleSchedule(first, r.List, w.in(time.Hour)), false)
	equal(w, "runs of it", w.scheduleNow(r.ID).Last == nil, true)
	equal(w, "the second settles", w.settleSchedule(second, r.List, w.in(time.Hour)), true)
}

func schedulePaused(w *world) {
	r := w.schedule("acme")
	w.must(w.s.PauseSchedule(w.ctx, r.ID), "pause schedule")
	w.pass(2 * time.Hour)
	equal(w, "due while it is paused", w.schedulesDue(), 0)
	equal(w, "lease while it is paused", w.takeSchedule(r.ID).Lease, 0)
	equal(w, "paused", w.scheduleNow(r.ID).Paused, true)
	next := store.Millis(w.in(time.Hour))
	w.must(w.s.ResumeSchedule(w.ctx, r.ID, next), "resume schedule")
	equal(w, "due of what it missed", w.schedulesDue(), 0)
	w.pass(time.Hour)
	equal(w, "due at its next time", w.takeSchedule(r.ID).Due, next)
	w.noSchedule("pause", w.s.PauseSchedule(w.ctx, "s_nobody"))
	w.noSchedule("resume", w.s.ResumeSchedule(w.ctx, "s_nobody", next))
}

func scheduleAsked(w *world) {
	r := w.schedule("acme")
	w.must(w.s.PauseSchedule(w.ctx, r.ID), "pause schedule")
	asked := store.Millis(w.now())
	w.must(w.s.RunSchedule(w.ctx, r.ID, nil), "run schedule")
	w.pass(time.Second)
	w.must(w.s.RunSchedule(w.ctx, r.ID, nil), "run schedule again")
	equal(w, "asked", w.scheduleNow(r.ID).Asked, asked)
	d := w.takeSchedule(r.ID)
	equal(w, "due", d.Due, asked)
	equal(w, "settled", w.settleSchedule(d, r.List, w.in(time.Minute)), true)
	equal(w, "due after it", w.schedulesDue(), 0)
	equal(w, "its next time", w.scheduleNow(r.ID).Next, r.Next)

	// One that is due as well runs for both, each in its turn.
	w.must(w.s.ResumeSchedule(w.ctx, r.ID, store.Millis(w.now())), "resume schedule")
	w.pass(time.Second)
	w.must(w.s.RunSchedule(w.ctx, r.ID, nil), "run schedule")
	for range 2 {
		equal(w, "settled", w.settleSchedule(w.takeSchedule(r.ID), r.List, w.in(time.Hour)), true)
	}
	equal(w, "due after both", w.schedulesDue(), 0)
	w.noSchedule("run", w.s.RunSchedule(w.ctx, "s_nobody", nil))
}

func scheduleRemoved(w *world) {
	r, other := w.schedule("acme"), w.schedule("acme")
	w.pass(time.Hour)
	d := w.takeSchedule(r.ID)
	w.settleSchedule(d, r.List, w.now())
	d = w.takeSchedule(r.ID)
	w.must(w.s.RemoveSchedule(w.ctx, r.ID), "remove schedule")
	_, err := w.s.Schedule(w.ctx, r.ID)
	w.noSchedule("read", err)
	w.noSchedule("remove", w.s.RemoveSchedule(w.ctx, r.ID))
	runs, err := w.s.ScheduleRuns(w.ctx, r.ID, 10)
	w.must(err, "list runs")
	equal(w, "runs", len(runs), 0)
	equal(w, "settled after it", w.settleSchedule(d, r.List, w.now()), false)
	equal(w, "the other", w.scheduleNow(other.ID).ID, other.ID)
	w.batch(r.List) // stays
}

func scheduleTidied(w *world) {
	r := w.schedule("acme")
	run := func(batch store.BatchNo) time.Time {
		w.pass(time.Hour)
		d := w.takeSchedule(r.ID)
		w.settleSchedule(d, batch, store.Millis(w.in(time.Hour)))
		return d.Due
	}
	tidy := func() {
		_, err := w.s.TidyHistory(w.ctx)
		w.must(err, "tidy history")
	}
	for range 3 {
		run(r.List)
	}
	made := run(r.List)
	run(0)
	none := run(0)
	tidy()
	equal(w, "runs that are not old", len(w.runs(r.ID)), 6)
	w.pass(store.HistoryLife + time.Hour)
	tidy()
	equal(w, "runs that are left", w.runs(r.ID), []time.Time{none, made})
	equal(w, "its newest batch", w.scheduleNow(r.ID).Ran, r.List)
}

// runs are the times for which a schedule ran, newest first.
func (w *world) runs(id string) (due []time.Time) {
	w.t.Helper()
	all, err := w.s.ScheduleRuns(w.ctx, id, 100)
	w.must(err, "list runs")
	for _, r := range all {
		due = append(due, r.Due)
	}
	return due
}

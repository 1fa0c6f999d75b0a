//go:build chaos

package chaos_test

import (
	"strconv"
	"syscall"
	"time"

	"github.com/plateq/plateq/client"
	"github.com/plateq/plateq/internal/pgtest"
	"github.com/plateq/plateq/providers/sim"
)

func killedMidCall(t *trial) {
	w := t.build(ground{hooks: true})
	w.provider.set(sim.Fault{Name: "hang", Kind: sim.KindChargeThenHang, Where: "submit", First: atOnce, For: time.Minute})
	victim := w.worker()
	w.scheduler = w.spawn("scheduler")
	w.submit()
	await(t, "ten calls are charged, and not answered", func() bool { return len(w.provider.charges()) >= atOnce })
	victim.kill()
	w.mended = time.Now()
	w.worker()
	b := w.done()
	took := time.Since(w.mended)
	if got, want := b.Counts[client.RowUnknown], atOnce*w.batch; got != want {
		t.Errorf("%d rows are unknown, want the %d that were in flight", got, want)
	}
	t.more("%d calls unknown, then adopted", w.adopt())
	w.account()
	w.result.Recovered = took
	w.nothingUnknown()
}

// adopt does what a person does who finds the tickets of unknown calls beside
// them, and returns how many there were.
func (w *world) adopt() int {
	w.Helper()
	n := 0
	for c, err := range w.api.Unknown(w.Context(), client.UnknownOptions{}) {
		if err != nil {
			w.Fatal(err)
		}
		if n++; len(c.Candidates) == 0 {
			w.Errorf("call %d has no candidates", c.Call)
			continue
		}
		if _, err := w.api.Adopt(w.Context(), client.Adoption{Call: c.Call, Ticket: c.Candidates[0].Ticket, Reason: "test"}); err != nil {
			w.Error(err)
		}
	}
	return n
}

// killedAt has the only worker end itself at its third call, and another one go
// on. It returns the batch and how long the rest of it took.
func killedAt(t *trial, hooks bool, point string) (*world, client.Batch, time.Duration) {
	t.Helper()
	w := t.build(ground{hooks: hooks, env: []string{"PLATEQ_ATTESTR_CONCURRENCY=1"}, rows: 200, batch: 20})
	victim := w.worker("PLATEQ_FAIL=" + point + ":kill:3")
	w.scheduler = w.spawn("scheduler")
	w.submit()
	victim.exit(time.Minute)
	w.mended = time.Now()
	w.worker()
	b := w.done()
	took := time.Since(w.mended)
	if got := b.Counts[client.RowUnknown]; got != w.batch {
		t.Errorf("%d rows are unknown, want the %d of the call", got, w.batch)
	}
	return w, b, took
}

func killedAfterClaim(t *trial) {
	w, b, took := killedAt(t, false, "after_claim")
	if n := w.provider.submits(); n != w.needed-1 {
		t.Errorf("%d calls reached the provider, want %d", n, w.needed-1)
	}
	t.more("%d rows unknown, then sent once", b.Counts[client.RowUnknown])
	if _, err := w.api.Resend(w.Context(), client.Decision{Batch: w.id, Reason: "test"}); err != nil {
		t.Fatal(err)
	}
	w.account()
	w.result.Recovered = took
	w.nothingUnknown()
	w.chargedOnce()
}

// chargedOnce demands that every plate was charged once, none not at all.
func (w *world) chargedOnce() {
	w.Helper()
	n := 0
	for _, c := range w.provider.charges() {
		n += len(c.Plates)
	}
	if n != len(w.list) {
		w.Errorf("%d plates were charged, want %d", n, len(w.list))
	}
}

func killedAfterRead(t *trial) {
	w, _, took := killedAt(t, true, "after_read")
	t.more("%d call unknown, then adopted", w.adopt())
	w.account()
	w.result.Recovered = took
	w.nothingUnknown()
	w.chargedOnce()
}

// killedInTransaction stops the transactions that store answers at their last
// statement, and kills the worker there.
func killedInTransaction(t *trial) {
	w := t.begin(ground{workers: 1})
	w.part(0.1)
	free := w.lock("tallies")
	await(t, "an answer is on its way into the store", func() bool {
		return w.sql(`SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%INTO tallies%'
			AND application_name = 'plateq'`) >= 2
	})
	w.workers[0].kill()
	free()
	w.mended = time.Now()
	w.worker()
	w.account()
	w.nothingExtra()
	if n := w.result.Unknown; n > atOnce*w.batch || n%w.batch != 0 {
		t.Errorf("%d rows are unknown, want those of whole calls, and of %d at most", n, atOnce)
	}
	t.more("0 calls stored by half")
}

func frozen(t *trial) {
	w := t.begin(ground{workers: 1})
	w.part(0.1)
	victim := w.workers[0]
	w.fault(func() {
		victim.signal(syscall.SIGSTOP)
		w.worker()
	}, lasting(75*time.Second, 100*time.Second), func() {
		t.more("%d rows unknown meanwhile", w.done().Counts[client.RowUnknown])
		victim.signal(syscall.SIGCONT)
	})
	await(t, "the answers of the frozen worker are kept", func() bool {
		b, err := w.api.Batch(t.Context(), w.id)
		return err == nil && b.Counts[client.RowUnknown] == 0
	})
	w.account()
	w.nothingUnknown()
}

func hung(t *trial) {
	w := t.begin(ground{env: []string{"PLATEQ_ATTESTR_TIMEOUT=5s"}})
	w.provider.set(sim.Fault{Name: "hang", Kind: sim.KindChargeThenHang, Where: "submit", Every: 1, For: 10 * time.Minute})
	await(t, "ten calls hang", func() bool { return w.struck("hang") >= atOnce })
	w.provider.clear("hang")
	w.mended = time.Now()
	w.account()
	st, err := w.provider.stats()
	if err != nil {
		t.Fatal(err)
	}
	n := st.Faults["hang"]
	if got := w.result.Unknown; got > n*w.batch || got == 0 {
		t.Errorf("%d rows are unknown after %d calls that hung", got, n)
	}
	if st.MaxInFlight > 2*atOnce {
		t.Errorf("%d requests were in flight at once", st.MaxInFlight)
	}
	t.more("%d calls hung", n)
}

// struck is how often a fault of the stand-in was.
func (w *world) struck(fault string) int {
	w.Helper()
	st, err := w.provider.stats()
	if err != nil {
		w.Fatal(err)
	}
	return st.Faults[fault]
}

func schedulerKilled(t *trial) {
	w := t.begin(ground{env: []string{"PLATEQ_ATTESTR_PAGE_SIZE=" + strconv.Itoa(max(1, *rowsFlag/500))}})
	w.part(0.2)
	pages := func() int {
		st, err := w.provider.stats()
		if err != nil {
			t.Fatal(err)
		}
		return st.Requests["items"]
	}
	asked := pages()
	await(t, "a poll has begun", func() bool { return pages() >= asked+2 })
	w.fault(w.scheduler.kill, lasting(5*time.Second, time.Minute), func() { w.scheduler = w.spawn("scheduler") })
	w.account()
	w.nothingUnknown()
}

func twoSchedulers(t *trial) {
	w := t.begin(ground{})
	w.spawn("scheduler")
	w.part(0.5)
	w.scheduler.kill()
	w.mended = time.Now()
	w.account()
	w.nothingUnknown()
}

func replaced(t *trial) {
	w := t.begin(ground{workers: 4})
	for i := range lasting(4, 30) {
		w.part(min(0.9, 0.2*float64(i+1)))
		old := w.workers[0]
		w.workers = w.workers[1:]
		w.worker()
		if code := old.stop(time.Minute); code != 0 {
			t.Errorf("a worker ended with %d", code)
		}
	}
	w.mended = time.Now()
	w.account()
	w.nothingUnknown()
}

// draining is a worker that is told to end with five calls of such a length in
// flight. It returns the worker's exit code, and how long it took.
func (w *world) draining() (code int, took time.Duration) {
	w.Helper()
	w.calls(5)
	victim := w.workers[0]
	began := time.Now()
	victim.signal(syscall.SIGTERM)
	<-time.After(time.Second)
	sent := w.provider.submits()
	code = victim.exit(2 * time.Minute)
	took = time.Since(began)
	if n := w.provider.submits() - sent; n > 0 {
		w.Errorf("%d calls began when the worker was to end", n)
	}
	w.mended = time.Now()
	w.provider.set(slowness(10*time.Millisecond, 100*time.Millisecond)...)
	w.worker()
	return code, took
}

func drained(t *trial) {
	call := lasting(6*time.Second, 12*time.Second)
	w := t.begin(ground{workers: 1, least: call, most: call, env: []string{"PLATEQ_ATTESTR_CONCURRENCY=5", "PLATEQ_GRACE=20s"}})
	code, took := w.draining()
	w.account()
	w.nothingUnknown()
	if code != 0 {
		t.Errorf("the worker ended with %d", code)
	}
	t.more("drained in %.1f s, exit code 0", took.Seconds())
}

func cutShort(t *trial) {
	w := t.begin(ground{workers: 1, least: 12 * time.Second, most: 12 * time.Second, env: []string{"PLATEQ_ATTESTR_CONCURRENCY=5", "PLATEQ_GRACE=5s"}})
	code, took := w.draining()
	w.account()
	w.nothingExtra()
	if code != 3 || w.result.Unknown != 5*w.batch {
		t.Errorf("exit %d with %d rows unknown, want 3 and those of five calls", code, w.result.Unknown)
	}
	t.more("ended in %.1f s, exit code 3", took.Seconds())
}

// poisoned has one row at which the request cannot be put together: the others
// of its call go out without it.
func poisoned(t *trial) {
	w := t.build(quick())
	bad := w.list[len(w.list)/2]
	for range w.ground.workers {
		w.worker("PLATEQ_FAIL=build:panic:" + bad)
	}
	w.scheduler = w.spawn("scheduler")
	w.submit()
	w.needed = len(w.list) // those beside it are asked about in smaller calls
	w.account()
	w.nothingUnknown()
	n := 0
	for r, err := range w.api.Results(t.Context(), w.id, client.ResultsOptions{}) {
		if err != nil {
			t.Fatal(err)
		}
		if r.Error != nil && r.Error.Class == "poison" {
			n++
		}
	}
	if n != 1 {
		t.Errorf("%d rows failed as poison, want 1", n)
	}
	t.more("%d row failed as poison", n)
}

// large looks a list up that is larger than the memory of its processes.
func large(t *trial) {
	rows := max(*rowsFlag, lasting(100_000, 10_000_000))
	g := ground{rows: rows, batch: 1000, least: time.Millisecond, most: 20 * time.Millisecond, env: []string{"PLATEQ_ATTESTR_PAGE_SIZE=1000"}}
	if rows > 1_000_000 { // the cluster that cells share is in memory
		g.server = pgtest.Start(t)
	}
	w := t.begin(g)
	w.doneWithin(w.id, 10*time.Minute+time.Duration(rows)*time.Millisecond)
	most := 0
	for _, p := range w.started {
		most = max(most, p.memory())
	}
	w.account()
	w.nothingUnknown()
	if most > 256 {
		t.Errorf("a process took %d MiB", most)
	}
	t.more("%d rows, at most %d MiB a process", rows, most)
}

package app_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/plateq/plateq/internal/app"
	"github.com/plateq/plateq/internal/redistest"
	"github.com/plateq/plateq/providers/sim"
	"github.com/plateq/plateq/store"
)

// brisk is a stand-in that answers at once, in pages that change their order
// while records complete one by one.
func brisk() sim.Options {
	o := sim.Hostile()
	o.Completion = sim.Completion{Min: 50 * time.Millisecond, Max: time.Second, Order: sim.RandomOrder}
	return o
}

func TestARunAnswersEveryRowOnceInOrder(t *testing.T) {
	t.Parallel()
	u := standIn(t, brisk())
	d := newDesk(t, u, "PLATEQ_ATTESTR_PAGE_SIZE=7")
	list := plates(300)
	list[10], list[20], list[30] = "", "?!", strings.Repeat("A", 40)
	list[40] = list[41]
	sum, code := d.run(t.Context(), d.runOptions(d.list("in.csv", list), "out.csv"))
	if code != app.ExitPartial {
		t.Errorf("exit %d, want %d: three rows are invalid", code, app.ExitPartial)
	}
	rows := d.out("out.csv")
	if by := d.inOrder(rows, list); by["invalid"] != 3 {
		t.Errorf("got %v, want 3 invalid", by)
	}
	d.answered(u, rows)
	if len(u.Charges()) != 296 || u.chargedTwice() != 0 || sum.Saved.Duplicates != 1 {
		t.Errorf("%d plates charged, %d twice, %d shared; want 296, 0, 1", len(u.Charges()), u.chargedTwice(), sum.Saved.Duplicates)
	}
	d.check()
}

func TestEqualPlatesArePaidOnceAndKnownOnesNotAgain(t *testing.T) {
	t.Parallel()
	o := sim.Fast()
	u := standIn(t, o)
	d := newDesk(t, u, "PLATEQ_ATTESTR_BATCH_SIZE=500")
	list := make([]string, 0, 5000)
	for range 5 {
		list = append(list, plates(1000)...)
	}
	in := d.list("in.csv", list)
	d.run(t.Context(), d.runOptions(in, "first.csv"))
	first := d.inOrder(d.out("first.csv"), list)
	if len(u.Charges()) != 1000 || u.chargedTwice() != 0 {
		t.Fatalf("%d plates charged, %d twice; want 1000, 0", len(u.Charges()), u.chargedTwice())
	}
	sum, _ := d.run(t.Context(), d.runOptions(in, "second.csv"))
	rows := d.out("second.csv")
	if second := d.inOrder(rows, list); second["found"] != first["found"] || second["failed"] != first["failed"] {
		t.Errorf("the second time %v, the first time %v", second, first)
	}
	d.answered(u, rows)
	again := 0
	for plate, n := range u.Charges() {
		if a := u.Answer(plate); n > 1 && (a.Valid || a.Status == "NOT_FOUND") {
			t.Fatal("a plate with a known answer was paid for again")
		} else if n > 1 {
			again++
		}
	}
	if again != first["failed"]/5 || sum.Saved.Known != 5000-first["failed"] {
		t.Errorf("%d asked again, %d reused; want %d, %d", again, sum.Saved.Known, first["failed"]/5, 5000-first["failed"])
	}
	d.check()
}

func TestASubmitThatIsChargedAndCutOffIsUnknown(t *testing.T) {
	t.Parallel()
	o := sim.Fast()
	o.Faults = []sim.Fault{{Name: "cut", Kind: "charge_then_close", Where: "submit", Every: 10}}
	u := standIn(t, o)
	d := newDesk(t, u)
	list := plates(1000)
	in := d.list("in.csv", list)
	_, code := d.run(t.Context(), d.runOptions(in, "out.csv"))
	rows := d.out("out.csv")
	by := d.inOrder(rows, list)
	if code != app.ExitPartial || by["unknown"] != 100 {
		t.Errorf("exit %d, %v; want %d and 5 calls of 20 unknown", code, by, app.ExitPartial)
	}
	d.answered(u, rows, "unknown")
	if len(u.Charges()) != 1000 || u.chargedTwice() != 0 {
		t.Errorf("%d plates charged, %d twice", len(u.Charges()), u.chargedTwice())
	}
	u.ClearFaults()
	d.run(t.Context(), d.runOptions(in, "again.csv"))
	for _, r := range rows {
		if r["status"] == "unknown" && u.Charges()[r["plate"]] != 1 {
			t.Fatal("what is unknown was asked again")
		}
	}
	d.check()
}

func TestAnInterruptedRunGoesOnAndAFinishedOneOnlyWrites(t *testing.T) {
	t.Parallel()
	u := standIn(t, brisk())
	d := newDesk(t, u)
	list := plates(400)
	ro := d.runOptions(d.list("in.csv", list), "out.csv")
	ctx, cancel := context.WithCancel(t.Context())
	stop := ro
	stop.Progress = func(p app.Progress) {
		if p.Stage == app.StageLooking && p.Counts.Open() < 400 {
			cancel()
		}
	}
	sum, code := d.run(ctx, stop)
	if code != app.ExitInterrupted || sum.Counts.Open() == 0 {
		t.Fatalf("exit %d with %d open rows, want %d in the middle of it", code, sum.Counts.Open(), app.ExitInterrupted)
	}
	sum, _ = d.run(t.Context(), ro)
	if !sum.Again {
		t.Error("the same command did not go on with what was left")
	}
	if by := d.inOrder(d.out("out.csv"), list); by["unknown"] != 0 {
		t.Errorf("%v: an interruption lets calls in flight end", by)
	}
	d.answered(u, d.out("out.csv"))
	charges := len(u.Ledger())
	sum, _ = d.run(t.Context(), ro)
	if !sum.Written || len(u.Ledger()) != charges || u.chargedTwice() != 0 {
		t.Errorf("written %t, %d calls more, %d charged twice", sum.Written, len(u.Ledger())-charges, u.chargedTwice())
	}
	fresh := ro
	fresh.Fresh = true
	d.run(t.Context(), fresh)
	if len(u.Ledger()) == charges {
		t.Error("--fresh asked nobody")
	}
	d.check()
}

func TestOutOfCreditStopsAndGoesOnAfterATopUp(t *testing.T) {
	t.Parallel()
	o := sim.Fast()
	u := standIn(t, o)
	account := u.Accounts()[0]
	account.Credit = 100
	if err := u.SetAccount(account); err != nil {
		t.Fatal(err)
	}
	d := newDesk(t, u, "PLATEQ_ATTESTR_CONCURRENCY=1")
	list := plates(200)
	ro := d.runOptions(d.list("in.csv", list), "out.csv")
	if _, code := d.run(t.Context(), ro); code != app.ExitMoney {
		t.Fatalf("exit %d, want %d", code, app.ExitMoney)
	}
	if got := u.Stats().Answers["submit"]["4005"]; got != 1 {
		t.Errorf("%d refusals drawn, want one", got)
	}
	account.Credit = 1000
	if err := u.SetAccount(account); err != nil {
		t.Fatal(err)
	}
	if _, code := d.run(t.Context(), ro); code != app.ExitOK && code != app.ExitPartial {
		t.Fatalf("exit %d after the top-up", code)
	}
	d.answered(u, d.out("out.csv"))
	if u.chargedTwice() != 0 {
		t.Error("plates were charged twice")
	}
	d.check()
}

func TestRefusedCredentialsStopAtOnce(t *testing.T) {
	t.Parallel()
	u := standIn(t, sim.Fast())
	d := newDesk(t, u, "PLATEQ_ATTESTR_AUTH_TOKEN=wrong")
	d.env = slices.DeleteFunc(d.env, func(s string) bool { return s == "PLATEQ_ATTESTR_AUTH_TOKEN="+sim.DefaultToken })
	ro := d.runOptions(d.list("in.csv", plates(200)), "out.csv")
	if _, code := d.run(t.Context(), ro); code != app.ExitProvider {
		t.Fatalf("exit %d, want %d", code, app.ExitProvider)
	}
	if got := u.Stats().Answers["submit"]["4016"]; got < 1 || got > 4 {
		t.Errorf("%d refusals drawn, want those in flight at most", got)
	}
	d.check()
}

func TestLosingAllOfRedisTwiceLosesNothing(t *testing.T) {
	t.Parallel()
	redis := redistest.Start(t, "--appendonly", "no")
	o := sim.Fast()
	o.Faults = []sim.Fault{{Name: "slow", Kind: "latency", Where: "submit", For: 20 * time.Millisecond}}
	u := standIn(t, o)
	d := newDesk(t, u, "PLATEQ_REDIS_URL="+redis.URL())
	list := plates(2000)
	ro := d.runOptions(d.list("in.csv", list), "out.csv")
	flush := []int{500, 1200} // settled rows at which Redis is emptied
	c := redis.Client()
	ro.Progress = func(p app.Progress) {
		if p.Stage == app.StageLooking && len(flush) > 0 && p.Rows-p.Counts.Open() >= flush[0] {
			flush = flush[1:]
			if err := c.FlushAll(t.Context()).Err(); err != nil {
				t.Error(err)
			}
		}
	}
	d.run(t.Context(), ro)
	if len(flush) != 0 {
		t.Fatal("Redis was not emptied twice")
	}
	rows := d.out("out.csv")
	if by := d.inOrder(rows, list); by["unknown"] != 0 {
		t.Errorf("got %v, want nothing unknown", by)
	}
	d.answered(u, rows)
	if u.chargedTwice() != 0 || len(u.Charges()) != 2000 {
		t.Errorf("%d plates charged, %d twice", len(u.Charges()), u.chargedTwice())
	}
	d.check()
}

// fastClock runs sixty times as fast as the wall's.
func fastClock() func() time.Time {
	start := time.Now()
	return func() time.Time { return start.Add(60 * time.Since(start)) }
}

func TestAnOutageEndsTheRunFailsNobodyAndIsOverWhenTheProviderIsBack(t *testing.T) {
	t.Parallel()
	o := sim.Fast()
	o.Answers = sim.Answers{Found: 100}
	u := standIn(t, o)
	d := newDesk(t, u)
	list := plates(45)
	ro := d.runOptions(d.list("in.csv", list), "out.csv")
	out := slices.Clone(d.env)
	for i, v := range d.env {
		if strings.HasPrefix(v, "PLATEQ_ATTESTR_BASE_URL=") {
			d.env[i] = "PLATEQ_ATTESTR_BASE_URL=http://127.0.0.1:1/attestr"
		}
	}
	opts := d.options()
	opts.Now = fastClock()
	sum, err := app.RunFile(t.Context(), opts, ro)
	if app.ExitCode(err) != app.ExitProvider || sum.Counts[store.Queued] != 45 {
		t.Fatalf("exit %d, %v, %v; want %d and all 45 queued", app.ExitCode(err), sum.Counts, err, app.ExitProvider)
	}
	clock := opts.Now
	d.env = out
	opts = d.options()
	opts.Now = clock
	if _, err := app.RunFile(t.Context(), opts, ro); err != nil {
		t.Fatalf("when the provider is back: %v", err)
	}
	d.answered(u, d.out("out.csv"))
	d.check()
}

func TestAFreshRunCountsFromThenOn(t *testing.T) {
	t.Parallel()
	o := sim.Fast()
	o.Answers = sim.Answers{Found: 100}
	u := standIn(t, o)
	d := newDesk(t, u)
	ro := d.runOptions(d.list("in.csv", plates(20)), "out.csv")
	fresh := ro
	fresh.Fresh = true
	d.run(t.Context(), ro)
	first := d.out("out.csv")[0]["answered_at"]
	d.run(t.Context(), fresh)
	second := d.out("out.csv")[0]["answered_at"]
	sum, _ := d.run(t.Context(), ro)
	if got := d.out("out.csv")[0]["answered_at"]; first == second || got != second || !sum.Written {
		t.Errorf("answered %s, fresh %s, then %s written again; want the fresh ones", first, second, got)
	}
	if len(u.Ledger()) != 2 {
		t.Errorf("%d calls, want 2", len(u.Ledger()))
	}
}

func TestARunSetsOtherListsAsideAndLetsThemGoOn(t *testing.T) {
	t.Parallel()
	o := sim.Fast()
	o.Answers = sim.Answers{Found: 100}
	u := standIn(t, o)
	d := newDesk(t, u)
	first := d.list("first.csv", plates(100))
	ctx, cancel := context.WithCancel(t.Context())
	stop := d.runOptions(first, "first-out.csv")
	stop.Progress = func(p app.Progress) {
		if p.Stage == app.StageLooking {
			cancel()
		}
	}
	if _, code := d.run(ctx, stop); code != app.ExitInterrupted {
		t.Fatalf("exit %d, want an interruption", code)
	}
	sent := len(u.Charges())
	other := []string{"MH81AA0001", plates(100)[99]} // one of them is on the first list as well
	if _, code := d.run(t.Context(), d.runOptions(d.list("other.csv", other), "other-out.csv")); code != app.ExitOK {
		t.Fatalf("exit %d", code)
	}
	if more := len(u.Charges()) - sent; more > 2 {
		t.Errorf("%d plates were paid for, two were asked for", more)
	}
	if _, code := d.run(t.Context(), d.runOptions(first, "first-out.csv")); code != app.ExitOK {
		t.Fatalf("exit %d when the first list goes on", code)
	}
	if u.chargedTwice() != 0 || len(u.Charges()) != 101 {
		t.Errorf("%d plates charged, %d twice; want 101, 0", len(u.Charges()), u.chargedTwice())
	}
	d.check()
}

func TestAnOutThatCannotBeWrittenIsSaidBeforeAnythingIsPaid(t *testing.T) {
	t.Parallel()
	u := standIn(t, sim.Fast())
	d := newDesk(t, u)
	ro := d.runOptions(d.list("in.csv", plates(5)), "out.csv")
	ro.Out = d.path("no/such/place/out.csv")
	if _, code := d.run(t.Context(), ro); code != app.ExitUsage || len(u.Charges()) != 0 {
		t.Errorf("exit %d, %d plates charged; want %d, 0", code, len(u.Charges()), app.ExitUsage)
	}
}

func TestAnUnknownProviderIsToldWhichThereAre(t *testing.T) {
	t.Parallel()
	d := &desk{t: t, dir: t.TempDir(), log: &syncBuffer{}}
	d.env = []string{"PLATEQ_DATA_DIR=" + d.path("data")}
	for name, want := range map[string]string{"attstr": "there is attestr", "attestr": "PLATEQ_ATTESTR_"} {
		ro := d.runOptions(d.list("in.csv", plates(5)), "out.csv")
		ro.Provider = name
		_, err := app.RunFile(t.Context(), d.options(), ro)
		if app.ExitCode(err) != app.ExitUsage || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v; want exit %d and %q", name, err, app.ExitUsage, want)
		}
	}
}

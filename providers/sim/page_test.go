package sim_test

import (
	"slices"
	"testing"
	"time"

	"github.com/plateq/plateq/providers/sim"
)

func regs(rows []record) []string {
	out := make([]string, len(rows))
	for i, r := range rows {
		out[i] = r.Input.Reg
	}
	return out
}

// slow returns a stand-in with these faults whose records are all final after a minute.
func slow(t *testing.T, faults ...sim.Fault) (*upstream, *clock) {
	t.Helper()
	clk := newClock()
	return start(t, sim.Options{
		Now:        clk.now,
		Completion: sim.Completion{Min: time.Minute, Max: time.Minute},
		Faults:     faults,
	}), clk
}

func TestPagesMove(t *testing.T) {
	t.Parallel()
	for _, kind := range []sim.Kind{sim.KindReorder, sim.KindShift} {
		for _, forever := range []bool{false, true} {
			u, clk := slow(t, sim.Fault{Kind: kind, Forever: forever})
			id := u.mustSubmit(t, plates(100)...)
			read := func() []string { return regs(u.mustItems(t, id, 0, 100)) }
			a, b := read(), read()
			if slices.Equal(a, b) {
				t.Errorf("%s: two reads come in one order", kind)
			}
			slices.Sort(b)
			if !slices.Equal(b, plates(100)) {
				t.Errorf("%s: a read does not hold every plate once", kind)
			}
			clk.advance(time.Minute)
			if same := slices.Equal(read(), read()); same == forever {
				t.Errorf("%s, for ever %v: after the last record the order stands still: %v", kind, forever, same)
			}
		}
	}
}

func TestShiftHidesRowsFromAPass(t *testing.T) {
	t.Parallel()
	u, _ := slow(t, sim.Fault{Kind: sim.KindShift, N: 20})
	id := u.mustSubmit(t, plates(500)...)
	seen := map[string]bool{}
	for skip := 0; skip < 500; skip += 100 {
		for _, r := range u.mustItems(t, id, skip, 100) {
			seen[r.Input.Reg] = true
		}
	}
	if len(seen) == 500 {
		t.Error("one pass saw every plate, want some hidden by the shift")
	}
}

func TestShortPages(t *testing.T) {
	t.Parallel()
	u, _ := slow(t, sim.Fault{Kind: sim.KindShort})
	id := u.mustSubmit(t, plates(9)...)
	if got := regs(u.mustItems(t, id, 0, 100)); !slices.Equal(got, plates(9)[:5]) {
		t.Errorf("got %v, want the first five", got)
	}
	if got := len(u.mustItems(t, id, 8, 100)); got != 1 {
		t.Errorf("a page of one: got %d rows, want 1", got)
	}
}

func TestMissing(t *testing.T) {
	t.Parallel()
	u, _ := slow(t, sim.Fault{Kind: sim.KindMissing, Rate: 0.1})
	id := u.mustSubmit(t, plates(100)...)
	a, b := regs(u.mustItems(t, id, 0, 100)), regs(u.mustItems(t, id, 0, 100))
	if len(a) == 100 || len(a) < 75 || !slices.Equal(a, b) {
		t.Errorf("got %d and %d rows, want about 90, the same each time", len(a), len(b))
	}
	if err := u.SetFault(sim.Fault{Kind: sim.KindMissing, Prefix: "KA00ZZ001"}); err != nil {
		t.Fatal(err)
	}
	want := slices.DeleteFunc(plates(100), func(p string) bool { return p[:9] == "KA00ZZ001" })
	if got := regs(u.mustItems(t, id, 0, 100)); !slices.Equal(got, want) {
		t.Errorf("by prefix: got %v, want %v", got, want)
	}
}

func TestNever(t *testing.T) {
	t.Parallel()
	u, clk := slow(t, sim.Fault{Kind: sim.KindNever, Every: 10})
	id := u.mustSubmit(t, plates(100)...)
	clk.advance(1000 * time.Hour)
	for i, r := range u.mustItems(t, id, 0, 100) {
		if open := r.Status == sim.RecordInitiated; open != (i%10 == 9) {
			t.Errorf("record %d: got %s", i, r.Status)
		}
	}
}

func TestRegress(t *testing.T) {
	t.Parallel()
	u, clk := slow(t, sim.Fault{Kind: sim.KindRegress, Rate: 0.5})
	id := u.mustSubmit(t, plates(100)...)
	clk.advance(time.Minute)
	if got := states(u.mustItems(t, id, 0, 100))[sim.RecordInitiated]; got != 0 {
		t.Errorf("first read: got %d INITIATED, want none: nothing was shown final yet", got)
	}
	const reads = 6
	back, again := 0, map[string]int{}
	for range reads {
		for _, r := range u.mustItems(t, id, 0, 100) {
			if r.Status == sim.RecordInitiated {
				back++
				again[r.ID]++
			}
		}
	}
	if len(again) < 30 || len(again) > 70 {
		t.Errorf("%d records went back, want about 50", len(again))
	}
	for rec, n := range again {
		if n != reads/3 {
			t.Errorf("record %s: INITIATED in %d of %d reads, want %d", rec, n, reads, reads/3)
		}
	}
	if got := u.Stats().Regressions; got != back {
		t.Errorf("regressions: got %d, want %d", got, back)
	}
}

func TestForeign(t *testing.T) {
	t.Parallel()
	u, _ := slow(t, sim.Fault{Kind: sim.KindForeign, N: 2})
	id := u.mustSubmit(t, plates(10)...)
	foreign := func() (out []record) {
		for _, r := range u.mustItems(t, id, 0, 100) {
			if r.BatchID != id {
				out = append(out, r)
			}
		}
		return out
	}
	if got := foreign(); len(got) != 1 || got[0].Status == sim.RecordInitiated {
		t.Errorf("no other batch: got %+v, want one invented final record", got)
	}
	other := u.mustSubmit(t, "DL01AA1000", "DL01AA1001", "DL01AA1002")
	got := foreign()
	if want := []string{"DL01AA1000", "DL01AA1001"}; !slices.Equal(regs(got), want) || got[0].BatchID != other {
		t.Errorf("got %+v, want %v of batch %s", got, want, other)
	}
}

// TestHostileIsTrue reads a hostile stand-in as a careful client does and gets every answer right.
func TestHostileIsTrue(t *testing.T) {
	t.Parallel()
	clk := newClock()
	opts := sim.Hostile()
	opts.Now = clk.now
	u := start(t, opts)
	id := u.mustSubmit(t, plates(250)...)
	final := map[string]record{}
	for pass := range 20 {
		clk.advance(500 * time.Millisecond)
		for skip := 0; ; {
			rows := u.mustItems(t, id, skip, 100)
			if len(rows) == 0 {
				break
			}
			skip += len(rows)
			for _, r := range rows {
				if r.Status != sim.RecordInitiated {
					final[r.Input.Reg] = r
				}
			}
		}
		if pass == 0 && len(final) == 250 {
			t.Error("everything was final at the first pass")
		}
	}
	for _, p := range plates(250) {
		r, want := final[p], u.Answer(p)
		if r.Status != want.Record || r.Output != nil && r.Output.Status != want.Status {
			t.Errorf("plate %s: got %+v, want %+v", p, r, want)
		}
	}
}

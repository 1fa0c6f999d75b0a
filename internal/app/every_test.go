package app_test

import (
	"testing"
	"time"

	"github.com/plateq/plateq/internal/app"
	"github.com/plateq/plateq/providers/sim"
)

// every is how one provider is asked about a list of so many rows.
type every struct {
	name string
	// desk returns a desk that asks u.
	desk func(t *testing.T, u upstream) *desk
	// list writes a list of n different questions, and returns what holds the
	// rows that come out against what the stand-in says of each. Rows that are
	// unknown are left out.
	list func(d *desk, u upstream, n int) (path string, right func(rows []map[string]string))
	// paid is the endpoint whose calls cannot be repeated, and carries how many
	// rows such a call has at most. Empty: all can be.
	paid    string
	carries int
}

func everyProvider() []every {
	return []every{
		{
			name: "attestr", paid: "submit", carries: 5,
			desk: func(t *testing.T, u upstream) *desk {
				t.Helper()
				return newDesk(t, u, "PLATEQ_ATTESTR_BATCH_SIZE=5", "PLATEQ_ATTESTR_CONCURRENCY=16", "PLATEQ_ATTESTR_TIMEOUT=2s")
			},
			list: func(d *desk, u upstream, n int) (string, func([]map[string]string)) {
				return d.list("in.csv", plates(n)), func(rows []map[string]string) { d.answered(u, rows, "unknown") }
			},
		},
		{
			name: "regnum",
			desk: func(t *testing.T, u upstream) *desk {
				t.Helper()
				return regnumDesk(t, u, 0, "PLATEQ_REGNUM_CONCURRENCY=16", "PLATEQ_REGNUM_TIMEOUT=2s")
			},
			list: func(d *desk, u upstream, n int) (string, func([]map[string]string)) {
				return d.list("in.csv", plates(n)), func(rows []map[string]string) { wantCars(d.t, u, rows) }
			},
		},
		{
			name: "spectrumdata",
			desk: func(t *testing.T, u upstream) *desk {
				t.Helper()
				return spectrumDesk(t, u, "PLATEQ_SPECTRUMDATA_TIMEOUT=2s")
			},
			list: func(d *desk, u upstream, n int) (string, func([]map[string]string)) {
				path, sent := d.owned("in.csv", n)
				return path, func(rows []map[string]string) { d.wantOwners(u, rows, sent) }
			},
		},
		{
			name: "resser",
			desk: func(t *testing.T, u upstream) *desk {
				t.Helper()
				return resserDesk(t, u, "PLATEQ_RESSER_BATCH_SIZE=5", "PLATEQ_RESSER_CONCURRENCY=16", "PLATEQ_RESSER_TIMEOUT=2s")
			},
			list: func(d *desk, u upstream, n int) (string, func([]map[string]string)) {
				path, all := d.garage("in.csv", n)
				return path, func(rows []map[string]string) { d.wantProcessed(u, rows, all) }
			},
		},
		{
			name: "aopay", paid: "fetch", carries: 1,
			desk: func(t *testing.T, u upstream) *desk {
				t.Helper()
				return aopayDesk(t, u, "PLATEQ_AOPAY_CONCURRENCY=16", "PLATEQ_AOPAY_TIMEOUT=2s")
			},
			list: func(d *desk, u upstream, n int) (string, func([]map[string]string)) {
				return d.list("in.csv", plates(n)), func(rows []map[string]string) { d.wantBills(u, rows, "failed") }
			},
		},
	}
}

// mishaps strike 1 % of the requests to an endpoint with a 5xx, before and
// after the work is done, 1 % with a cut body, and 0.5 % with silence. Their
// names begin with it.
func mishaps(endpoint string) []sim.Fault {
	return []sim.Fault{
		{Name: endpoint + " 502", Kind: "502", Where: endpoint, Rate: 0.005},
		{Name: endpoint + " 500", Kind: "500", Where: endpoint, Rate: 0.005, Charge: true},
		{Name: endpoint + " cut", Kind: sim.KindChargeThenCut, Where: endpoint, Rate: 0.01},
		{Name: endpoint + " hang", Kind: sim.KindChargeThenHang, Where: endpoint, Rate: 0.005},
	}
}

// TestEveryProviderUnderMishaps: as many rows out as in, each in its place and
// right, and nothing paid twice. Only where a call cannot be repeated are rows
// unknown, those of the calls that were struck at most.
//
//	go test ./internal/app -run EveryProvider -v -timeout 30m -args -long
func TestEveryProviderUnderMishaps(t *testing.T) {
	n := 1000
	if *long {
		n = 10_000
	}
	for _, p := range everyProvider() {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			o := sim.Options{Seed: 11, Answers: sim.DefaultAnswers(), Completion: sim.Completion{Max: 300 * time.Millisecond}}
			for _, endpoint := range endpoints(t, p.name) {
				o.Faults = append(o.Faults, mishaps(endpoint)...)
			}
			u := standIn(t, o)
			d := p.desk(t, u)
			in, right := p.list(d, u, n)
			ro := d.runOptions(in, "out.csv")
			ro.Provider = p.name
			began := time.Now()
			sum, code := d.run(t.Context(), ro)
			took := time.Since(began)
			if code != 0 && code != app.ExitPartial {
				t.Errorf("exit %d", code)
			}
			rows := d.out("out.csv")
			by := d.inOrder(rows, make([]string, n))
			right(rows)
			d.check()
			struck, atRisk := 0, 0
			for _, f := range o.Faults {
				hits := u.Stats().Faults[f.Name]
				struck += hits
				if f.Where == p.paid {
					atRisk += hits
				}
			}
			twice := u.paidTwice(p.name)
			t.Logf("%d rows: %v; %d calls, %d polls, %d requests struck, %d of them where a repeat may cost; %d paid twice; %.1f s",
				n, by, sum.Calls, sum.Polls, struck, atRisk, twice, took.Seconds())
			if twice != 0 {
				t.Errorf("%d subjects paid twice, want none", twice)
			}
			if settled := by["found"] + by["not_found"] + by["failed"] + by["unknown"]; settled != n {
				t.Errorf("got %v, want %d settled rows", by, n)
			}
			if struck == 0 || by["unknown"] > atRisk*p.carries {
				t.Errorf("%d rows are unknown, want at most those of the %d calls that were struck where a repeat may cost", by["unknown"], atRisk)
			}
		})
	}
}

// endpoints are those that a provider's list uses.
func endpoints(t *testing.T, provider string) []string {
	t.Helper()
	for _, s := range catalogue(t) {
		if s.Name != provider {
			continue
		}
		if s.Pending {
			return []string{s.Endpoints.Submit, s.Endpoints.Poll}
		}
		return []string{s.Endpoints.Submit}
	}
	t.Fatalf("there is no provider %s", provider)
	return nil
}

// paidTwice counts the subjects for which a provider was paid more than once.
func (u upstream) paidTwice(provider string) int {
	paid, twice := map[string]int{}, 0
	for _, c := range u.Ledger() {
		if c.Provider != provider || c.Charged == 0 {
			continue
		}
		for _, subject := range c.Plates {
			if paid[subject]++; paid[subject] == 2 {
				twice++
			}
		}
	}
	return twice
}

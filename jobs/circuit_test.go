package jobs

import (
	"slices"
	"testing"
	"time"

	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/store"
)

// circuits is a policy with a clock of its own, of a provider whose service
// has parts.
type circuits struct {
	*Policy
	t   *testing.T
	now time.Time
}

func newCircuits(t *testing.T) *circuits {
	t.Helper()
	c := &circuits{Policy: testPolicy(true), t: t, now: noon}
	c.Policy.now = func() time.Time { return c.now }
	return c
}

var down = &providers.Error{Provider: "acme", Scope: "acme", Class: providers.Unavailable, Code: "no_connection"}

// call judges a call for a part of the service; err nil: it was answered. It
// returns what it closes and opens.
func (c *circuits) call(service string, err error, probes ...string) (closed, opened []string) {
	c.t.Helper()
	c.now = c.now.Add(time.Second)
	claim := claimOf(1)
	claim.Asks[0].Service, claim.Probe, claim.Probes = service, len(probes) > 0, probes
	out := providers.Outcome{Err: err}
	if err == nil {
		out.Record = &providers.Record{}
	}
	s := c.judge(claim, c.now, []providers.Outcome{out})
	for _, g := range s.Gates.Close {
		closed = append(closed, g.Scope)
	}
	if v := s.Verdicts[0]; err != nil && len(closed) > 0 && (v.To != store.Queued || v.Counted || !s.Ready.IsZero()) {
		c.t.Errorf("a call that closes %v leaves its ask %s, counted %t, ready at %v; want it queued as it was", closed, v.To, v.Counted, s.Ready)
	}
	return closed, s.Gates.Open
}

func (c *circuits) want(what string, got []string, want ...string) {
	c.t.Helper()
	if !slices.Equal(got, want) {
		c.t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

func TestARunOfFailuresClosesThePartOfTheService(t *testing.T) {
	t.Parallel()
	c := newCircuits(t)
	for n := 1; n <= runOpens; n++ {
		_, opened := c.call("999", nil)
		c.want("opened by the part that works", opened, "acme", "acme/submit", "acme/submit/999")
		closed, _ := c.call("311", down)
		if n < runOpens {
			c.want("closed early", closed)
		} else {
			c.want("closed", closed, "acme/submit/311")
		}
	}
	closed, _ := c.call("311", down, "acme/submit/311")
	c.want("closed by its probe", closed, "acme/submit/311")
	c.call("311", nil)
	closed, _ = c.call("311", down)
	c.want("closed by the first failure after a success", closed)
}

// Whose parts fail one like the other is down: the endpoint closes, and no part
// has to fail five times of its own.
func TestPartsThatFailAlikeCloseTheEndpoint(t *testing.T) {
	t.Parallel()
	c := newCircuits(t)
	for n := 1; n < runOpens; n++ {
		closed, _ := c.call("311", down)
		c.want("closed early", closed)
	}
	closed, _ := c.call("999", down)
	c.want("closed", closed, "acme/submit")
	closed, _ = c.call("998", down, "acme/submit")
	c.want("closed by a probe of another part", closed, "acme/submit")
	closed, _ = c.call("311", down, "acme/submit")
	c.want("closed by a probe that is the fifth failure of its part", closed, "acme/submit/311", "acme/submit")
	_, opened := c.call("999", nil, "acme/submit")
	c.want("opened", opened, "acme", "acme/submit", "acme/submit/999")
}

// The probes of one part that stays closed say nothing about the others.
func TestProbesOfAPartAreNotFailuresOfTheEndpoint(t *testing.T) {
	t.Parallel()
	c := newCircuits(t)
	for range runOpens {
		c.call("311", down)
	}
	c.call("999", nil)
	for range 2 * runOpens {
		closed, _ := c.call("311", down, "acme/submit/311")
		c.want("closed by the probe", closed, "acme/submit/311")
	}
	closed, _ := c.call("999", down)
	c.want("closed by one failure of another part", closed)
}

// Names of parts come from those who ask. Beyond a number they are not told
// apart, and nothing grows.
func TestManyPartsOfAServiceShareARun(t *testing.T) {
	t.Parallel()
	c := newCircuits(t)
	closed := 0
	for n := range 10 * maxRuns {
		got, _ := c.call("p"+ref(store.AskID(n)), down)
		closed += len(got)
		if n%2 == 0 {
			c.call("works", nil)
		}
	}
	if len(c.runs) > maxRuns+2 {
		t.Errorf("%d runs are remembered, want %d at most", len(c.runs), maxRuns+2)
	}
	if closed > 0 {
		t.Errorf("%d gates were closed though every other call was answered", closed)
	}
}

// A refusal that names a part of the service closes that part, any other the
// provider.
func TestARefusalOfAPartClosesThatOnly(t *testing.T) {
	t.Parallel()
	c := newCircuits(t)
	for scope, want := range map[string]string{
		"acme/submit/311": "acme/submit/311",
		"acme/submit/999": "acme",
		"acme/submit":     "acme",
		"acme":            "acme",
		"":                "acme",
	} {
		closed, _ := c.call("311", &providers.Error{Class: providers.Unauthorised, Scope: scope, Code: "none_such"})
		c.want("closed over "+scope, closed, want)
	}
}

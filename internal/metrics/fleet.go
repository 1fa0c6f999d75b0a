package metrics

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"github.com/plateq/plateq/jobs"
	"github.com/plateq/plateq/store"
)

const (
	// fresh is how long figures of the fleet are told again before they are
	// read anew, however many ask.
	fresh = 10 * time.Second
	// patience is how long the store and Redis may take to be read.
	patience = 5 * time.Second
)

// Books are what the fleet's figures are read from.
type Books interface {
	Backlogs(ctx context.Context) ([]store.Backlog, error)
	Vanished(ctx context.Context) (int, error)
	Gates(ctx context.Context) ([]store.Gate, error)
	LedgerTotals(ctx context.Context, f store.LedgerFilter, by store.LedgerGroup) ([]store.LedgerTotal, error)
	Budgets(ctx context.Context, r store.BudgetsRequest) ([]store.BudgetUse, error)
	Readings(ctx context.Context) ([]store.Reading, error)
}

// FleetOptions say where the figures come from.
type FleetOptions struct {
	Books   Books
	Queues  func() ([]jobs.QueueInfo, error)
	Pace    func(ctx context.Context) (map[string]jobs.Pace, error) // by provider
	Limits  map[string]jobs.Limits                                  // by provider
	Budgets store.BudgetDefaults
	Now     func() time.Time
	Log     zerolog.Logger
}

// Fleet reads how everything stands that processes have in common: whoever is
// asked says the same. It is a prometheus.Collector.
type Fleet struct {
	o FleetOptions

	mu   sync.Mutex
	read time.Time
	all  []prometheus.Metric
}

// NewFleet returns a fleet that was not read yet.
func NewFleet(o FleetOptions) *Fleet { return &Fleet{o: o} }

// Describe tells nothing beforehand: which scopes and budgets there are is known
// when they are read.
func (f *Fleet) Describe(chan<- *prometheus.Desc) {}

// Collect tells the figures, at most fresh old.
func (f *Fleet) Collect(to chan<- prometheus.Metric) {
	for _, m := range f.figures() {
		to <- m
	}
}

func (f *Fleet) figures() []prometheus.Metric {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := f.o.Now()
	if age := now.Sub(f.read); !f.read.IsZero() && age >= 0 && age < fresh {
		return f.all
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	s := &snapshot{now: now}
	for _, part := range []struct {
		name string
		read func(context.Context, *snapshot) error
	}{
		{"backlogs", f.backlogs}, {"vanished", f.vanished}, {"gates", f.gates}, {"money", f.money}, {"budgets", f.budgets},
		{"readings", f.readings}, {"queues", f.queues}, {"pace", f.pace},
	} {
		err := part.read(ctx, s)
		s.gauge("up", "Whether a part of the fleet's figures could be read.", truth(err == nil), label{"part", part.name})
		if err != nil {
			f.o.Log.Warn().Err(err).Str("part", part.name).Msg("read figures of the fleet")
		}
	}
	f.read, f.all = now, s.all
	return f.all
}

// snapshot gathers figures.
type snapshot struct {
	now time.Time
	all []prometheus.Metric
}

type label struct{ name, value string }

// gauge adds a figure. Its labels come in the same order for each of a name.
func (s *snapshot) gauge(name, help string, value float64, labels ...label) {
	names, values := make([]string, len(labels)), make([]string, len(labels))
	for i, l := range labels {
		names[i], values[i] = l.name, l.value
	}
	desc := prometheus.NewDesc(prometheus.BuildFQName(namespace, "fleet", name), help, names, nil)
	m, err := prometheus.NewConstMetric(desc, prometheus.GaugeValue, value, values...)
	if err != nil {
		m = prometheus.NewInvalidMetric(desc, err)
	}
	s.all = append(s.all, m)
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

func (f *Fleet) backlogs(ctx context.Context, s *snapshot) error {
	all, err := f.o.Books.Backlogs(ctx)
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(f.o.Limits)) { // with nothing open it is not among them
		if !slices.ContainsFunc(all, func(b store.Backlog) bool { return b.Provider == name }) {
			all = append(all, store.Backlog{Provider: name})
		}
	}
	for _, b := range all {
		p := label{"provider", b.Provider}
		for _, state := range []struct {
			name string
			n    int
		}{{"queued", b.Queued}, {"sending", b.Sending}, {"waiting", b.Waiting}} {
			s.gauge("rows_open", "Rows of accepted lists that have no outcome yet.", float64(state.n), p, label{"state", state.name})
		}
		s.gauge("rows_ready", "Queued rows of lists that nobody has paused or cancelled.", float64(b.Ready), p)
		s.gauge("rows_unknown", "Rows on questions that may have been charged, of which nobody knows and nobody has decided.", float64(b.Unknown), p)
		s.gauge("lists_held", "Lists that a budget has paused.", float64(b.Held), p)
		s.gauge("tickets", "Tickets of providers on which questions wait.", float64(b.Tickets), p)
		s.gauge("tickets_late", "Tickets that are asked about once more though their questions were given up.", float64(b.Late), p)
		if b.Tickets > 0 {
			s.gauge("ticket_oldest_timestamp_seconds", "When the oldest ticket was given on which questions wait, in Unix time.", seconds(b.Oldest), p)
			s.gauge("ticket_deadline_timestamp_seconds", "When the first of these tickets is given up, in Unix time.", seconds(b.Deadline), p)
		}
	}
	return nil
}

func (f *Fleet) vanished(ctx context.Context, s *snapshot) error {
	n, err := f.o.Books.Vanished(ctx)
	if err == nil {
		s.gauge("workers_vanished", "Processes with a worker that ceased within the hour to say that they live, and did not end in order.", float64(n))
	}
	return err
}

// seconds is a time as Prometheus counts it.
func seconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }

func (f *Fleet) gates(ctx context.Context, s *snapshot) error {
	all, err := f.o.Books.Gates(ctx)
	for _, g := range all {
		// One that waits for a probe is closed until that comes back: its time says
		// when somebody may try it, not that its cause is gone. One that lets everyone
		// pass at its time is open from then on.
		if g.Closed && (g.Probe || g.Shut(s.now)) {
			s.gauge("gate_closed", "A scope in which no calls start, and since when it is closed, in Unix time.",
				float64(g.Since.Unix()), label{"scope", g.Scope}, label{"reason", g.Reason()})
		}
	}
	return err
}

func (f *Fleet) money(ctx context.Context, s *snapshot) error {
	all, err := f.o.Books.LedgerTotals(ctx, store.LedgerFilter{}, store.ByProvider)
	for _, t := range all {
		p, c := label{"provider", t.Group}, label{"currency", t.Currency}
		s.gauge("spent", "What all calls were charged, in units of the currency, or in questions.", units(t.Spent), p, c)
		s.gauge("at_risk", "What calls may still turn out to be charged, those among them of which nobody knows.", units(t.Held), p, c)
		s.gauge("asks_unsettled", "Questions that were carried and are neither charged nor free: under way, or unknown.",
			float64(t.Asks-t.Charged-t.Free), p, c)
	}
	return err
}

func (f *Fleet) budgets(ctx context.Context, s *snapshot) error {
	all, err := f.o.Books.Budgets(ctx, store.BudgetsRequest{Defaults: f.o.Budgets})
	for _, b := range all {
		if b.Kind == store.BudgetOfBatch {
			continue // there is no end to lists
		}
		scope := label{"scope", b.BudgetScope.String()}
		s.gauge("budget", "How much may be spent within a budget.", units(b.Amount), scope)
		s.gauge("budget_used", "How much of it is spent, or held for calls under way.", units(b.Spent+b.Held), scope)
	}
	return err
}

func (f *Fleet) readings(ctx context.Context, s *snapshot) error {
	all, err := f.o.Books.Readings(ctx)
	for _, r := range all {
		s.gauge("reading", "A figure that came with a provider's answers.", float64(r.Value), label{"provider", r.Provider}, label{"name", r.Name})
	}
	return err
}

func (f *Fleet) queues(_ context.Context, s *snapshot) error {
	all, err := f.o.Queues()
	for _, q := range all {
		name := label{"queue", q.Name}
		for _, state := range []struct {
			name string
			n    int
		}{{"pending", q.Pending}, {"active", q.Active}, {"scheduled", q.Scheduled}, {"retry", q.Retry}, {"archived", q.Archived}} {
			s.gauge("queue_tasks", "Tasks in Redis.", float64(state.n), name, label{"state", state.name})
		}
		s.gauge("queue_latency_seconds", "How long the oldest task that nobody has taken has waited.", q.Latency.Seconds(), name)
		s.gauge("queue_paused", "Whether somebody paused the queue.", truth(q.Paused), name)
	}
	return err
}

func (f *Fleet) pace(ctx context.Context, s *snapshot) error {
	all, err := f.o.Pace(ctx)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		p, provider := all[name], label{"provider", name}
		s.gauge("rate", "How many requests a second may start, as told or as learnt; 0: not known, or no bound.", p.Rate, provider)
		s.gauge("in_flight", "Calls that are under way.", float64(p.InFlight), provider)
		s.gauge("workers", "Workers that asked lately.", float64(p.Workers), provider)
		s.gauge("used_today", "Requests of the provider's day.", float64(p.Used), provider)
		if l, ok := f.o.Limits[name]; ok {
			s.gauge("concurrency", "How many calls may be under way.", float64(l.Concurrency), provider)
		}
	}
	return err
}

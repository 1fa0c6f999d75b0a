package store

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"time"
)

// EstimateRequest says for whom and at whom a list is to be estimated.
type EstimateRequest struct {
	Tenant   string // empty: DefaultTenant
	Provider string
	Reuse    Reuse
	// Next returns the list piece by piece, and io.EOF behind it.
	Next func(ctx context.Context) ([]NewRow, error)
}

// Estimate is what AddRows would do with a list as things stand.
type Estimate struct {
	Taken
	// Once is the same of a list without its invalid rows, and in which each
	// question comes once.
	Once Taken
}

// Forecast estimates a list as a Plan takes it in. It keeps eight bytes of
// each question's key and its fate: that two questions of a list of ten
// million are taken for one happens once in some hundred thousand lists, and
// changes the estimate by one. It is not safe for concurrent use.
type Forecast struct {
	Estimate Estimate

	sealer  *Sealer
	request EstimateRequest
	fates   map[uint64]fate
	rows    []uint64 // the keys of the piece's valid rows
	plan    *Plan
}

// NewForecast begins an estimate.
func NewForecast(s *Sealer, r EstimateRequest) *Forecast {
	if r.Tenant == "" {
		r.Tenant = DefaultTenant
	}
	return &Forecast{sealer: s, request: r, fates: map[uint64]fate{}}
}

// Run estimates the whole list. decide is given the plan of those questions of
// a piece that have not come before; it tells it what is known of them, and
// has it decide.
func (f *Forecast) Run(ctx context.Context, clock func() time.Time, decide func(context.Context, *Plan) error) (Estimate, error) {
	for {
		rows, err := f.request.Next(ctx)
		if errors.Is(err, io.EOF) {
			return f.Estimate, nil
		}
		if err == nil {
			err = f.begin(ctx, rows, clock())
		}
		if err == nil && f.plan.Questions() > 0 {
			err = decide(ctx, f.plan)
		}
		if err != nil {
			return Estimate{}, err
		}
		f.count(len(rows))
	}
}

// begin plans for the questions of a piece that are new to the forecast.
func (f *Forecast) begin(ctx context.Context, rows []NewRow, now time.Time) error {
	keyed, err := f.sealer.keyRows(ctx, f.request.Tenant, f.request.Provider, rows)
	if err != nil {
		return err
	}
	f.rows = f.rows[:0]
	unseen := make([]SealedRow, 0, len(keyed))
	for _, r := range keyed {
		if r.Invalid {
			continue
		}
		k := short(r.Key)
		f.rows = append(f.rows, k)
		if _, seen := f.fates[k]; !seen {
			f.fates[k] = fateNew
			unseen = append(unseen, r)
		}
	}
	f.plan = NewPlan(0, 0, f.request.Reuse, unseen, now, f.sealer.Destroyed)
	return nil
}

// count adds up the piece once its questions have their fates.
func (f *Forecast) count(rows int) {
	for i := range f.plan.questions {
		f.fates[short(f.plan.questions[i].key)] = f.plan.questions[i].fate
	}
	e := &f.Estimate
	e.Rows += rows
	e.Invalid += rows - len(f.rows)
	once := f.plan.Taken
	e.Once.Rows += once.Rows
	e.Once.Asks += once.Asks
	e.Once.Shared += once.Shared
	e.Once.Joined += once.Joined
	e.Once.Cached += once.Cached
	e.Once.Unknown += once.Unknown
	e.Asks += once.Asks
	e.Shared -= once.Asks // their first rows are counted below
	for _, k := range f.rows {
		switch f.fates[k] {
		case fateNew:
			e.Shared++
		case fateJoin:
			e.Shared++
			e.Joined++
		case fateCached:
			e.Cached++
		case fateUnknown:
			e.Unknown++
		}
	}
}

func short(k AskKey) uint64 { return binary.LittleEndian.Uint64(k[:]) }

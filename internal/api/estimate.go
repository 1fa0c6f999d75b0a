package api

import (
	"context"
	"math"
	"net/http"
	"strconv"

	"github.com/plateq/plateq/client"
	"github.com/plateq/plateq/internal/intake"
	"github.com/plateq/plateq/jobs"
	"github.com/plateq/plateq/store"
)

// estimate says what a list would come to. It is read through and forgotten.
func (s *server) estimate(w http.ResponseWriter, r *http.Request) error {
	l, up, err := s.readAny(w, r)
	if err != nil {
		return err
	}
	e, err := s.foresee(r.Context(), l)
	if err != nil {
		return err
	}
	up.answerable()
	return writeJSON(w, http.StatusOK, estimateView{Estimate: e, Budgets: viewBudgets(e.Budgets)})
}

// estimateView is an estimate as it is sent.
type estimateView struct {
	*client.Estimate
	Budgets []budgetView `json:"budgets"`
}

func (s *server) foresee(ctx context.Context, l list) (*client.Estimate, error) {
	var err error
	if l.from.Spec, err = s.Providers.Spec(l.Provider); err != nil {
		return nil, err
	}
	if _, err := s.maxCost(l); err != nil {
		return nil, err
	}
	rows, err := intake.Open(l.rows, l.from)
	if err != nil {
		return nil, err
	}
	got, err := intake.Foresee(ctx, s.Store, submitter(ctx), l.Provider, s.reuse(l), rows, s.fits)
	if err != nil {
		return nil, err
	}
	e := viewEstimate(got)
	e.Provider, e.ReadAs, e.Header, e.Columns = l.Provider, rows.Shape().String(), rows.Columns(), Columns(rows)
	if err := s.Complete(ctx, e, submitter(ctx), l.from.Spec.MaxBatch); err != nil {
		return nil, err
	}
	e.Budgets, err = s.ownBudgets(ctx, e.Budgets)
	return e, err
}

// Columns says in which column of a list each thing was found.
func Columns(list *intake.Reader) map[string]string {
	found := map[string]string{}
	for what, name := range list.Found() {
		found[string(what)] = name
	}
	return found
}

func viewEstimate(e intake.Estimate) *client.Estimate {
	v := &client.Estimate{
		Rows: e.Rows, Valid: e.Rows - e.Invalid, Invalid: e.Invalid,
		Different: e.Once.Rows, Known: e.Once.Cached, Joined: e.Once.Joined, Unknown: e.Once.Unknown, Questions: e.Once.Asks,
		InvalidReasons: viewReasons(e.Reasons), Warnings: viewReasons(e.Warnings),
	}
	v.Duplicates = v.Valid - v.Different
	v.Preview = []client.PreviewRow{}
	for _, r := range e.First {
		row := client.PreviewRow{Line: r.Line, Asked: map[string]string{}, Cells: r.NewRow.Line}
		for c, value := range r.Question.Subject {
			row.Asked[string(c)] = value
		}
		v.Preview = append(v.Preview, row)
	}
	return v
}

func viewReasons(all intake.Reasons) []client.InvalidReason {
	views := []client.InvalidReason{}
	for _, r := range all.Sorted() {
		views = append(views, client.InvalidReason(r))
	}
	return views
}

// Complete adds to an estimate what its questions come to: the calls that carry
// them, so many each, what they cost, the budgets that bound that, and how long
// they take.
func (o Options) Complete(ctx context.Context, e *client.Estimate, tenant string, inACall int) (err error) {
	o = o.withDefaults()
	e.Calls = (e.Questions + inACall - 1) / inACall
	if p := o.Price(e.Provider); p.Known() {
		e.Price, e.Currency, e.AtMost = new(p.Each.String()), new(p.Currency), new(p.Of(e.Questions).String())
	}
	o.addPace(ctx, e)
	e.Budgets, err = o.budgets(ctx, store.BudgetsRequest{Tenant: tenant, Provider: e.Provider})
	return err
}

// addPace says how long the calls take. Where nobody knows the pace, it is as
// it was told.
func (o Options) addPace(ctx context.Context, e *client.Estimate) {
	var told Limits
	if o.Limits != nil {
		told = o.Limits(e.Provider)
	}
	p, known := Pace{}, false
	if o.Pace != nil {
		p, known = o.Pace(ctx, e.Provider)
	}
	if !known {
		p.Rate, _ = strconv.ParseFloat(told.Rate, 64) // 0 of a word
		p.Learnt = told.Rate == learnRate
	}
	e.PaceLearnt = p.Learnt
	if p.Rate > 0 {
		e.RequestsPerSecond = new(math.Round(p.Rate*1000) / 1000)
	}
	if least, ok := jobs.Pace(p).Least(e.Calls, told.Daily, o.Now()); ok {
		e.Seconds = new(int(math.Ceil(least.Seconds())))
	}
}

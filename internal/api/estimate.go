package api

import (
	"context"
	"math"
	"net/http"
	"strconv"

	"github.com/plateq/plateq/internal/intake"
	"github.com/plateq/plateq/jobs"
	"github.com/plateq/plateq/store"
)

// estimateView is what a list would come to, as it is sent. Rows that are not
// invalid ask Different questions, some of them more than once (Duplicates);
// of these Known, Joined and Unknown ones cost nothing, the rest is Questions.
type estimateView struct {
	Provider       string       `json:"provider"`
	Rows           int          `json:"rows"`
	Valid          int          `json:"valid"`
	Invalid        int          `json:"invalid"`
	InvalidReasons []reasonView `json:"invalid_reasons"`
	// Warnings are of rows that are asked about all the same.
	Warnings []reasonView `json:"warnings"`
	// ReadAs is how the list is written, Columns where each thing was found.
	ReadAs     string            `json:"read_as"`
	Columns    map[string]string `json:"columns"`
	Duplicates int               `json:"duplicates"`
	Different  int               `json:"different"`
	// Known: an answer is there that is fresh enough. Joined: another list has
	// asked, and the answer will be shared. Unknown: nobody knows what became
	// of an earlier call, so it is not asked again by itself.
	Known     int `json:"known"`
	Joined    int `json:"joined"`
	Unknown   int `json:"unknown"`
	Questions int `json:"questions"`
	Calls     int `json:"calls"`
	// Price is that of a question; null where none is set.
	Price    *string `json:"price"`
	Currency *string `json:"currency"`
	AtMost   *string `json:"at_most"`
	// RequestsPerSecond is the present pace; null where none is kept, or known.
	RequestsPerSecond *float64 `json:"requests_per_second"`
	PaceLearnt        bool     `json:"pace_learnt"`
	// Seconds is how long the calls take at that pace, at least.
	Seconds *int `json:"seconds"`
}

type reasonView struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Rows    int    `json:"rows"`
	Lines   []int  `json:"lines"`
}

// estimate says what a list would come to. It is read through and forgotten.
func (s *server) estimate(w http.ResponseWriter, r *http.Request) error {
	l, up, err := s.readAny(w, r)
	if err != nil {
		return err
	}
	v, err := s.foresee(r.Context(), l)
	if err != nil {
		return err
	}
	up.answerable()
	return writeJSON(w, http.StatusOK, v)
}

func (s *server) foresee(ctx context.Context, l list) (*estimateView, error) {
	var err error
	if l.from.Spec, err = s.Providers.Spec(l.Provider); err != nil {
		return nil, err
	}
	rows, err := intake.Open(l.rows, l.from)
	if err != nil {
		return nil, err
	}
	got, err := intake.Foresee(ctx, s.Store, l.Provider, s.reuse(l), rows, s.fits)
	if err != nil {
		return nil, err
	}
	v := viewEstimate(got)
	v.ReadAs, v.Columns = rows.Shape().String(), map[string]string{}
	for what, name := range rows.Found() {
		v.Columns[string(what)] = name
	}
	v.Provider, v.Calls = l.Provider, calls(v.Questions, l.from.Spec.MaxBatch)
	v.addPrice(s.Price(l.Provider))
	s.addPace(ctx, v)
	return v, nil
}

func viewEstimate(e intake.Estimate) *estimateView {
	v := &estimateView{
		Rows: e.Rows, Valid: e.Rows - e.Invalid, Invalid: e.Invalid, InvalidReasons: []reasonView{}, Warnings: []reasonView{},
		Different: e.Once.Rows, Known: e.Once.Cached, Joined: e.Once.Joined, Unknown: e.Once.Unknown, Questions: e.Once.Asks,
	}
	v.Duplicates = v.Valid - v.Different
	for _, r := range e.Reasons.Sorted() {
		v.InvalidReasons = append(v.InvalidReasons, reasonView(r))
	}
	for _, r := range e.Warnings.Sorted() {
		v.Warnings = append(v.Warnings, reasonView(r))
	}
	return v
}

// calls is how many requests carry so many questions.
func calls(questions, most int) int { return (questions + most - 1) / most }

func (v *estimateView) addPrice(p store.Price) {
	if p.Known() {
		v.Price, v.Currency, v.AtMost = new(p.Each.String()), new(p.Currency), new(p.Of(v.Questions).String())
	}
}

// addPace says how long the calls take. Where nobody knows the pace, it is as
// it was told.
func (s *server) addPace(ctx context.Context, v *estimateView) {
	var told Limits
	if s.Limits != nil {
		told = s.Limits(v.Provider)
	}
	p, known := Pace{}, false
	if s.Pace != nil {
		p, known = s.Pace(ctx, v.Provider)
	}
	if rate, err := strconv.ParseFloat(told.Rate, 64); err == nil && !known {
		p.Rate = rate
	}
	v.PaceLearnt = p.Learnt
	if p.Rate > 0 {
		v.RequestsPerSecond = new(math.Round(p.Rate*1000) / 1000)
	}
	if least, ok := jobs.Pace(p).Least(v.Calls, told.Daily, s.Now()); ok {
		v.Seconds = new(int(math.Ceil(least.Seconds())))
	}
}

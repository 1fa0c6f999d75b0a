package api

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/store"
)

// Limits are the pace at which a provider is asked, as it is set.
type Limits struct {
	Rate        string `json:"rate" doc:"Requests a second, \"learn\" or \"none\"."`
	Burst       int    `json:"burst" doc:"How many requests may go out at once after a pause."`
	Concurrency int    `json:"concurrency" doc:"How many calls are in flight over the whole fleet."`
	Daily       int    `json:"daily" doc:"How many requests a day may be made; 0: not known."`
}

// learnRate is the rate that is found out.
const learnRate = "learn"

// providerView is a provider as it is sent: what it can do, and how it stands.
type providerView struct {
	Name      string   `json:"name"`
	Title     string   `json:"title"`
	Answers   string   `json:"answers"`
	Countries []string `json:"countries" doc:"ISO 3166 alpha-2."`

	SetUp    bool         `json:"set_up" doc:"Its credentials are there: lists for it are taken."`
	Needs    []string     `json:"needs" doc:"Columns that a row must have."`
	Choices  []choiceView `json:"choices" doc:"Groups of columns of which a row must fill one way."`
	Params   []paramView  `json:"params"`
	Results  []string     `json:"results" doc:"Fields of a row's result."`
	MaxBatch int          `json:"max_batch" doc:"How many questions one call carries."`
	Later    bool         `json:"later" doc:"What it accepts it answers later."`

	Repeats          string        `json:"repeats" doc:"Whether asking again is free, and on what terms."`
	DocumentedLimits string        `json:"documented_limits"`
	Limits           *Limits       `json:"limits" doc:"The pace at which it is asked, as it is set."`
	Pace             *paceView     `json:"pace" doc:"How fast it is asked at present."`
	Gates            []gateView    `json:"gates" doc:"Those that are closed."`
	Open             *backlogView  `json:"open" doc:"Rows and tickets that are open, of all tenants; null for a key of one."`
	Readings         []readingView `json:"readings" doc:"Figures that came with its answers."`
	Balances         []balanceView `json:"balances" nullable:"true" doc:"What it says of credit and quotas; null where it was not asked, or does not tell."`
	BalanceError     *string       `json:"balance_error"`
}

type choiceView struct {
	Name string    `json:"name"`
	Ways []wayView `json:"ways"`
}

type wayView struct {
	Needs []string `json:"needs"`
	May   []string `json:"may"`
}

type paramView struct {
	Name     string `json:"name"`
	Usage    string `json:"usage"`
	Default  string `json:"default"`
	Required bool   `json:"required"`
}

// gateView is a gate that is closed.
type gateView struct {
	Scope  string     `json:"scope"`
	Reason string     `json:"reason"`
	Code   string     `json:"code"`
	Since  timestamp  `json:"since"`
	Until  *timestamp `json:"until" doc:"null: until a person opens it."`
	Probe  bool       `json:"probe" doc:"Then one call finds out whether it may open."`
}

// backlogView counts rows and tickets that are open.
type backlogView struct {
	Queued      int `json:"queued"`
	Sending     int `json:"sending"`
	Waiting     int `json:"waiting"`
	Tickets     int `json:"tickets"`
	LateTickets int `json:"late_tickets"`
}

type readingView struct {
	Name  string    `json:"name"`
	Value int64     `json:"value"`
	Gauge bool      `json:"gauge"`
	At    timestamp `json:"at"`
}

type balanceView struct {
	Name  string     `json:"name"`
	Left  string     `json:"left"`
	Unit  string     `json:"unit"`
	Until *timestamp `json:"until"`
}

// listProviders answers with every provider there is, set up or not. Balances
// are asked for live, where they are wanted. How much is open and left is known
// of all tenants together, so that one of them is not told.
func (s *server) listProviders(w http.ResponseWriter, r *http.Request) error {
	q := newQuery(r)
	balance := q.flag("balance")
	if err := q.err(); err != nil {
		return err
	}
	views, err := s.providerViews(r.Context())
	if err != nil {
		return err
	}
	if !ofAll(r.Context()) {
		for _, v := range views {
			v.Open, v.Readings = nil, []readingView{}
		}
	} else if balance {
		s.addBalances(r.Context(), views)
	}
	return writeJSON(w, http.StatusOK, items[*providerView]{views})
}

// providerViews puts together what is known of all providers, by name.
func (s *server) providerViews(ctx context.Context) ([]*providerView, error) {
	gates, err := s.Store.Gates(ctx)
	if err != nil {
		return nil, err
	}
	backlogs, err := s.Store.Backlogs(ctx)
	if err != nil {
		return nil, err
	}
	readings, err := s.Store.Readings(ctx)
	if err != nil {
		return nil, err
	}
	views := make([]*providerView, 0, len(s.Catalogue))
	for _, spec := range s.Catalogue {
		_, err := s.Providers.Spec(spec.Name)
		v := describe(spec, err == nil)
		if s.Limits != nil {
			v.Limits = new(s.Limits(spec.Name))
		}
		if v.SetUp {
			v.Pace = s.pace(ctx, spec.Name)
		}
		for _, g := range gates {
			if g.Closed && of(spec.Name, g.Scope) {
				v.Gates = append(v.Gates, gateView{
					Scope: g.Scope, Reason: g.Reason(), Code: g.Code,
					Since: timestamp(g.Since), Until: timestampOf(g.Until), Probe: g.Probe,
				})
			}
		}
		for _, b := range backlogs {
			if b.Provider == spec.Name {
				v.Open = &backlogView{b.Queued, b.Sending, b.Waiting, b.Tickets, b.Late}
			}
		}
		for _, g := range readings {
			if g.Provider == spec.Name {
				v.Readings = append(v.Readings, readingView{g.Name, g.Value, g.Gauge, timestamp(g.At)})
			}
		}
		views = append(views, v)
	}
	slices.SortFunc(views, func(a, b *providerView) int { return strings.Compare(a.Name, b.Name) })
	return views, nil
}

// of reports whether a scope belongs to a provider.
func of(provider, scope string) bool {
	return scope == provider || strings.HasPrefix(scope, provider+"/")
}

// describe says what a provider can do. Lists are sent, though they be empty.
func describe(spec providers.Spec, setUp bool) *providerView {
	v := &providerView{
		Name: spec.Name, Title: spec.Title, Answers: spec.Answers, Countries: append([]string{}, spec.Countries...), SetUp: setUp,
		Needs: names(spec.Needs), Choices: []choiceView{}, Params: []paramView{}, Results: append([]string{}, spec.Results...),
		MaxBatch: spec.MaxBatch, Later: spec.Pending, Repeats: spec.Repeats, DocumentedLimits: spec.Limits,
		Gates: []gateView{}, Open: &backlogView{}, Readings: []readingView{},
	}
	for _, c := range spec.Choices {
		choice := choiceView{Name: c.Name}
		for _, w := range c.Ways {
			choice.Ways = append(choice.Ways, wayView{names(w.Needs), names(w.May)})
		}
		v.Choices = append(v.Choices, choice)
	}
	for _, p := range spec.Params {
		if !setUp {
			p.Default = "" // nobody has set it
		}
		v.Params = append(v.Params, paramView(p))
	}
	return v
}

// balanceTime bounds the asking for balances: a person waits for it.
const balanceTime = 20 * time.Second

// addBalances asks the providers that tell, all at once. What fails is said
// and holds up nobody.
func (s *server) addBalances(ctx context.Context, views []*providerView) {
	ctx, cancel := context.WithTimeout(ctx, balanceTime)
	defer cancel()
	var g errgroup.Group
	for _, v := range views {
		if !v.SetUp {
			continue
		}
		g.Go(func() error {
			all, err := s.Providers.Balance(ctx, v.Name)
			if err != nil && !errors.Is(err, providers.ErrNoBalance) {
				v.BalanceError = new(err.Error())
			}
			for _, b := range all {
				v.Balances = append(v.Balances, balanceView{b.Name, b.Left, b.Unit, timestampOf(b.Until)})
			}
			return nil
		})
	}
	_ = g.Wait() // each says its own
}

// opened says which gates a person opened.
type opened struct {
	Opened []string `json:"opened"`
}

// openGates opens the gates of a provider, or the one that is named. A gate
// that is open already is none to open.
func (s *server) openGates(w http.ResponseWriter, r *http.Request) error {
	q := newQuery(r)
	scope := q.text("scope")
	if err := q.err(); err != nil {
		return err
	}
	if err := wholeOnly(r.Context()); err != nil {
		return err
	}
	scopes, err := s.scopes(r.Context(), r.PathValue("name"), scope)
	if err != nil {
		return err
	}
	about := r.PathValue("name")
	if scope != "" {
		about = scope
	}
	if err := s.note(r.Context(), store.ActGateOpened, store.AllTenants, about); err != nil {
		return err
	}
	events, err := s.Store.SetGates(r.Context(), store.GateChanges{Open: scopes, By: requester(r.Context())})
	if err != nil {
		return err
	}
	answer := opened{Opened: []string{}}
	for _, e := range events {
		if e.Opened {
			answer.Opened = append(answer.Opened, e.Gate.Scope)
			s.Log.Warn().Str("gate", e.Gate.Scope).Msg("gate opened by a person")
		}
	}
	s.Wake()
	return writeJSON(w, http.StatusOK, answer)
}

func noProvider() error {
	return problem(http.StatusNotFound, "no_such_provider", "there is no such provider")
}

// scopes returns the scopes of a provider that there are, or the one of them
// that is asked for.
func (s *server) scopes(ctx context.Context, name, one string) ([]string, error) {
	i := slices.IndexFunc(s.Catalogue, func(spec providers.Spec) bool { return spec.Name == name })
	if i < 0 {
		return nil, noProvider()
	}
	spec := s.Catalogue[i]
	all := []string{spec.Name, spec.SubmitScope()}
	if spec.Pending {
		all = append(all, spec.PollScope())
	}
	gates, err := s.Store.Gates(ctx)
	if err != nil {
		return nil, err
	}
	for _, g := range gates {
		if of(name, g.Scope) && !slices.Contains(all, g.Scope) {
			all = append(all, g.Scope)
		}
	}
	switch {
	case one == "":
		return all, nil
	case !slices.Contains(all, one):
		return nil, problem(http.StatusNotFound, "no_such_gate", "there is no such gate: those of %s are %s", name, strings.Join(all, ", "))
	}
	return []string{one}, nil
}

package api

import (
	"math"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/plateq/plateq/client"
	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/store"
)

// happeningPage is a page of what happened, newest first.
type happeningPage struct {
	Items      []client.Happening `json:"items"`
	NextCursor *string            `json:"next_cursor"`
}

// timeline answers with what happened to a batch, and to the gates of its
// provider meanwhile.
func (s *server) timeline(w http.ResponseWriter, r *http.Request) error {
	b, err := s.find(r)
	if err != nil {
		return err
	}
	return s.happened(w, r, store.HistoryFilter{Batch: b.No, Provider: b.Provider, From: b.Created, To: b.Done})
}

// incidents answers with what happened to the gates of a provider.
func (s *server) incidents(w http.ResponseWriter, r *http.Request) error {
	name := r.PathValue("name")
	if !slices.ContainsFunc(s.Catalogue, func(spec providers.Spec) bool { return spec.Name == name }) {
		return noProvider()
	}
	return s.happened(w, r, store.HistoryFilter{Provider: name})
}

func (s *server) happened(w http.ResponseWriter, r *http.Request, f store.HistoryFilter) error {
	q := newQuery(r)
	f.Before, f.Limit = store.EntryNo(q.cursor()), q.limit()+1 // one more tells whether there is a next page
	if err := q.err(); err != nil {
		return err
	}
	all, err := s.Store.History(r.Context(), f)
	if err != nil {
		return err
	}
	page := happeningPage{Items: []client.Happening{}}
	for i, e := range all {
		if i == f.Limit-1 {
			page.NextCursor = new(cursorOf(int(all[i-1].No)))
			break
		}
		h := client.Happening{At: e.At, What: string(e.What), Scope: e.Scope, Reason: e.Reason, Code: e.Code, Until: instantOf(e.Until)}
		if ofAll(r.Context()) {
			h.By = e.By // of a key that a tenant has no business to know
		}
		page.Items = append(page.Items, h)
	}
	return writeJSON(w, http.StatusOK, page)
}

// seriesList is series of providers.
type seriesList = items[client.Series]

// maxPoints bounds the points of a series.
const maxPoints = 744

// series answers with how much there was at providers lately.
func (s *server) series(w http.ResponseWriter, r *http.Request) error {
	q := newQuery(r)
	span, last, provider := store.Minutes, 60, q.text("provider")
	switch q.text("span") {
	case "", "minute":
	case "hour":
		span, last = store.Hours, 24
	default:
		q.fault("span", "it must be minute or hour")
	}
	if text := q.text("last"); text != "" {
		n, err := strconv.Atoi(text)
		most := min(maxPoints, int(span.Life()/span.Length()))
		if err != nil || n < 1 || n > most {
			q.fault("last", "it must be 1 to %d", most)
		}
		last = n
	}
	if err := q.err(); err != nil {
		return err
	}
	if err := wholeOnly(r.Context()); err != nil {
		return err
	}
	end := s.Now().UTC().Truncate(span.Length())
	from := end.Add(-time.Duration(last-1) * span.Length())
	counts, err := s.Store.Series(r.Context(), store.SeriesFilter{Span: span, Provider: provider, From: from})
	if err != nil {
		return err
	}
	list := seriesList{Items: []client.Series{}}
	for len(counts) > 0 {
		n := slices.IndexFunc(counts, func(c store.Count) bool { return c.Provider != counts[0].Provider })
		if n < 0 {
			n = len(counts)
		}
		list.Items = append(list.Items, seriesOf(counts[:n], span, from, last))
		counts = counts[n:]
	}
	return writeJSON(w, http.StatusOK, list)
}

// seriesOf makes a series of the counts of one provider. There is a point for
// each span, also where nothing was counted.
func seriesOf(counts []store.Count, span store.Span, from time.Time, last int) client.Series {
	v := client.Series{Provider: counts[0].Provider, Points: make([]client.Point, last), Total: pointOf(from, counts)}
	for i := range v.Points {
		at := from.Add(time.Duration(i) * span.Length())
		n := slices.IndexFunc(counts, func(c store.Count) bool { return c.At.After(at) })
		if n < 0 {
			n = len(counts)
		}
		v.Points[i] = pointOf(at, counts[:n])
		if v.Points[i].Found+v.Points[i].NotFound > 0 {
			v.LastSuccess = &v.Points[i].At
		}
		counts = counts[n:]
	}
	return v
}

// pointOf sums counts up, whenever they are of.
func pointOf(at time.Time, counts []store.Count) client.Point {
	p := client.Point{At: at, Errors: map[string]int64{}, Spent: map[string]string{}}
	spent := map[string]store.Money{}
	took := map[time.Duration]int64{}
	for _, c := range counts {
		if class, ok := c.Measure.Class(); ok {
			p.Errors[class] += c.N
		}
		if currency, ok := c.Measure.Currency(); ok {
			spent[currency] += store.Money(c.N)
		}
		if bound, ok := c.Measure.Took(); ok {
			took[bound] += c.N
		}
		switch c.Measure {
		case store.MeasureFound:
			p.Found += c.N
		case store.MeasureNotFound:
			p.NotFound += c.N
		case store.MeasureFailed:
			p.Failed += c.N
		case store.MeasureUnknown:
			p.Unknown += c.N
		case store.MeasureRequests:
			p.Requests += c.N
		}
	}
	for currency, sum := range spent {
		p.Spent[currency] = sum.String()
	}
	p.P50, p.P95 = quantile(took, .5), quantile(took, .95)
	return p
}

// quantile returns how many milliseconds that share of requests took at most;
// nil: there were none.
func quantile(took map[time.Duration]int64, share float64) *int64 {
	var all int64
	bounds := make([]time.Duration, 0, len(took))
	for bound, n := range took {
		all += n
		bounds = append(bounds, bound)
	}
	slices.Sort(bounds)
	need := int64(math.Ceil(float64(all) * share))
	for _, bound := range bounds {
		if need -= took[bound]; need <= 0 {
			return new(bound.Milliseconds())
		}
	}
	return nil
}

// closed says which gates a person closed.
type closed struct {
	Closed []string `json:"closed"`
}

// closeGates closes the gate of a provider, or the one below it that is named.
func (s *server) closeGates(w http.ResponseWriter, r *http.Request) error {
	q := newQuery(r)
	scope := q.text("scope")
	if err := q.err(); err != nil {
		return err
	}
	if err := wholeOnly(r.Context()); err != nil {
		return err
	}
	if scope == "" {
		scope = r.PathValue("name")
	}
	scopes, err := s.scopes(r.Context(), r.PathValue("name"), scope)
	if err != nil {
		return err
	}
	if err := s.note(r.Context(), store.ActGateClosed, store.AllTenants, scope); err != nil {
		return err
	}
	var c store.GateChanges
	for _, scope := range scopes {
		c.Close = append(c.Close, store.GateClose{Scope: scope, Code: store.ByHand, By: requester(r.Context())})
	}
	events, err := s.Store.SetGates(r.Context(), c)
	if err != nil {
		return err
	}
	answer := closed{Closed: []string{}}
	for _, e := range events {
		answer.Closed = append(answer.Closed, e.Gate.Scope)
		s.Log.Warn().Str("gate", e.Gate.Scope).Str("by", requester(r.Context())).Msg("gate closed by a person")
	}
	return writeJSON(w, http.StatusOK, answer)
}

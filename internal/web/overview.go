package web

import (
	"maps"
	"net/url"

	"github.com/plateq/plateq/client"
	"github.com/plateq/plateq/store"
)

func (s *site) overviewRoutes() []route {
	return []route{{pattern: "GET /{$}", serve: overview}}
}

// overviewData is what the first page shows.
type overviewData struct {
	Active   []client.Batch // running or paused
	More     bool           // there are more of them
	Gates    []client.Gate
	Unknown  unknownTotal
	Last     []client.Batch // that ended
	SetUp    int            // providers
	AnyBatch bool
	Charts   []chart
}

// unknownTotal sums up the calls of which nobody knows.
type unknownTotal struct {
	Calls, Questions int
	Oldest           *client.UnknownCall
	AtRisk           []amount
	More             bool // there are more calls than were summed up
}

// overview shows what runs, what holds it up, and what is at risk.
func overview(v *visit) error {
	if !v.May(store.ScopeRead) {
		for _, n := range nav() {
			if v.May(n.needs) && (!n.whole || v.whole()) {
				return v.goTo(n.Path, "")
			}
		}
		return lacks(store.ScopeRead)
	}
	var d overviewData
	var active, last paged[client.Batch]
	if err := v.get("/v1/batches", url.Values{"state": {"running,paused"}, "limit": {"20"}}, &active); err != nil {
		return err
	}
	if err := v.get("/v1/batches", url.Values{"state": {"done,cancelled"}, "limit": {"5"}}, &last); err != nil {
		return err
	}
	providers, err := v.providers()
	if err != nil {
		return err
	}
	for _, p := range providers {
		d.Gates = append(d.Gates, p.Gates...)
		if p.SetUp {
			d.SetUp++
		}
	}
	if d.Unknown, err = v.unknownTotal(nil); err != nil {
		return err
	}
	if d.Charts, err = v.charts(); err != nil {
		return err
	}
	d.Active, d.More, d.Last = active.Items, active.NextCursor != nil, last.Items
	d.AnyBatch = len(active.Items)+len(last.Items) > 0
	return v.show("overview", "Overview", d)
}

func (v *visit) providers() ([]client.Provider, error) {
	var page paged[client.Provider]
	err := v.get("/v1/providers", nil, &page)
	return page.Items, err
}

// unknownTotal sums up a page of calls, which is nearly always all there are.
func (v *visit) unknownTotal(query url.Values) (unknownTotal, error) {
	q := url.Values{"limit": {"1000"}}
	maps.Copy(q, query)
	var page paged[client.UnknownCall]
	if err := v.get("/v1/unknown", q, &page); err != nil {
		return unknownTotal{}, err
	}
	t := unknownTotal{Calls: len(page.Items), More: page.NextCursor != nil}
	var risks amounts
	for i, c := range page.Items {
		t.Questions += c.Questions
		if err := risks.add(c.AtRisk, c.Currency); err != nil {
			return t, err
		}
		if i == 0 {
			t.Oldest = &c
		}
	}
	t.AtRisk = risks.all
	return t, nil
}

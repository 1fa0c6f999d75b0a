package web

import (
	"net/url"

	"github.com/plateq/plateq/client"
	"github.com/plateq/plateq/store"
)

func (s *site) listRoutes() []route {
	return []route{{pattern: "GET /batches", needs: store.ScopeRead, serve: listBatches}}
}

// batchesData is a page of batches, and how they were chosen.
type batchesData struct {
	Items     []client.Batch
	Pager     pager
	Filter    url.Values
	Providers []client.Provider
	Chosen    bool // not all there are
}

// batchFilters are the parameters that choose batches.
var batchFilters = []string{"name", "provider", "state", "from", "to", "metadata"}

const batchesPerPage = 50

func listBatches(v *visit) error {
	q := chosen(v.r.URL.Query(), batchFilters...)
	d := batchesData{Filter: q, Chosen: len(q) > 0}
	ask := withPage(q, v.r.URL.Query().Get("cursor"), batchesPerPage)
	var page paged[client.Batch]
	if err := v.get("/v1/batches", ask, &page); err != nil {
		return err
	}
	var err error
	if d.Providers, err = v.providers(); err != nil {
		return err
	}
	d.Items, d.Pager = page.Items, pagerOf("/batches", q, v.r.URL.Query().Get("cursor"), page.NextCursor)
	return v.show("batches", "Batches", d)
}

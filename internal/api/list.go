package api

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/plateq/plateq/store"
)

// batchPage is a page of batches, newest first.
type batchPage struct {
	Items      []batchView `json:"items"`
	NextCursor *string     `json:"next_cursor" doc:"null: there are no more. A page may be short, or empty, and not the last."`
}

// list answers with a page of batches.
func (s *server) list(w http.ResponseWriter, r *http.Request) error {
	q := newQuery(r)
	f := store.BatchFilter{
		Tenant: tenantOf(r.Context()), Provider: q.text("provider"), States: q.batchStates(),
		From: q.day("from"), To: q.day("to"), Before: store.BatchNo(q.cursor()), //nolint:gosec // the cursor is within 31 bits
	}
	fits, limit := q.labels(), q.limit()
	if err := q.err(); err != nil {
		return err
	}
	if len(f.States) == 0 {
		f.States = batchStates()
	}
	batches, next, err := s.choose(r.Context(), f, fits, limit)
	if err != nil {
		return err
	}
	gates, err := s.Store.Gates(r.Context())
	if err != nil {
		return err
	}
	page := batchPage{Items: []batchView{}}
	for _, b := range batches {
		view, err := s.show(r.Context(), b, gates)
		if err != nil {
			return err
		}
		page.Items = append(page.Items, view)
	}
	if next > 0 {
		page.NextCursor = new(cursorOf(int(next)))
	}
	return writeJSON(w, http.StatusOK, page)
}

// What a batch is called is sealed, so that the store cannot choose by it: they
// are read so many at once, and for one page so many in all.
const (
	lookAtOnce  = 200
	lookThrough = 2000
)

// choose reads batches until it has those of a page, and returns behind which
// one the next page begins; 0: there is none.
func (s *server) choose(ctx context.Context, f store.BatchFilter, fits func(store.Batch) bool, limit int) (page []store.Batch, next store.BatchNo, err error) {
	f.Limit = limit + 1 // one more tells whether there is a next page
	if fits != nil {
		f.Limit = max(f.Limit, lookAtOnce)
	}
	for read := 0; ; f.Before = next {
		piece, err := s.Store.Batches(ctx, f)
		if err != nil {
			return nil, 0, err
		}
		for _, b := range piece {
			if len(page) == limit {
				return page, next, nil
			}
			read, next = read+1, b.No
			if fits == nil || fits(b) {
				page = append(page, b)
			}
		}
		switch {
		case len(piece) < f.Limit:
			return page, 0, nil
		case read >= lookThrough:
			return page, next, nil
		}
	}
}

// labels returns what chooses batches by what they are called: the name holds
// some text, whatever its case, and members of the metadata have some values.
// nil: any batch.
func (q *query) labels() func(store.Batch) bool {
	name := strings.ToLower(q.text("name"))
	want := map[string]string{}
	for _, pair := range q.each("metadata") {
		key, value, ok := strings.Cut(pair, "=")
		if !ok || key == "" {
			q.fault("metadata", "it must be key=value")
		}
		want[key] = value
	}
	if name == "" && len(want) == 0 {
		return nil
	}
	return func(b store.Batch) bool {
		return strings.Contains(strings.ToLower(b.Name), name) && holds(b.Metadata, want)
	}
}

// holds reports whether metadata has these members. A value that is no string
// is compared as its JSON.
func holds(metadata json.RawMessage, want map[string]string) bool {
	if len(want) == 0 {
		return true
	}
	var has map[string]json.RawMessage
	if json.Unmarshal(metadata, &has) != nil {
		return false
	}
	for key, value := range want {
		raw, ok := has[key]
		var text string
		if json.Unmarshal(raw, &text) != nil {
			text = string(raw)
		}
		if !ok || text != value {
			return false
		}
	}
	return true
}

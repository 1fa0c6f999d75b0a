package api

import (
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/plateq/plateq/internal/export"
	"github.com/plateq/plateq/store"
)

// resultPage is a page of rows in their order.
type resultPage struct {
	Items      []export.Row `json:"items"`
	NextCursor *string      `json:"next_cursor"`
}

// results answers with a page of rows in JSON or, where the client accepts a
// list, with all of them as they stand, streamed.
func (s *server) results(w http.ResponseWriter, r *http.Request) error {
	media := preferred(r.Header.Values("Accept"), typeJSON, typeNDJSON, typeCSV, typeXLSX)
	if media == "" {
		return problem(http.StatusNotAcceptable, "not_acceptable", "results come as %s, %s, %s and %s", typeJSON, typeNDJSON, typeCSV, typeXLSX)
	}
	q := newQuery(r)
	f := store.RowFilter{States: q.rowStates()}
	extras := export.Extras{Input: q.flag("input"), Raw: q.flag("raw")}
	plain := q.flag("plain")
	if media == typeJSON {
		f.After, f.Limit = q.cursor(), q.limit()
	}
	if err := firstOf(q.err(), mayHave(r.Context(), extras)); err != nil {
		return err
	}
	b, err := s.find(r)
	if err != nil {
		return err
	}
	if err := b.Expiry(); err != nil {
		return err
	}
	if same, err := s.sameRows(w, r, b, media); same || err != nil {
		return err
	}
	w.Header().Add("Vary", "Accept")
	o := export.Options{Format: export.CSV, Extras: extras, Plain: plain}
	if spec, err := s.Providers.Spec(b.Provider); err == nil {
		o.Results = spec.Results
	}
	switch media {
	case typeCSV:
		return s.stream(w, r, b, f, o, typeCSV+"; charset=utf-8", ".csv")
	case typeXLSX:
		o.Format = export.XLSX
		return s.stream(w, r, b, f, o, typeXLSX, ".xlsx")
	case typeNDJSON:
		return s.stream(w, r, b, f, export.Options{Format: export.JSONL, Extras: extras}, typeNDJSON, ".jsonl")
	}
	return s.resultPage(w, r, b, f, extras)
}

// rowsLooked is how many rows a page of rows of some states looks at: the next
// of them may be the last of a million.
const rowsLooked = 10_000

func (s *server) resultPage(w http.ResponseWriter, r *http.Request, b store.Batch, f store.RowFilter, x export.Extras) error {
	limit := f.Limit
	f.Limit++ // one more tells whether there is a next page
	if err := s.noteSight(r.Context(), store.ActRowsSeen, b); err != nil {
		return err
	}
	page := resultPage{Items: []export.Row{}}
	if len(f.States) > 0 {
		if !slices.ContainsFunc(f.States, func(one store.State) bool { return b.Counts[one] > 0 }) {
			return writeJSON(w, http.StatusOK, page)
		}
		if f.Until = f.After + rowsLooked; f.Until < b.Rows {
			page.NextCursor = new(cursorOf(f.Until))
		}
	}
	err := s.rows(r.Context()).Rows(r.Context(), b.No, f, func(row store.Row) error {
		if n := len(page.Items); n == limit {
			page.NextCursor = new(cursorOf(page.Items[n-1].Number))
			return nil
		}
		page.Items = append(page.Items, export.FromStore(b, row, x))
		return nil
	})
	if err != nil {
		return err
	}
	s.told(r.Context(), store.ActRowsSeen, len(page.Items))
	return writeJSON(w, http.StatusOK, page)
}

// chosen is how many rows of b a filter chooses.
func chosen(b store.Batch, f store.RowFilter) int {
	if len(f.States) == 0 {
		return b.Rows
	}
	n := 0
	for _, state := range f.States {
		n += b.Counts[state]
	}
	return n
}

func (s *server) stream(w http.ResponseWriter, r *http.Request, b store.Batch, f store.RowFilter, o export.Options, media, ending string) error {
	if err := s.noteExport(r.Context(), store.ActRowsExported, b, chosen(b, f), o); err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", media)
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": b.ID + ending}))
	n, err := export.Stream(r.Context(), newDownload(w), s.rows(r.Context()), b, f, o)
	s.told(r.Context(), store.ActRowsExported, n)
	return err
}

// preferred returns which of the offers an Accept header likes best, the
// first where there is none; "": it likes none.
func preferred(accept []string, offers ...string) string {
	best, weight := "", 0.0
	ranges := strings.Split(strings.Join(accept, ","), ",")
	if len(accept) == 0 {
		return offers[0]
	}
	for _, r := range ranges {
		media, params, err := mime.ParseMediaType(r)
		if err != nil {
			continue
		}
		q := 1.0
		if text, ok := params["q"]; ok {
			if q, err = strconv.ParseFloat(text, 64); err != nil {
				continue
			}
		}
		for _, offer := range offers {
			if q > weight && matches(media, offer) {
				best, weight = offer, q
			}
		}
	}
	return best
}

// matches reports whether a range of an Accept header covers a media type.
func matches(media, offer string) bool {
	family, _, _ := strings.Cut(offer, "/")
	return media == offer || media == "*/*" || media == family+"/*"
}

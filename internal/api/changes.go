package api

import (
	"errors"
	"mime"
	"net/http"
	"time"

	"github.com/plateq/plateq/internal/diff"
	"github.com/plateq/plateq/internal/export"
	"github.com/plateq/plateq/store"
)

// changeCounts is what a comparison came to.
type changeCounts struct {
	Since   string `json:"since"` // the older batch
	Batch   string `json:"batch"`
	Added   int    `json:"added"`
	Removed int    `json:"removed"`
	Changed int    `json:"changed"`
	Unclear int    `json:"unclear" doc:"It has an answer in one of the two only."`
	Same    int    `json:"same" doc:"The same answer in both, or none in either."`
	// Fields counts what differs of what is changed.
	Fields map[string]int `json:"fields" doc:"How often each field differs of what is changed."`
}

// changes compares a batch with an older one. As JSON it answers with what
// that comes to, as a list with every change, streamed.
func (s *server) changes(w http.ResponseWriter, r *http.Request) error {
	media := preferred(r.Header.Values("Accept"), typeJSON, typeNDJSON, typeCSV, typeXLSX)
	if media == "" {
		return problem(http.StatusNotAcceptable, "not_acceptable", "changes come as %s, %s, %s and %s", typeJSON, typeNDJSON, typeCSV, typeXLSX)
	}
	q := newQuery(r)
	since, o, plain := q.text("since"), diff.Options{Ignore: q.words("ignore")}, q.flag("plain")
	if since == "" {
		q.fault("since", "it is missing: the older batch")
	}
	if err := q.err(); err != nil {
		return err
	}
	after, err := s.find(r)
	if err != nil {
		return err
	}
	before, err := s.named(r, since)
	if err := errors.Join(err, before.Expiry(), after.Expiry()); err != nil {
		return err
	}
	if media == typeJSON {
		counts, err := diff.Run(r.Context(), s.Store, before, after, o, func(diff.Change) error { return nil })
		if err != nil {
			return err
		}
		// It may have taken longer than an answer has.
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(writeTimeout))
		return writeJSON(w, http.StatusOK, viewChanges(before, after, counts))
	}
	if before.Provider != after.Provider {
		return &diff.ProviderError{Before: before.Provider, After: after.Provider}
	}
	return s.streamChanges(w, r, before, after, o, export.Options{Format: exportFormats[media], Plain: plain}, media)
}

// exportFormats are the forms of lists by their media types.
var exportFormats = map[string]export.Format{typeNDJSON: export.JSONL, typeCSV: export.CSV, typeXLSX: export.XLSX}

func (s *server) streamChanges(w http.ResponseWriter, r *http.Request, before, after store.Batch, o diff.Options, as export.Options, media string) error {
	name := after.ID + ".changes." + string(as.Format)
	if media == typeCSV {
		media += "; charset=utf-8"
	}
	if err := s.noteExport(r.Context(), store.ActChangesExported, after, after.Rows, as, "since "+before.ID); err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", media)
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": name}))
	out, err := export.NewChanges(newDownload(w), before, after, as)
	if err != nil {
		return err
	}
	n := 0
	_, err = diff.Run(r.Context(), s.Store, before, after, o, func(c diff.Change) error {
		n++
		return out.Write(c)
	})
	s.told(r.Context(), store.ActChangesExported, n)
	if err != nil {
		return err
	}
	return out.Close()
}

func viewChanges(before, after store.Batch, c diff.Counts) changeCounts {
	return changeCounts{
		Since: before.ID, Batch: after.ID, Same: c.Same, Fields: c.Fields,
		Added: c.Kinds[diff.Added], Removed: c.Kinds[diff.Removed], Changed: c.Kinds[diff.Changed], Unclear: c.Kinds[diff.Unclear],
	}
}

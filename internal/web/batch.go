package web

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"

	"github.com/plateq/plateq/client"
	"github.com/plateq/plateq/store"
)

func (s *site) batchRoutes() []route {
	return []route{
		{pattern: "GET /batches/{id}", needs: store.ScopeRead, serve: func(v *visit) error { return showBatch(v, false) }},
		{pattern: "POST /batches/{id}/rows", needs: store.ScopeReadPII, serve: func(v *visit) error { return showBatch(v, true) }},
		// The address of that answer is seen in the browser, and copied.
		{pattern: "GET /batches/{id}/rows", needs: store.ScopeRead, serve: func(v *visit) error {
			return v.goTo("/batches/"+url.PathEscape(v.r.PathValue("id")), "")
		}},
		{pattern: "GET /batches/{id}/events", needs: store.ScopeRead, serve: watchBatch},
		{pattern: "GET /batches/{id}/download", needs: store.ScopeRead, serve: download},
	}
}

// batchData is one batch with a page of its rows.
type batchData struct {
	Batch client.Batch
	Rows  []client.Row
	// Shown: what is personal was asked for.
	Shown         bool
	Status        string // that rows were chosen by
	Statuses      []client.Status
	Cursor        string
	Next          string // the cursor of the next page
	Pager         pager
	Unknown       unknownTotal
	Timeline      paged[client.Happening]
	CanShow       bool
	Finished      bool
	DownloadNames []fileKind
}

// fileKind is a form in which rows are given out.
type fileKind struct{ Name, Text, media string }

var fileKinds = []fileKind{
	{"csv", "CSV", string(client.CSV)},
	{"xlsx", "XLSX", string(client.XLSX)},
	{"jsonl", "JSON Lines", string(client.NDJSON)},
}

const rowsPerPage = 50

func batchPath(id string) string { return "/v1/batches/" + url.PathEscape(id) }

// showBatch shows a batch and its rows, whole if that was asked for.
func showBatch(v *visit, whole bool) error {
	id, form := v.r.PathValue("id"), v.r.URL.Query()
	if whole {
		form = v.r.PostForm
	}
	d := batchData{
		Shown: whole, Status: form.Get("status"), Statuses: client.Statuses(), Cursor: form.Get("cursor"),
		CanShow: v.May(store.ScopeReadPII), DownloadNames: fileKinds,
	}
	if err := v.ask(call{method: http.MethodGet, path: batchPath(id), whole: whole}, &d.Batch); err != nil {
		return err
	}
	if d.Batch.RowsDeletedAt != nil {
		return showEmptied(v, d)
	}
	q := chosen(form, "status")
	var rows paged[client.Row]
	c := call{method: http.MethodGet, path: batchPath(id) + "/results", query: withPage(q, d.Cursor, rowsPerPage), whole: whole}
	if err := v.ask(c, &rows); err != nil {
		return err
	}
	d.Rows, d.Next, d.Finished = rows.Items, deref(rows.NextCursor), d.Batch.State.Finished()
	d.Pager = pagerOf("/batches/"+id, q, d.Cursor, rows.NextCursor)
	if d.Batch.Counts[client.RowUnknown] > 0 {
		var err error
		if d.Unknown, err = v.unknownTotal(url.Values{"batch": {id}}); err != nil {
			return err
		}
	}
	return showTimed(v, d)
}

// showEmptied shows a batch that has no rows any more.
func showEmptied(v *visit, d batchData) error {
	d.Finished = true
	return showTimed(v, d)
}

// showTimed shows a batch with what happened to it.
func showTimed(v *visit, d batchData) error {
	if err := v.get(batchPath(d.Batch.ID)+"/timeline", url.Values{"limit": {"20"}}, &d.Timeline); err != nil {
		return err
	}
	title := d.Batch.Name
	if title == "" {
		title = d.Batch.ID
	}
	return v.show("batch", title, d)
}

// watchBatch streams the events of a batch.
func watchBatch(v *visit) error {
	v.pass(call{method: http.MethodGet, path: batchPath(v.r.PathValue("id")) + "/events", accept: "text/event-stream"})
	return nil
}

// download gives the rows out as a file, with all that the key may see: who
// asks for a file wants what is in it.
func download(v *visit) error {
	q := v.r.URL.Query()
	for _, kind := range fileKinds {
		if kind.Name == q.Get("format") {
			v.pass(call{
				method: http.MethodGet, path: batchPath(v.r.PathValue("id")) + "/results", accept: kind.media,
				query: chosen(q, "status"), whole: true,
			})
			return nil
		}
	}
	return &refusal{status: http.StatusBadRequest, title: "There is no such kind of file", Detail: "There are csv, xlsx and jsonl."}
}

// resultField is one field of an answer, as people read it.
type resultField struct{ Name, Value string }

// fieldsOf takes an answer apart, in its own order: so many fields at most.
func fieldsOf(raw json.RawMessage, most int) []resultField {
	dec := json.NewDecoder(bytes.NewReader(raw))
	if start, err := dec.Token(); err != nil || start != json.Delim('{') {
		return nil
	}
	var fields []resultField
	for dec.More() && len(fields) < most {
		name, err := dec.Token()
		if err != nil {
			return fields
		}
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return fields
		}
		text, _ := name.(string)
		fields = append(fields, resultField{strings.ReplaceAll(text, "_", " "), clip(textOf(value))})
	}
	return fields
}

// clip keeps one value from filling a page.
func clip(text string) string {
	const most = 160
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return text
}

package api

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/plateq/plateq/internal/intake"
	"github.com/plateq/plateq/internal/openapi"
)

const (
	// optionsHeader holds options of a list that is not JSON, written as a query
	// is: addresses are written down by whoever passes a request on, and options
	// may be personal.
	optionsHeader = "Plateq-Options"
	// maxOptions bounds it, in bytes: many proxies pass no line of more than
	// 8 KiB.
	maxOptions = 8000
	// optionsParam says in the query that there is such a header. Without it a
	// list whose header was dropped on its way would run without its bounds.
	optionsParam = "options"
	inHeader     = "header"
)

// optionParams describe how options come in a header.
func optionParams() []openapi.Param {
	return []openapi.Param{
		openapi.Text(optionsHeader, "Any of the options of the query but for options, in the same form (application/x-www-form-urlencoded), at most 8000 bytes. "+
			"What may be personal belongs here and not in the address. Each option stands in one of the two places.").InHeader(),
		openapi.Choice(optionsParam, "The request has the header "+optionsHeader+", and is refused where something on the way has dropped it.", inHeader),
	}
}

// newListQuery is newQuery for a list that is not JSON, with the options of its
// header.
func newListQuery(r *http.Request) *query {
	q := newQuery(r)
	for _, pair := range q.values["set"] {
		if name, _, _ := strings.Cut(pair, "="); intake.Personal(name) {
			q.fault("set", "%s says something of a vehicle or a person, and addresses are written down on their way: send it in the header %s", clip(name), optionsHeader)
		}
	}
	given := r.Header.Values(optionsHeader)
	switch where := q.text(optionsParam); {
	case where != "" && where != inHeader:
		q.fault(optionsParam, "it can only be %s", inHeader)
	case where != "" && len(given) == 0:
		q.fault(optionsParam, "there is no header %s: something on the way has dropped it", optionsHeader)
	}
	if len(given) > 0 {
		q.add(given)
	}
	return q
}

// add reads what the header of options holds, and adds it to the query.
func (q *query) add(given []string) {
	printable := func(c rune) bool { return c >= ' ' && c <= '~' }
	switch {
	case len(given) > 1:
		q.fault(optionsHeader, "it is given %d times", len(given))
		return
	case len(given[0]) > maxOptions:
		q.fault(optionsHeader, "it is longer than %d bytes", maxOptions)
		return
	case strings.TrimFunc(given[0], printable) != "":
		q.fault(optionsHeader, "it must be ASCII, encoded as a query is")
		return
	}
	h := newQuery(&http.Request{URL: &url.URL{RawQuery: given[0]}})
	for _, f := range h.faults {
		if f.Field == "query" {
			f.Field = optionsHeader
		}
		q.faults = append(q.faults, f)
	}
	for _, name := range slices.Sorted(maps.Keys(h.values)) {
		switch {
		case name == optionsParam:
			q.fault(optionsHeader, "%s belongs in the query", optionsParam)
		case q.values.Has(name):
			q.fault(clip(name), "it is given in the query and in %s", optionsHeader)
		default:
			q.values[name] = h.values[name]
		}
	}
}

// noOptions refuses the header of options where a body says all of it.
func (q *query) noOptions(r *http.Request) {
	if len(r.Header.Values(optionsHeader)) > 0 {
		q.fault(optionsHeader, "it goes with a list that is not JSON: what JSON is sent with stands in it")
	}
}

// saidBeside is what a request says beside its body: its query, with the options
// of its header. Where these stand makes no other request of it.
func saidBeside(r *http.Request) url.Values {
	said := r.URL.Query()
	said.Del(optionsParam)
	for _, text := range r.Header.Values(optionsHeader) {
		options, err := url.ParseQuery(text)
		if err != nil {
			continue // it will be refused
		}
		for name, values := range options {
			said[name] = append(said[name], values...)
		}
	}
	return said
}

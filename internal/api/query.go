package api

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/plateq/plateq/store"
)

// query reads the parameters of a request and collects all that is wrong with
// them: values, parameters given twice, those that hold no text, and those that
// nobody asked for. Whoever has read them asks for err before the store is
// asked for anything.
type query struct {
	values url.Values
	read   map[string]bool
	faults []FieldError
}

func newQuery(r *http.Request) *query {
	q := &query{read: map[string]bool{}}
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		q.fault("query", "it cannot be read")
	}
	q.values = values
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if i := slices.IndexFunc(values[name], func(v string) bool { return unfit(v) != "" }); i >= 0 {
			q.fault(clip(name), "%s", unfit(values[name][i]))
		}
	}
	return q
}

func (q *query) fault(field, format string, args ...any) {
	q.faults = append(q.faults, FieldError{Field: field, Detail: fmt.Sprintf(format, args...)})
}

// text returns a parameter that is given once or not at all.
func (q *query) text(name string) string {
	q.read[name] = true
	if len(q.values[name]) > 1 {
		q.fault(name, "it is given %d times", len(q.values[name]))
	}
	return q.values.Get(name)
}

// words returns a parameter that may be given several times or as a comma
// list.
func (q *query) words(name string) []string {
	q.read[name] = true
	var words []string
	for _, v := range q.values[name] {
		words = append(words, strings.Split(v, ",")...)
	}
	return slices.DeleteFunc(words, func(s string) bool { return s == "" })
}

const (
	pageLimit = 100
	maxLimit  = 1000
)

// limit returns how many items a page is to have.
func (q *query) limit() int {
	text := q.text("limit")
	if text == "" {
		return pageLimit
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > maxLimit {
		q.fault("limit", "it must be 1 to %d", maxLimit)
	}
	return n
}

// cursor returns where the page begins; 0: at the beginning.
func (q *query) cursor() int {
	text := q.text("cursor")
	if text == "" {
		return 0
	}
	n, ok := parseCursor(text)
	if !ok {
		q.fault("cursor", "it is not one that was given out")
	}
	return n
}

func (q *query) batchStates() []store.BatchState {
	var states []store.BatchState
	for _, word := range q.words("state") {
		if !slices.Contains(batchStates(), store.BatchState(word)) {
			q.fault("state", "there is no such state; there are running, paused, done and cancelled")
			continue
		}
		states = append(states, store.BatchState(word))
	}
	return states
}

func (q *query) rowStates() []store.State {
	var states []store.State
	for _, word := range q.words("status") {
		state, ok := store.ParseState(word)
		if !ok {
			q.fault("status", "there is no such status; there are %s", strings.Join(rowStates(), ", "))
			continue
		}
		states = append(states, state)
	}
	return states
}

// flag returns a parameter that is true, false or not given.
func (q *query) flag(name string) bool {
	switch q.text(name) {
	case "":
		return false
	case "true", "1":
		return true
	case "false", "0":
		return false
	}
	q.fault(name, "it must be true or false")
	return false
}

// each returns a parameter that may be given several times.
func (q *query) each(name string) []string {
	q.read[name] = true
	return q.values[name]
}

// number returns a parameter that counts something; 0: it is not given.
func (q *query) number(name string) int {
	text := q.text(name)
	if text == "" {
		return 0
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		q.fault(name, "it must be a whole number above 0")
	}
	return n
}

func (q *query) weight() float64 {
	text := q.text("weight")
	if text == "" {
		return 0
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		q.fault("weight", "it must be %s", kinds["weight"])
	}
	return f
}

// json returns a parameter that is a value of JSON.
func (q *query) json(name, text string) []byte {
	if fault := checkNesting([]byte(text)); fault != "" {
		q.fault(name, "%s", fault)
	} else if !json.Valid([]byte(text)) {
		q.fault(name, "it is no JSON")
	}
	return []byte(text)
}

// err returns the problem with all faults, those of parameters that were not
// read among them, or nil.
func (q *query) err() error {
	return badFields(http.StatusBadRequest, "bad_query", q.all())
}

// all is what is wrong with the parameters, those left over with it. Everything
// that there may be must have been read.
func (q *query) all() []FieldError {
	for _, name := range slices.Sorted(maps.Keys(q.values)) {
		if !q.read[name] {
			q.fault(clip(name), "there is no such parameter")
		}
	}
	return q.faults
}

// clip keeps a name that a client made up from filling the answer.
func clip(name string) string {
	const most = 64
	if len(name) > most {
		return name[:most] + "…"
	}
	return name
}

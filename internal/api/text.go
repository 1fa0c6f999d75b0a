package api

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/plateq/plateq/jobs"
	"github.com/plateq/plateq/store"
)

// unfit says why a text of a request is none; "": it is one. PostgreSQL can
// keep neither bytes that are no UTF-8 nor NUL, so that nothing is asked of the
// store by them, whichever it is. Tabs and ends of lines are written by people,
// in the name of a column and in JSON that is set out; no other control
// character is.
func unfit(text string) string {
	odd := func(r rune) bool { return unicode.IsControl(r) && !strings.ContainsRune("\t\n\r", r) }
	switch {
	case !utf8.ValidString(text):
		return "it is no UTF-8"
	case strings.ContainsFunc(text, odd):
		return "it holds a control character"
	}
	return ""
}

// unfitJSON is unfit for all names and strings in a value.
func unfitJSON(raw []byte) string {
	if !utf8.Valid(raw) {
		return unfit(string(raw)) // a decoder would write other letters for it
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	for {
		t, err := dec.Token()
		if err != nil {
			return ""
		}
		if text, ok := t.(string); ok {
			if fault := unfit(text); fault != "" {
				return fault
			}
		}
	}
}

// unfitMembers names the members of an object that hold no text. Of what is no
// object it says nothing: whoever reads it does.
func unfitMembers(body []byte) (faults []FieldError) {
	var members map[string]json.RawMessage
	if json.Unmarshal(body, &members) != nil {
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(members)) {
		if fault := unfitJSON(members[name]); fault != "" {
			faults = append(faults, FieldError{Field: clip(name), Detail: fault})
		}
	}
	return faults
}

// Legible reports whether a path is a text in one line. Any other leads nowhere,
// as nothing is named so.
func Legible(path string) bool {
	return utf8.ValidString(path) && !strings.ContainsFunc(path, unicode.IsControl)
}

// legible serves requests whose path can name something by h, and answers others
// as one that names what there is not.
func legible(h handler) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		if Legible(r.URL.Path) {
			return h(w, r)
		}
		_, below, _ := strings.Cut(r.URL.Path, "/v1/")
		kind, _, _ := strings.Cut(below, "/")
		switch kind {
		case "batches":
			return store.ErrNoBatch
		case "schedules":
			return store.ErrNoSchedule
		case "budgets":
			return store.ErrNoBudget
		case "keys":
			return store.ErrNoKey
		case "hooks":
			return store.ErrNoHook
		case "deliveries":
			return store.ErrNoDelivery
		case "queues":
			return queueProblem(jobs.ErrNoQueue)
		default:
			return noProvider()
		}
	}
}

package attestr

import (
	"encoding/json"
	"strings"
	"unicode"

	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/providers/internal/wirejson"
)

// submission is the body of a submit.
type submission struct {
	Type    string `json:"type"`
	Items   []item `json:"items"`
	Webhook bool   `json:"webhook,omitempty"`
}

type item struct {
	Reg string `json:"reg"`
}

func newSubmission(plates []string, webhook bool) submission {
	s := submission{Type: "RC_MOBILE", Items: make([]item, len(plates)), Webhook: webhook}
	for i, plate := range plates {
		s.Items[i].Reg = plate
	}
	return s
}

// query is the body of a call for records.
type query struct {
	Skip  int `json:"$skip"`
	Limit int `json:"$limit"`
}

// accepted is the answer to a submit.
type accepted struct{ id, number string }

// decodeSubmit reads the answer to a submit. False: it is not one, or has no
// usable _id. An answer that is an error as well is not believed.
func decodeSubmit(a *providers.Answer) (accepted, bool) {
	o, err := wirejson.Parse(a.Body)
	if err != nil || a.Status/100 != 2 || isFault(o) {
		return accepted{}, false
	}
	id, _ := o.Text("_id")
	number, _ := o.Text("number")
	return accepted{id: id, number: number}, usableID(id)
}

// usableID reports whether id can be a path segment that names a batch.
func usableID(id string) bool {
	unfit := func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }
	return id != "" && id != "." && id != ".." && len(id) <= 256 && !strings.ContainsFunc(id, unfit)
}

// decodeItems reads a page of records, each as it was received. False: it is
// not a page. An empty one ends a pass, so it must come in the documented
// form whole, with recordsFiltered.
func decodeItems(a *providers.Answer) ([]json.RawMessage, bool) {
	o, err := wirejson.Parse(a.Body)
	if err != nil || a.Status/100 != 2 || isFault(o) {
		return nil, false
	}
	records, ok := wirejson.Elements(o.Get("data"))
	if !ok {
		return nil, false
	}
	if len(records) == 0 {
		count, counted := o.Text("recordsFiltered")
		if !counted || records == nil && count != "0" {
			return nil, false
		}
	}
	return records, true
}

// fault is Attestr's error envelope.
type fault struct{ code, message string }

// decodeFault reads an error envelope. False: the body is none.
func decodeFault(body []byte) (fault, bool) {
	o, err := wirejson.Parse(body)
	if err != nil || !isFault(o) {
		return fault{}, false
	}
	if id, _ := o.Text("_id"); id != "" {
		return fault{}, false // a batch was made all the same?
	}
	var f fault
	f.code, _ = o.Text("code")
	f.message, _ = o.Text("message")
	if details, ok := o.Text("details"); ok && details != "" {
		f.message += ": " + details
	}
	return f, true
}

// isFault reports whether o has what the error envelope always has. A code of
// three digits is an HTTP status that some gateway repeats, not Attestr's.
func isFault(o wirejson.Object) bool {
	code, _ := o.Text("code")
	_, worded := o.Text("message")
	return isCode(code) && worded
}

func isCode(s string) bool {
	digit := func(r rune) bool { return r >= '0' && r <= '9' }
	return len(s) >= 4 && len(s) <= 6 && s[0] != '0' && strings.TrimFunc(s, digit) == ""
}

// canonical is the form in which plates are sent and compared: upper case,
// letters and digits only. Most come in it.
func canonical(reg string) string {
	if isCanonical(reg) {
		return reg
	}
	return strings.Map(func(r rune) rune {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			return -1
		}
		return unicode.ToUpper(r)
	}, reg)
}

// isCanonical reports whether s is surely in that form: it may be even if not,
// where it holds letters of other alphabets.
func isCanonical(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < 'A' || c > 'Z') && (c < '0' || c > '9') {
			return false
		}
	}
	return true
}

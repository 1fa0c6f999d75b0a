package resser

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/providers/internal/wirejson"
)

// The errors that the document names.
const (
	codeRequest    = "BadRequest"
	codeParameters = "BadParameters"
	codeAuthorize  = "Unauthorize"
)

// refusal makes the error of an answer that is not a list of vehicles. The
// document gives types, details and descriptions of errors but not the members
// that hold them, so that they are looked for in all that is said.
func (p *Provider) refusal(a *providers.Answer) *providers.Error {
	said, worded := readWords(a.Body)
	e := &providers.Error{Provider: Name, Op: opScraping, Scope: Name, Class: providers.Unauthorised,
		Code: "http_" + strconv.Itoa(a.Status), Message: p.client.mask(said.shown),
		Head: []byte(p.client.mask(string(safeHead(providers.Head(a.Body)))))}
	switch {
	case a.Status == http.StatusUnauthorized:
		e.Code = codeAuthorize // whoever says so: nobody was asked
	case a.Status == http.StatusForbidden && worded:
	case a.Status == http.StatusBadRequest && worded:
		said.judge(e)
	default:
		foreign := a.Foreign(Name, opScraping, p.now())
		foreign.Head = safeHead(foreign.Head)
		return foreign
	}
	return e
}

// words are what an error says.
type words struct {
	shown  string // the texts, for people
	all    string // the whole body, lower-case letters only
	detail bool   // "BadRequest" is in it, as the document writes the detail, not the type
}

// judge tells the two errors apart that the document gives for the status 400.
// Both are of the type badRequest. Where nothing but that is known it is the
// one over a vehicle: the call is halved, and whatever Resser does not bear
// stands alone in the end.
//
// That no list of vehicles arrived is no row's fault and befalls every call:
// something on the way takes the body of a GET away, or the request is not in
// Resser's form any more. It stops the provider, as a wrong key does.
func (w words) judge(e *providers.Error) {
	switch {
	case w.hold("badparameters", "isnotvalid"):
		e.Class, e.Code = providers.InvalidInput, codeParameters
	case w.detail, w.hold("atleastonevehicle", "vehiclelist"):
		e.Code = codeRequest
		e.Err = errors.New("no list of vehicles arrived: something on the way may have taken the body of the GET")
	default:
		e.Class = providers.InvalidInput
	}
}

func (w words) hold(parts ...string) bool {
	return slices.ContainsFunc(parts, func(part string) bool { return strings.Contains(w.all, part) })
}

// maxShown bounds how much of what is said is kept for people.
const maxShown = 500

// readWords reads what an error says: a JSON body, or plain text. False: it
// says nothing, is cut, or is a web page.
func readWords(body []byte) (words, bool) {
	text := bytes.TrimSpace(bytes.TrimPrefix(providers.Head(body), []byte("\ufeff")))
	if !utf8.Valid(text) || len(text) == 0 || text[0] == '<' {
		return words{}, false
	}
	var w words
	var v any
	switch {
	case json.Valid(text):
		text = wirejson.Without(text, isCredential)
		_ = json.Unmarshal(text, &v) // valid
		w.shown = strings.Join(texts(v, nil), "; ")
	case text[0] == '{', text[0] == '[', text[0] == '"':
		return words{}, false
	default:
		w.shown = string(safeHead(text))
	}
	w.all, w.shown = letters(string(text)), strings.Join(strings.Fields(w.shown), " ")
	w.detail = bytes.Contains(text, []byte("BadRequest")) || strings.Contains(strings.ToLower(w.shown), "bad request")
	if len(w.shown) > maxShown {
		w.shown = strings.ToValidUTF8(w.shown[:maxShown], "") + "…"
	}
	return w, letters(w.shown) != ""
}

// texts returns the texts of a JSON value.
func texts(v any, found []string) []string {
	switch v := v.(type) {
	case string:
		if v != "" {
			found = append(found, v)
		}
	case []any:
		for _, inner := range v {
			found = texts(inner, found)
		}
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			found = texts(v[key], found)
		}
	}
	return found
}

func letters(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsLetter(r) {
			return -1
		}
		return unicode.ToLower(r)
	}, s)
}

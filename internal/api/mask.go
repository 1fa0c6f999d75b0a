package api

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/plateq/plateq/internal/export"
	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/store"
)

// rows returns where the caller reads rows: as they are or, without the scope
// for it, without what is personal.
func (s *server) rows(ctx context.Context) store.Reader {
	if seesPII(ctx) {
		return s.Store
	}
	return masked{s.Store}
}

func seesPII(ctx context.Context) bool { return caller(ctx).Allows(store.ScopeReadPII) }

// mayHave refuses parts of rows that are personal as a whole.
func mayHave(ctx context.Context, x export.Extras) error {
	if seesPII(ctx) || !x.Input && !x.Raw {
		return nil
	}
	return problem(http.StatusForbidden, "scope_missing", "the key needs the scope %s for input and raw", store.ScopeReadPII)
}

// masked is a store in whose rows nobody can be recognised: of what was asked
// about only the first and the last character are left, of an answer its
// names, true, false and null.
type masked struct{ store.Reader }

// Rows implements store.Reader.
func (m masked) Rows(ctx context.Context, b store.BatchNo, f store.RowFilter, yield func(store.Row) error) error {
	return m.Reader.Rows(ctx, b, f, func(r store.Row) error { return yield(maskRow(r)) })
}

// shownCauses are causes as the caller may see them: a provider's own words may
// quote what it was asked about.
func shownCauses(ctx context.Context, causes []store.Cause) []store.Cause {
	if !seesPII(ctx) {
		for i := range causes {
			causes[i].Message = maskWords(causes[i].Message)
		}
	}
	return causes
}

// mask stands for what is not shown.
const mask = "***"

func maskRow(r store.Row) store.Row {
	subject := make(providers.Subject, len(r.Subject))
	for column, text := range r.Subject {
		subject[column] = maskText(text)
	}
	line := make([]string, len(r.Line))
	for i, cell := range r.Line {
		line[i] = maskWords(cell)
	}
	r.Subject, r.Line, r.Problem = subject, line, maskFailure(r.Problem)
	if r.Answer != nil {
		r.Answer = &store.Answer{At: r.Answer.At, Result: maskJSON(r.Answer.Result), Failure: maskFailure(r.Answer.Failure)}
	}
	return r
}

// maskText leaves the first and the last character of a text that has more
// than those.
func maskText(text string) string {
	const enough = 4
	runes := []rune(text)
	if len(runes) < enough {
		return maskWords(text)
	}
	return string(runes[0]) + mask + string(runes[len(runes)-1])
}

// maskWords leaves nothing of a text but that there is one: it may quote what
// was asked about.
func maskWords(text string) string {
	if strings.TrimSpace(text) == "" {
		return text
	}
	return mask
}

func maskFailure(f *store.Failure) *store.Failure {
	if f == nil {
		return nil
	}
	return &store.Failure{Class: f.Class, Code: f.Code, Message: maskWords(f.Message)}
}

// maskJSON puts the mask in the place of every text and number. What cannot be
// read is left out as a whole.
func maskJSON(raw json.RawMessage) json.RawMessage {
	if len(raw) == 0 {
		return raw
	}
	var v any
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	if err := dec.Decode(&v); err != nil {
		return json.RawMessage("null")
	}
	out, err := json.Marshal(maskValue(v))
	if err != nil {
		return json.RawMessage("null")
	}
	return out
}

func maskValue(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for name, field := range v {
			v[name] = maskValue(field)
		}
		return v
	case []any:
		for i, item := range v {
			v[i] = maskValue(item)
		}
		return v
	case nil, bool:
		return v
	default:
		return mask
	}
}

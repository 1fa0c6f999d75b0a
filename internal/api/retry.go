package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"

	"github.com/plateq/plateq/store"
)

// sharedView counts rows of a batch that cost no question of its own.
type sharedView struct {
	Known      int `json:"known" doc:"An answer was there that is fresh enough."`
	Joined     int `json:"joined" doc:"Another list asks the same."`
	Duplicates int `json:"duplicates" doc:"Another row of the batch asks the same."`
}

// causeView is one reason for which rows failed. Message is that of one of
// them.
type causeView struct {
	Class   store.ErrorClass `json:"class"`
	Code    string           `json:"code"`
	Message string           `json:"message"`
	Rows    int              `json:"rows"`
}

func viewCauses(all []store.Cause) []causeView {
	views := make([]causeView, 0, len(all))
	for _, c := range all {
		views = append(views, causeView{c.Class, c.Code, c.Message, c.Rows})
	}
	return views
}

// TakenView says what became of rows that were given other asks. The document
// sees its members, where it is embedded, because it is exported.
type TakenView struct {
	Rows      int     `json:"rows"`
	Questions int     `json:"questions" doc:"To be paid for."`
	Joined    int     `json:"joined" doc:"Rows that share one that another list, or another of these rows, asks."`
	Known     int     `json:"known" doc:"Rows whose answer is known."`
	Unknown   int     `json:"unknown" doc:"Rows that wait on one of which nobody knows."`
	AtMost    *string `json:"at_most" doc:"What the questions may cost; null where no price is set."`
	Currency  *string `json:"currency"`
}

func viewTaken(t store.Taken, p store.Price) TakenView {
	v := TakenView{Rows: t.Rows, Questions: t.Asks, Joined: t.Shared, Known: t.Cached, Unknown: t.Unknown}
	v.AtMost, v.Currency = worth(p, t.Asks)
	return v
}

// worth is what so many questions cost; nil where no price is set.
func worth(p store.Price, questions int) (amount, currency *string) {
	if !p.Known() {
		return nil, nil
	}
	return new(p.Of(questions).String()), new(p.Currency)
}

// retryRequest chooses failed rows of a batch.
type retryRequest struct {
	Class  store.ErrorClass `json:"class,omitempty" doc:"Only rows that failed so."`
	Code   string           `json:"code,omitempty" doc:"Only rows that failed with this code."`
	DryRun bool             `json:"dry_run,omitempty" doc:"Say what it would come to, and change nothing."`
}

// retried is what a retry came to.
type retried struct {
	TakenView
	DryRun   bool        `json:"dry_run"`
	Repeated bool        `json:"repeated" doc:"A request under this key came before: what that takes up is not counted here."`
	Causes   []causeView `json:"causes"`
	Batch    batchView   `json:"batch"`
}

// retry asks again what failed of a batch.
func (s *server) retry(w http.ResponseWriter, r *http.Request) error {
	once, err := onceOf(r)
	if err != nil {
		return err
	}
	var req retryRequest
	if err := readBody(r, &req); err != nil {
		return err
	}
	b, err := s.find(r)
	if err != nil {
		return err
	}
	choice := store.RetryRequest{Batch: b.No, Class: req.Class, Code: req.Code, Dry: req.DryRun}
	repeated := false
	if !req.DryRun {
		if choice.By, repeated, err = s.since(w, r, once, b.Tenant, b.ID, nil); err != nil {
			return err
		}
	}
	got, err := s.Store.Retry(r.Context(), choice)
	if err != nil {
		return err
	}
	if !req.DryRun && got.Rows > 0 {
		s.Log.Info().Str("batch", b.ID).Int("rows", got.Rows).Int("questions", got.Asks).Msg("failed rows are asked again")
		s.Wake()
	}
	view, err := s.current(r, b.No)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, retried{
		TakenView: viewTaken(got.Taken, s.Price(b.Provider)), DryRun: req.DryRun, Repeated: repeated, Causes: viewCauses(shownCauses(r.Context(), got.Causes)), Batch: view,
	})
}

// maxBody bounds the body of a request that is no list.
const maxBody = 1 << 20

// readBody reads a small JSON body; one that is empty leaves v as it is.
func readBody(r *http.Request, v any) error {
	if err := newQuery(r).err(); err != nil {
		return err
	}
	body, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, maxBody))
	if err != nil || len(body) == 0 {
		return err
	}
	if fault := checkNesting(body); fault != "" {
		return problem(http.StatusBadRequest, "bad_body", "the body: %s", fault)
	}
	if err := badFields(http.StatusUnprocessableEntity, "bad_body", unfitMembers(body)); err != nil {
		return err
	}
	err = decodeWhole(body, v)
	if e, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return badFields(http.StatusUnprocessableEntity, "bad_body", []FieldError{{Field: clip(e.Field), Detail: "it must be another kind of value: " + e.Type.String()}})
	}
	if err == nil {
		return nil
	}
	if name, odd := strings.CutPrefix(err.Error(), "json: unknown field "); odd {
		return badFields(http.StatusUnprocessableEntity, "bad_body", []FieldError{{Field: clip(strings.Trim(name, `"`)), Detail: "there is no such member"}})
	}
	return problem(http.StatusBadRequest, "bad_body", "the body is no JSON object")
}

// decodeWhole reads one value and nothing behind it. A member that v has not is
// an error: it may be one that is misspelt, and bounds what is paid.
func decodeWhole(body []byte, v any) error {
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil {
		return err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something comes behind the value")
	}
	return nil
}

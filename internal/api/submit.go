package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"time"

	"github.com/plateq/plateq/internal/intake"
	"github.com/plateq/plateq/store"
)

// Media types of lists.
const (
	typeJSON   = "application/json"
	typeCSV    = "text/csv"
	typeNDJSON = "application/x-ndjson"
	typeXLSX   = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
	typeEvents = "text/event-stream"
	typeAny    = "application/octet-stream" // the first bytes tell
)

// submit takes a list in, whole or not at all, and answers with its batch.
func (s *server) submit(w http.ResponseWriter, r *http.Request) error {
	b, up, err := s.takeIn(w, r, s.readAny)
	if err != nil {
		return err
	}
	up.answerable()
	w.Header().Set("Location", "/v1/batches/"+b.ID)
	return s.answer(w, r, http.StatusCreated, b)
}

// takeIn accepts what read finds in a request; of one that came before, what
// it was accepted as then.
func (s *server) takeIn(w http.ResponseWriter, r *http.Request,
	read func(http.ResponseWriter, *http.Request) (list, *upload, error),
) (store.Batch, *upload, error) {
	once, err := onceOf(r)
	if err != nil {
		return store.Batch{}, nil, err
	}
	if once != nil {
		leave, err := s.turns.enter(r.Context(), submitter(r.Context())+" "+once.key)
		if err != nil {
			return store.Batch{}, nil, err
		}
		defer leave()
	}
	l, up, err := read(w, r)
	if err != nil {
		return store.Batch{}, nil, err
	}
	l.once, l.rest = once, up
	b, err := s.accept(r.Context(), l)
	if err != nil {
		if b, err = again(w, err); err != nil {
			return b, nil, err
		}
	}
	s.Wake()
	return b, up, nil
}

// readAny reads the envelope of a list in any of its forms.
func (s *server) readAny(w http.ResponseWriter, r *http.Request) (list, *upload, error) {
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || r.Header.Get("Content-Encoding") != "" {
		media = ""
	}
	up := newUpload(w, http.MaxBytesReader(w, r.Body, s.MaxBody))
	var l list
	switch media {
	case typeJSON:
		l, err = s.readJSON(r, up)
	case typeCSV:
		l, err = s.readList(r, up, intake.CSV)
	case typeNDJSON, "application/jsonl", "application/jsonlines":
		l, err = s.readList(r, up, intake.JSONL)
	case typeXLSX:
		l, err = s.readList(r, up, intake.XLSX)
	case typeAny:
		l, err = s.readList(r, up, intake.Auto)
	default:
		err = problem(http.StatusUnsupportedMediaType, "unsupported_media_type",
			"the body must be %s, %s, %s, %s or, for the first bytes to tell, %s, without a Content-Encoding",
			typeJSON, typeCSV, typeNDJSON, typeXLSX, typeAny)
	}
	return l, up, err
}

// list is a list as it came, its rows not read yet.
type list struct {
	envelope
	rows io.Reader
	from intake.Options
	once *once     // nil: the request has no key
	rest io.Reader // of its body, then
}

func (s *server) readJSON(r *http.Request, body io.Reader) (list, error) {
	q := newQuery(r)
	q.noOptions(r)
	if err := q.err(); err != nil {
		return list{}, err
	}
	sub, err := readSubmission(body)
	if err != nil {
		return list{}, err
	}
	l := list{envelope: sub.envelope, rows: sub, from: intake.Options{Format: intake.JSONL, Set: sub.Params, Items: true}}
	return l, badFields(http.StatusUnprocessableEntity, "bad_envelope", l.check(sub.faults, s.Purposes))
}

// readList takes the envelope from the query and the header of options.
func (s *server) readList(r *http.Request, body io.Reader, format intake.Format) (list, error) {
	q := newListQuery(r)
	l := list{rows: body, from: intake.Options{Format: format, Limit: q.number("limit")}}
	l.Provider, l.Name, l.Purpose = q.text("provider"), q.text("name"), q.text("purpose")
	l.Weight, l.Fresh, l.MaxCost = q.weight(), q.flag("fresh"), json.Number(q.text("max_cost"))
	l.Callback, l.Retention = q.text("callback_url"), q.text("retention")
	if m := q.text("metadata"); m != "" {
		l.Metadata = q.json("metadata", m)
	}
	var err error
	if l.from.Columns, err = intake.ParseColumns(q.each("column")); err != nil {
		q.fault("column", "%s", reason(err))
	}
	if l.from.Encoding, err = intake.ParseEncoding(q.text("encoding")); err != nil {
		q.fault("encoding", "%s", reason(err))
	}
	l.from.Sheet = q.text("sheet")
	if l.from.Set, err = intake.ParseSet(q.each("set")); err != nil {
		q.fault("set", "%s", reason(err))
	}
	query := q.all()
	faults := l.check(query, s.Purposes)
	if len(query) > 0 {
		return list{}, badFields(http.StatusBadRequest, "bad_query", faults)
	}
	return l, badFields(http.StatusUnprocessableEntity, "bad_envelope", faults)
}

// reason returns what an error of intake says, without the words for the
// command line.
func reason(err error) string {
	if e, ok := errors.AsType[*intake.InputError](err); ok {
		return e.Reason
	}
	return err.Error()
}

// accept gives the rows of l to the store. A list that breaks off leaves
// nothing.
func (s *server) accept(ctx context.Context, l list) (store.Batch, error) {
	var err error
	if l.from.Spec, err = s.Providers.Spec(l.Provider); err != nil {
		return store.Batch{}, err
	}
	limit, err := s.maxCost(l)
	if err != nil {
		return store.Batch{}, err
	}
	if err := s.checkCallback(l.Callback); err != nil {
		return store.Batch{}, err
	}
	if s.Full(ctx, l.Provider) {
		return store.Batch{}, problem(http.StatusServiceUnavailable, "queue_full",
			"Redis has no memory left for more work; nothing was changed, try again").again(laterOn)
	}
	if l.once != nil {
		if err := s.repeated(ctx, l); err != nil {
			return store.Batch{}, err
		}
	}
	rows, err := intake.Open(l.rows, l.from)
	if err != nil {
		return store.Batch{}, err
	}
	no, err := s.Store.BeginBatch(ctx, store.NewBatch{
		Tenant: submitter(ctx), Provider: l.Provider, Params: rows.Params(), Name: l.Name, Purpose: l.Purpose, Metadata: l.Metadata,
		Columns: rows.Columns(), Weight: l.Weight, Reuse: s.reuse(l), MaxCost: limit, Callback: l.Callback,
		Kept: l.kept(), Traceparent: s.Tracer.Parent(ctx),
	})
	if err != nil {
		return store.Batch{}, fmt.Errorf("begin batch: %w", err)
	}
	if err := s.feed(ctx, no, rows); err != nil {
		return store.Batch{}, s.abandon(ctx, no, err)
	}
	b, err := s.commit(ctx, no, l)
	if err != nil {
		return store.Batch{}, s.abandon(ctx, no, fmt.Errorf("commit batch: %w", err))
	}
	return b, nil
}

// reuse says which known answers the list is content with.
func (s *server) reuse(l list) store.Reuse {
	reuse := s.Reuse(l.Provider)
	reuse.Fresh = l.Fresh
	return reuse
}

// maxCost is the budget that a list brings; nil: none.
func (s *server) maxCost(l list) (*store.Limit, error) {
	if l.MaxCost == "" {
		return nil, nil
	}
	currency := s.Price(l.Provider).Currency
	if currency == "" {
		p := problem(http.StatusUnprocessableEntity, "no_price", "max_cost is an amount, and nobody has said what a question to %s costs", l.Provider)
		p.Errors = []FieldError{{Field: "max_cost", Detail: p.Detail}}
		return nil, p
	}
	limit, err := limitOf(l.MaxCost.String(), currency)
	return &limit, err
}

// fits refuses a list that has too many rows.
func (s *server) fits(rows int) error {
	if rows > s.MaxRows {
		return problem(http.StatusRequestEntityTooLarge, "too_many_rows", "a list has at most %d rows", s.MaxRows)
	}
	return nil
}

func (s *server) feed(ctx context.Context, no store.BatchNo, rows *intake.Reader) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	_, err := intake.Feed(ctx, s.Store, no, rows, func(n int) {
		if err := s.fits(n); err != nil {
			stop(err)
		}
	})
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return err
}

// abandonTimeout bounds the tidying up after a client that may be gone.
const abandonTimeout = 30 * time.Second

// abandon forgets what came in of a list. What it leaves is forgotten at the
// next start.
func (s *server) abandon(ctx context.Context, no store.BatchNo, cause error) error {
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), abandonTimeout)
	defer stop()
	if err := s.Store.AbandonBatch(ctx, no); err != nil {
		s.Log.Warn().Err(err).Msg("abandon batch")
	}
	return cause
}

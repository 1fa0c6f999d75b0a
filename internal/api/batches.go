package api

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/plateq/plateq/client"
	"github.com/plateq/plateq/store"
)

// batchView is a batch as it is sent.
type batchView struct {
	ID       string           `json:"id"`
	Provider string           `json:"provider"`
	Name     string           `json:"name"`
	Tenant   string           `json:"tenant"`
	Purpose  string           `json:"purpose" doc:"What the answers are for; may be empty."`
	State    store.BatchState `json:"state"`
	Reason   string           `json:"reason" doc:"Why it is paused or cancelled."`
	Rows     int              `json:"rows"`
	Counts   map[string]int   `json:"counts" doc:"Its rows by status; every status is there."`

	Questions  int             `json:"questions" doc:"Those that this batch asked itself, and pays for."`
	Shared     sharedView      `json:"shared" doc:"The rows that cost it no question."`
	Causes     []causeView     `json:"causes" nullable:"true" doc:"Why rows failed, the commonest first; null in a list of batches."`
	Cost       cost            `json:"cost" doc:"Its members are null while no prices are known."`
	WaitingFor *waitingFor     `json:"waiting_for" doc:"What holds it up beyond the provider's own time."`
	CreatedAt  timestamp       `json:"created_at"`
	DoneAt     *timestamp      `json:"done_at"`
	Retention  *string         `json:"retention" doc:"How long its rows are kept after its end: \"90d\"; null: for ever."`
	KeptUntil  *timestamp      `json:"kept_until" doc:"When that is over; null: it has not ended, or is kept for ever."`
	DeletedAt  *timestamp      `json:"rows_deleted_at" doc:"When it was over: there are no rows any more, and neither name nor metadata. Its counts say what had become of them."`
	Metadata   json.RawMessage `json:"metadata" doc:"The caller's own: an object, or null."`
}

// cost is what a batch costs.
type cost struct {
	Currency *string `json:"currency"`
	Spent    *string `json:"spent" doc:"A decimal: what is charged."`
	AtMost   *string `json:"at_most" doc:"That with all that may still be."`
}

// waitingFor says what holds a batch up beyond the provider's own time.
type waitingFor struct {
	Scope  string     `json:"scope" doc:"A gate, \"attestr/submit\", or a budget."`
	Reason string     `json:"reason"`
	Until  *timestamp `json:"until" doc:"null: until a person opens it."`
}

// timestamp is a time as it is sent: UTC, with milliseconds.
type timestamp time.Time

// MarshalText implements encoding.TextMarshaler.
func (t timestamp) MarshalText() ([]byte, error) {
	return []byte(time.Time(t).UTC().Format("2006-01-02T15:04:05.000Z")), nil
}

func timestampOf(t time.Time) *timestamp {
	if t.IsZero() {
		return nil
	}
	return new(timestamp(t))
}

func (s *server) show(ctx context.Context, b store.Batch, gates []store.Gate) (batchView, error) {
	waiting, err := s.waiting(ctx, b, gates)
	if err != nil {
		return batchView{}, err
	}
	counts := make(map[string]int, len(store.RowStates()))
	for _, state := range store.RowStates() {
		counts[state.String()] = b.Counts[state]
	}
	return batchView{
		ID: b.ID, Provider: b.Provider, Name: b.Name, Tenant: b.Tenant, Purpose: b.Purpose, State: b.State, Reason: b.Reason, Rows: b.Rows, Counts: counts,
		Questions: b.Asks, Shared: sharedView(b.Shared), Cost: s.costOf(b), WaitingFor: waiting,
		CreatedAt: timestamp(b.Created), DoneAt: timestampOf(b.Done), Metadata: b.Metadata,
		Retention: retentionOf(b), KeptUntil: timestampOf(b.Until()), DeletedAt: timestampOf(b.Expired),
	}, nil
}

// retentionOf says how long the rows of a batch are kept; nil: for ever.
func retentionOf(b store.Batch) *string {
	if b.Kept == 0 {
		return nil
	}
	return new(store.FormatRetention(b.Kept))
}

// waiting names the budget that holds the batch up, or the gate: of those that
// concern rows that it still has, the one that opens last, or not until a person
// opens it.
func (s *server) waiting(ctx context.Context, b store.Batch, gates []store.Gate) (*waitingFor, error) {
	if by := b.HeldBy; by != (store.BudgetScope{}) {
		return &waitingFor{Scope: by.String(), Reason: client.ReasonBudget, Until: timestampOf(by.Period.At(s.Now()).Until)}, nil
	}
	if b.State != store.BatchRunning {
		return nil, nil
	}
	behind, err := s.behind(ctx, b, gates)
	if err != nil {
		return nil, err
	}
	var last *store.Gate
	for _, g := range gates {
		if !g.Shut(s.Now()) || !s.concerns(g.Scope, b) && !slices.Contains(behind, g.Scope) {
			continue
		}
		if last == nil || g.Outlasts(*last) {
			last = &g
		}
	}
	if last == nil {
		return nil, nil
	}
	return &waitingFor{Scope: last.Scope, Reason: last.Reason(), Until: timestampOf(last.Until)}, nil
}

// behind returns the scopes of parts of the provider's service that hold the
// batch up. Nearly always none is closed, and nobody is asked.
func (s *server) behind(ctx context.Context, b store.Batch, gates []store.Gate) ([]string, error) {
	spec, err := s.Providers.Spec(b.Provider)
	if err != nil {
		return nil, nil //nolint:nilerr // the provider is not set up any more
	}
	shut := func(g store.Gate) bool { return g.Shut(s.Now()) && strings.HasPrefix(g.Scope, spec.SubmitScope()+"/") }
	if !slices.ContainsFunc(gates, shut) {
		return nil, nil
	}
	parts, err := s.Store.Behind(ctx, b.No)
	for i, part := range parts {
		parts[i] = spec.ServiceScope(part)
	}
	return parts, err
}

func (s *server) concerns(scope string, b store.Batch) bool {
	if scope == b.Provider {
		return b.Counts.Open() > 0
	}
	spec, err := s.Providers.Spec(b.Provider)
	if err != nil {
		return false // the provider is not set up any more
	}
	return scope == spec.SubmitScope() && b.Counts[store.Queued] > 0 ||
		spec.Pending && scope == spec.PollScope() && b.Counts[store.Waiting] > 0
}

// batch answers with one batch.
func (s *server) batch(w http.ResponseWriter, r *http.Request) error {
	b, err := s.findOnly(r)
	if err != nil {
		return err
	}
	v, err := s.whole(r.Context(), b)
	if err != nil {
		return err
	}
	now, err := sightOf(v)
	if err != nil {
		return err
	}
	if unchanged(w, r, tagOf(now.id)) {
		return nil
	}
	return writeJSON(w, http.StatusOK, v)
}

// find returns the batch that the path names. One whose list is still coming
// in is not there yet.
func (s *server) find(r *http.Request) (store.Batch, error) {
	return s.named(r, r.PathValue("id"))
}

// named is find for a batch that something else of the request names.
func (s *server) named(r *http.Request, id string) (store.Batch, error) {
	b, err := s.visible(r.Context(), id)
	if err == nil && b.State == store.BatchIntake {
		return store.Batch{}, store.ErrNoBatch
	}
	return b, err
}

// findOnly is find for a request without parameters.
func (s *server) findOnly(r *http.Request) (store.Batch, error) {
	if err := newQuery(r).err(); err != nil {
		return store.Batch{}, err
	}
	return s.find(r)
}

// visible returns a batch of that id that is the caller's to see.
func (s *server) visible(ctx context.Context, id string) (store.Batch, error) {
	b, err := s.Store.Batch(ctx, id)
	if err == nil && !sees(ctx, b.Tenant) {
		return store.Batch{}, store.ErrNoBatch
	}
	return b, err
}

func (s *server) answer(w http.ResponseWriter, r *http.Request, status int, b store.Batch) error {
	v, err := s.whole(r.Context(), b)
	if err != nil {
		return err
	}
	return writeJSON(w, status, v)
}

// whole is show with why rows failed.
func (s *server) whole(ctx context.Context, b store.Batch) (v batchView, err error) {
	gates, err := s.Store.Gates(ctx)
	if err != nil {
		return v, err
	}
	if v, err = s.show(ctx, b, gates); err != nil {
		return v, err
	}
	v.Causes = []causeView{}
	if b.Counts[store.Failed] > 0 && b.Expired.IsZero() {
		causes, err := s.causes.list(ctx, b)
		if err != nil {
			return v, err
		}
		v.Causes = viewCauses(shownCauses(ctx, causes))
	}
	return v, nil
}

// current is a batch as it stands by now.
func (s *server) current(r *http.Request, no store.BatchNo) (batchView, error) {
	b, err := s.Store.BatchByNo(r.Context(), no)
	if err != nil {
		return batchView{}, err
	}
	return s.whole(r.Context(), b)
}

// look is a batch as those see it who watch it: the same for all of them, so
// that it holds nothing for which one needs a scope that another has not.
func (s *server) look(ctx context.Context, no store.BatchNo) (sight, error) {
	b, err := s.Store.BatchByNo(ctx, no)
	if err != nil {
		return sight{}, err
	}
	v, err := s.whole(asNobody(ctx), b)
	if err != nil {
		return sight{}, err
	}
	return sightOf(v)
}

func (s *server) pause(w http.ResponseWriter, r *http.Request) error {
	return s.change(w, r, func(ctx context.Context, b store.BatchNo) error { return s.Store.Pause(ctx, b, byRequest) })
}

func (s *server) resume(w http.ResponseWriter, r *http.Request) error {
	return s.change(w, r, s.Store.Resume)
}

func (s *server) cancel(w http.ResponseWriter, r *http.Request) error {
	return s.change(w, r, func(ctx context.Context, b store.BatchNo) error { return s.Store.Cancel(ctx, b, byRequest) })
}

// byRequest is why a batch is paused or cancelled.
const byRequest = "asked for"

// change does one thing to a batch and answers with how it stands then.
func (s *server) change(w http.ResponseWriter, r *http.Request, do func(context.Context, store.BatchNo) error) error {
	b, err := s.findOnly(r)
	if err != nil {
		return err
	}
	if err := do(r.Context(), b.No); err != nil {
		return err
	}
	s.Wake()
	b, err = s.Store.BatchByNo(r.Context(), b.No)
	if err != nil {
		return err
	}
	return s.answer(w, r, http.StatusOK, b)
}

// polled says how many tickets will be asked about at once.
type polled struct {
	Tickets int `json:"tickets"`
}

// poll makes the tickets of a batch due.
func (s *server) poll(w http.ResponseWriter, r *http.Request) error {
	b, err := s.findOnly(r)
	if err != nil {
		return err
	}
	n, err := s.Store.PollNow(r.Context(), b.No)
	if err != nil {
		return err
	}
	if n > 0 {
		s.Wake()
	}
	return writeJSON(w, http.StatusOK, polled{Tickets: n})
}

// cursorOf hides a number in a cursor, which is nobody's to make.
func cursorOf(n int) string {
	return base64.RawURLEncoding.EncodeToString([]byte("c" + strconv.Itoa(n)))
}

func parseCursor(text string) (int, bool) {
	raw, err := base64.RawURLEncoding.DecodeString(text)
	digits, ok := strings.CutPrefix(string(raw), "c")
	n, err2 := strconv.ParseInt(digits, 10, 32)
	return int(n), err == nil && err2 == nil && ok && n > 0
}

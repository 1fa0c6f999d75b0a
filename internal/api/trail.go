package api

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/plateq/plateq/client"
	"github.com/plateq/plateq/internal/export"
	"github.com/plateq/plateq/store"
)

// note writes into the audit log what the caller is about to do to what a
// tenant has. It comes before the act, so that none is done without a word; one
// that fails after all leaves its word nonetheless.
func (s *server) note(ctx context.Context, kind store.ActKind, tenant, about string, notes ...string) error {
	notes = slices.DeleteFunc(notes, func(text string) bool { return text == "" })
	_, err := s.Store.NoteAct(ctx, store.Act{Who: s.actor(ctx), Kind: kind, Tenant: tenant, About: about, Note: strings.Join(notes, ", ")})
	if err != nil {
		return fmt.Errorf("write audit log: %w", err)
	}
	return nil
}

// actor names who acts, for the audit log.
func (s *server) actor(ctx context.Context) string {
	if id := caller(ctx).ID; id != "" {
		return "key " + id
	}
	return cmp.Or(s.Operator, "no key")
}

// noteExport notes that a list, or that many rows of it, is fetched as a whole.
func (s *server) noteExport(ctx context.Context, kind store.ActKind, b store.Batch, rows int, o export.Options, notes ...string) error {
	notes = append(notes, string(o.Format), fmt.Sprintf("%d rows", rows))
	if o.Input {
		notes = append(notes, "input")
	}
	if o.Raw {
		notes = append(notes, "raw")
	}
	if !seesPII(ctx) {
		notes = append(notes, "masked")
	}
	return s.note(ctx, kind, b.Tenant, b.ID, notes...)
}

// noteSight notes that the caller sees rows of a batch as they are; masked ones
// show nobody.
func (s *server) noteSight(ctx context.Context, kind store.ActKind, b store.Batch) error {
	if !seesPII(ctx) {
		return nil
	}
	return s.note(ctx, kind, b.Tenant, b.ID)
}

// told counts rows that the caller was given as they are.
func (s *server) told(ctx context.Context, kind store.ActKind, rows int) {
	if seesPII(ctx) && rows > 0 {
		s.Told(caller(ctx).ID, kind, rows)
	}
}

// noteCall notes a decision about a call.
func (s *server) noteCall(ctx context.Context, kind store.ActKind, c store.UnknownCall) error {
	tenant := store.AllTenants
	if len(c.Batches) > 0 {
		b, err := s.Store.BatchByNo(ctx, c.Batches[0])
		if err != nil {
			return err
		}
		tenant = b.Tenant
	}
	return s.note(ctx, kind, tenant, fmt.Sprint(int64(c.Call)))
}

// tenantOfScope is whose budget it is.
func (s *server) tenantOfScope(ctx context.Context, scope store.BudgetScope) (string, error) {
	switch scope.Kind {
	case store.BudgetOfBatch:
		b, err := s.Store.Batch(ctx, scope.Name)
		return b.Tenant, err
	case store.BudgetOfProvider:
		return store.AllTenants, nil
	}
	return scope.Name, nil
}

// noteBudget notes that a budget is changed.
func (s *server) noteBudget(ctx context.Context, kind store.ActKind, scope store.BudgetScope) error {
	tenant, err := s.tenantOfScope(ctx, scope)
	if err != nil {
		return err
	}
	return s.note(ctx, kind, tenant, scope.String())
}

// actView is an act as it is sent.
type actView struct {
	client.Act
	At timestamp `json:"at"`
}

func viewAct(a store.Act) actView {
	return actView{At: timestamp(a.At), Act: client.Act{
		No: a.No, Who: a.Who, Kind: string(a.Kind), Tenant: a.Tenant, About: a.About, Note: a.Note,
	}}
}

// actPage is a page of acts, newest first.
type actPage struct {
	Items      []actView `json:"items"`
	NextCursor *string   `json:"next_cursor"`
}

// listActs answers with a page of the audit log.
func (s *server) listActs(w http.ResponseWriter, r *http.Request) error {
	q := newQuery(r)
	f := store.ActFilter{
		Tenant: tenantOf(r.Context()), Who: q.text("who"), Kind: store.ActKind(q.text("kind")), About: q.text("about"),
		From: q.day("from"), To: q.day("to"), Before: int64(q.cursor()), Limit: q.limit() + 1, // one more tells whether there is a next page
	}
	if f.Kind != "" && !slices.Contains(store.ActKinds(), f.Kind) {
		q.fault("kind", "there is no such kind; there are %s", strings.Join(names(store.ActKinds()), ", "))
	}
	if err := q.err(); err != nil {
		return err
	}
	acts, err := s.Store.Acts(r.Context(), f)
	if err != nil {
		return err
	}
	page := actPage{Items: []actView{}}
	for i, a := range acts {
		if i == f.Limit-1 {
			page.NextCursor = new(cursorOf(int(acts[i-1].No)))
			break
		}
		page.Items = append(page.Items, viewAct(a))
	}
	return writeJSON(w, http.StatusOK, page)
}

// verifyActs holds the audit log against itself and against how far it is known
// to have gone.
func (s *server) verifyActs(w http.ResponseWriter, r *http.Request) error {
	q := newQuery(r)
	var known []store.ActHead
	for _, text := range q.words("head") {
		h, err := store.ParseActHead(text)
		if err != nil {
			q.fault("head", "%v", err)
		}
		known = append(known, h)
	}
	if err := firstOf(q.err(), wholeOnly(r.Context())); err != nil {
		return err
	}
	if s.ActHeads != nil {
		kept, err := s.ActHeads()
		if err != nil {
			return err
		}
		known = append(known, kept...)
	}
	deadline := http.NewResponseController(w)
	_ = deadline.SetWriteDeadline(time.Time{}) // it takes as long as the log is; without a connection there is no deadline
	got, err := s.Store.VerifyActs(r.Context(), known...)
	_ = deadline.SetWriteDeadline(time.Now().Add(writeTimeout))
	if err != nil {
		return err
	}
	v := client.AuditReport{Acts: got.Acts, Head: got.Head.String()}
	if got.Broken != 0 {
		v.Broken, v.Reason = &got.Broken, &got.Reason
		s.Log.Error().Int64("act", got.Broken).Str("reason", got.Reason).Msg("the audit log is broken")
	}
	return writeJSON(w, http.StatusOK, v)
}

package api

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/plateq/plateq/internal/webhook"
	"github.com/plateq/plateq/store"
)

// webhookView is a receiver of webhooks as it is sent.
type webhookView struct {
	ID         string            `json:"id"`
	Tenant     string            `json:"tenant"`
	URL        string            `json:"url"`
	Events     []store.EventKind `json:"events"`
	Callback   bool              `json:"callback" doc:"It is the callback_url of batches, and told of these alone."`
	State      string            `json:"state" enum:"well,failing,disabled"`
	Pending    int               `json:"pending" doc:"Deliveries that it has still to get."`
	Failures   int               `json:"failures" doc:"Attempts in a row that it did not take."`
	RetryAt    *timestamp        `json:"retry_at" doc:"Nothing is sent before."`
	CreatedAt  timestamp         `json:"created_at"`
	DisabledAt *timestamp        `json:"disabled_at" doc:"When it answered that it is gone."`
	Secret     string            `json:"secret,omitempty" doc:"What its receiver verifies signatures with. It is there in the answer that makes it, and never again."`
}

func viewWebhook(h store.Hook) webhookView {
	v := webhookView{
		ID: h.ID, Tenant: h.Tenant, URL: h.URL, Events: h.Events, Callback: h.Role == store.HookCallback, State: "well",
		Pending: h.Pending, Failures: h.Lane.Failures, RetryAt: timestampOf(h.Lane.RetryAt), CreatedAt: timestamp(h.Created), DisabledAt: timestampOf(h.Disabled),
	}
	switch {
	case !h.Disabled.IsZero():
		v.State = "disabled"
	case h.Lane.Broken():
		v.State = "failing"
	}
	return v
}

// webhookRequest is a receiver that somebody wants told.
type webhookRequest struct {
	URL    string   `json:"url" doc:"https, to a public host; others where PLATEQ_HOOKS_ALLOW names them."`
	Events []string `json:"events"`
}

// addWebhook adds a receiver and answers with its secret, this once.
func (s *server) addWebhook(w http.ResponseWriter, r *http.Request) error {
	once, err := onceOf(r)
	if err != nil {
		return err
	}
	var req webhookRequest
	if err := readBody(r, &req); err != nil {
		return err
	}
	var faults []FieldError
	if err := s.Receivers.CheckURL(req.URL); err != nil {
		faults = append(faults, FieldError{Field: "url", Detail: err.Error()})
	}
	kinds, err := store.ParseEventKinds(req.Events)
	if err == nil && len(kinds) == 0 {
		err = errors.New("name one or more, such as batch.done")
	}
	if err != nil {
		faults = append(faults, FieldError{Field: "events", Detail: err.Error()})
	}
	if err := badFields(http.StatusUnprocessableEntity, "bad_hook", faults); err != nil {
		return err
	}
	secret := webhook.NewSecret()
	n := store.NewHook{ID: store.NewHookID(), Tenant: submitter(r.Context()), URL: req.URL, Events: kinds, Secret: secret}
	var h store.Hook
	id, err := s.doOnce(w, r, once, n.Tenant, n.ID, func(ctx context.Context, o *store.Once) error {
		if err := s.note(ctx, store.ActHookAdded, n.Tenant, n.ID); err != nil {
			return err
		}
		var err error
		if h, err = s.Store.AddHook(ctx, n, o); err != nil {
			return err
		}
		s.Log.Info().Str("hook", n.ID).Str("tenant", n.Tenant).Str("by", requester(ctx)).Msg("a receiver of webhooks is added")
		return nil
	})
	shown := secret.Reveal()
	if err == nil && id != n.ID { // it is in the first answer alone
		h, err = s.webhook(r.Context(), id)
		shown = ""
	}
	if err != nil {
		return err
	}
	v := viewWebhook(h)
	v.Secret = shown
	return writeJSON(w, http.StatusCreated, v)
}

// listWebhooks answers with the receivers that are the caller's to see.
func (s *server) listWebhooks(w http.ResponseWriter, r *http.Request) error {
	if err := newQuery(r).err(); err != nil {
		return err
	}
	hooks, err := s.Store.Hooks(r.Context(), tenantOf(r.Context()))
	if err != nil {
		return err
	}
	views := make([]webhookView, len(hooks))
	for i, h := range hooks {
		views[i] = viewWebhook(h)
	}
	return writeJSON(w, http.StatusOK, items[webhookView]{views})
}

// webhook returns a receiver that is the caller's, or store.ErrNoHook.
func (s *server) webhook(ctx context.Context, id string) (store.Hook, error) {
	hooks, err := s.Store.Hooks(ctx, tenantOf(ctx))
	if err != nil {
		return store.Hook{}, err
	}
	i := slices.IndexFunc(hooks, func(h store.Hook) bool { return h.ID == id })
	if i < 0 {
		return store.Hook{}, store.ErrNoHook
	}
	return hooks[i], nil
}

// removeWebhook forgets a receiver, and what it has still to get.
func (s *server) removeWebhook(w http.ResponseWriter, r *http.Request) error {
	if err := newQuery(r).err(); err != nil {
		return err
	}
	h, err := s.webhook(r.Context(), r.PathValue("id"))
	if err == nil {
		err = s.note(r.Context(), store.ActHookRemoved, h.Tenant, h.ID)
	}
	if err == nil {
		err = s.Store.RemoveHook(r.Context(), h.Tenant, h.ID)
	}
	if err != nil {
		return err
	}
	s.Log.Info().Str("hook", h.ID).Str("tenant", h.Tenant).Str("by", requester(r.Context())).Msg("a receiver of webhooks is removed")
	return writeJSON(w, http.StatusOK, viewWebhook(h))
}

// rotation says for how long the old secret signs beside the new one.
type rotation struct {
	OverlapHours *float64 `json:"overlap_hours,omitempty" doc:"24 where it is not said; 0: the old secret ends at once."`
}

// The overlap of secrets, where nobody says another, and at most.
const (
	overlapHours    = 24
	maxOverlapHours = 30 * 24
)

// rotated is a new secret.
type rotated struct {
	ID     string `json:"id"`
	Secret string `json:"secret" doc:"It is there in this answer, and never again."`
}

// rotateWebhook gives a receiver, or the tenant's callbacks, a new secret.
func (s *server) rotateWebhook(w http.ResponseWriter, r *http.Request) error {
	var req rotation
	if err := readBody(r, &req); err != nil {
		return err
	}
	hours := float64(overlapHours)
	if req.OverlapHours != nil {
		hours = *req.OverlapHours
	}
	if hours < 0 || hours > maxOverlapHours {
		return badFields(http.StatusUnprocessableEntity, "bad_overlap", []FieldError{{Field: "overlap_hours", Detail: "it must be 0 to 720"}})
	}
	ctx, secret := r.Context(), webhook.NewSecret()
	turn := store.Rotation{Tenant: submitter(ctx), ID: r.PathValue("id"), Secret: secret, Overlap: time.Duration(hours * float64(time.Hour))}
	if turn.ID != store.CallbacksID {
		h, err := s.webhook(ctx, turn.ID)
		if err != nil {
			return err
		}
		turn.Tenant = h.Tenant
	}
	if err := s.note(ctx, store.ActHookRotated, turn.Tenant, turn.ID); err != nil {
		return err
	}
	if err := s.Store.RotateHook(ctx, turn); err != nil {
		return err
	}
	s.Log.Info().Str("hook", turn.ID).Str("tenant", turn.Tenant).Str("by", requester(ctx)).Msg("the secret of a receiver of webhooks is a new one")
	return writeJSON(w, http.StatusOK, rotated{ID: turn.ID, Secret: secret.Reveal()})
}

// deliveryView is an event on its way to a receiver.
type deliveryView struct {
	ID        string          `json:"id"`
	Hook      string          `json:"hook"`
	EventID   string          `json:"event_id" doc:"The webhook-id, the same in all attempts and replays."`
	Event     store.EventKind `json:"event"`
	Batch     *string         `json:"batch"`
	State     string          `json:"state" enum:"pending,delivered,failed"`
	Attempts  int             `json:"attempts"`
	Status    *int            `json:"status" doc:"What the receiver answered last."`
	Reason    *string         `json:"reason" doc:"Why the last attempt failed: status, timeout, dns, unreachable, not_allowed, no_secret, gone, or expired."`
	CreatedAt timestamp       `json:"created_at"`
	DueAt     *timestamp      `json:"due_at" doc:"Of the next attempt."`
	TriedAt   *timestamp      `json:"tried_at"`
	EndedAt   *timestamp      `json:"ended_at"`
}

func viewDelivery(d store.Delivery) deliveryView {
	v := deliveryView{
		ID: d.ID, Hook: d.Hook, EventID: d.Event, Event: d.Kind, Batch: given(d.Batch), State: d.State.String(), Attempts: d.Attempts,
		Reason: given(d.Reason), CreatedAt: timestamp(d.Created), TriedAt: timestampOf(d.Tried), EndedAt: timestampOf(d.Ended),
	}
	if d.Status != 0 {
		v.Status = &d.Status
	}
	if d.State == store.DeliveryPending {
		v.DueAt = timestampOf(d.Due)
	}
	return v
}

// given makes null of what is not there.
func given(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

// deliveryPage is a page of deliveries.
type deliveryPage struct {
	Items      []deliveryView `json:"items"`
	NextCursor *string        `json:"next_cursor"`
}

// listDeliveries answers with a page of deliveries, newest first.
func (s *server) listDeliveries(w http.ResponseWriter, r *http.Request) error {
	q := newQuery(r)
	f := store.DeliveryFilter{Tenant: tenantOf(r.Context()), Hook: q.text("hook"), Batch: q.text("batch"), Kind: store.EventKind(q.text("event"))}
	f.Before, f.Limit = store.DeliveryNo(q.cursor()), q.limit()+1 // one more tells whether there is a next page
	if f.Kind != "" {
		if _, err := store.ParseEventKinds([]string{string(f.Kind)}); err != nil {
			q.fault("event", "%v", err)
		}
	}
	if state := q.text("state"); state != "" {
		known := false
		if f.State, known = store.ParseDeliveryState(state); !known {
			q.fault("state", "it must be pending, delivered or failed")
		}
	}
	if err := q.err(); err != nil {
		return err
	}
	all, err := s.Store.Deliveries(r.Context(), f)
	if err != nil {
		return err
	}
	page := deliveryPage{Items: []deliveryView{}}
	for i, d := range all {
		if i == f.Limit-1 {
			page.NextCursor = new(cursorOf(int(all[i-1].No)))
			break
		}
		page.Items = append(page.Items, viewDelivery(d))
	}
	return writeJSON(w, http.StatusOK, page)
}

// replayDelivery has a delivery made again.
func (s *server) replayDelivery(w http.ResponseWriter, r *http.Request) error {
	if err := newQuery(r).err(); err != nil {
		return err
	}
	d, err := s.Store.Replay(r.Context(), tenantOf(r.Context()), r.PathValue("id"))
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, viewDelivery(d))
}

// webhookProblem says what is wrong with what somebody wants of webhooks; nil:
// it is another error.
func webhookProblem(err error) *Problem {
	switch {
	case errors.Is(err, store.ErrNoHook):
		return problem(http.StatusNotFound, "no_such_hook", "there is no such receiver of webhooks")
	case errors.Is(err, store.ErrNoDelivery):
		return problem(http.StatusNotFound, "no_such_delivery", "there is no such delivery")
	case errors.Is(err, store.ErrHookDisabled):
		return problem(http.StatusConflict, "hook_disabled", "the receiver answered that it is gone; add it again to have it told")
	case errors.Is(err, store.ErrNoCallbackSecret):
		p := problem(http.StatusUnprocessableEntity, "no_callback_secret",
			"there is no secret to sign callbacks with: make one by POST /v1/hooks/callbacks/rotate, or plateq hooks rotate callbacks")
		p.Errors = []FieldError{{Field: "callback_url", Detail: p.Detail}}
		return p
	}
	return nil
}

// checkCallback refuses a callback URL to which nothing may be sent.
func (s *server) checkCallback(url string) error {
	if strings.TrimSpace(url) == "" {
		return nil
	}
	err := s.Receivers.CheckURL(url)
	if err == nil {
		return nil
	}
	return badFields(http.StatusUnprocessableEntity, "callback_not_allowed", []FieldError{{Field: "callback_url", Detail: err.Error()}})
}

package web

import (
	"net/url"

	"github.com/plateq/plateq/client"
	"github.com/plateq/plateq/store"
)

// steerRoutes change how a batch goes on.
func (s *site) steerRoutes() []route {
	routes := []route{
		{pattern: "GET /batches/{id}/cancel", needs: store.ScopeSubmit, serve: askCancel},
		{pattern: "GET /batches/{id}/retry", needs: store.ScopeSubmit, serve: askRetry},
		{pattern: "POST /batches/{id}/retry", needs: store.ScopeSubmit, serve: retry},
	}
	for verb, notice := range map[string]string{"pause": "paused", "resume": "resumed", "cancel": "cancelled", "poll": "polled"} {
		routes = append(routes, route{pattern: "POST /batches/{id}/" + verb, needs: store.ScopeSubmit, serve: func(v *visit) error {
			id := v.r.PathValue("id")
			if err := v.post(batchPath(id)+"/"+verb, nil, nil); err != nil {
				return err
			}
			return v.goTo("/batches/"+id, notice)
		}})
	}
	return routes
}

// question asks whether something is meant that spends or destroys.
type question struct {
	Title  string
	Lines  []string // what it does and costs
	Action string   // where the form goes
	Hidden map[string]string
	// Reason: the form asks why, and it is kept. Ticket: it asks for one, which
	// may be TicketIs. Row: it asks for a row too, of one of Batches.
	Reason   bool
	Ticket   bool
	TicketIs string
	Row      bool
	Batches  []string
	Button   string
	Danger   bool
	Back     string
}

// confirm shows a question as a page of its own; the script shows it as a dialog.
func (v *visit) confirm(q question) error { return v.show("confirm", q.Title, q) }

func askCancel(v *visit) error {
	var b client.Batch
	if err := v.get(batchPath(v.r.PathValue("id")), nil, &b); err != nil {
		return err
	}
	return v.confirm(question{
		Title: "Cancel “" + nameOf(b) + "”?",
		Lines: []string{
			plural(b.Counts[client.RowQueued], "row") + " that are still queued will never be asked about. It cannot be undone.",
			plural(b.Counts[client.RowSending]+b.Counts[client.RowWaiting], "row") + " that are with the provider already are finished, paid for and kept.",
			"Spent so far: " + money(b.Cost.Spent, b.Cost.Currency) + ". To stop for a while only, pause the batch.",
		},
		Action: "/batches/" + b.ID + "/cancel", Button: "Cancel the batch", Danger: true, Back: "/batches/" + b.ID,
	})
}

func nameOf(b client.Batch) string {
	if b.Name != "" {
		return b.Name
	}
	return b.ID
}

// askRetry says what asking again comes to.
func askRetry(v *visit) error {
	id, q := v.r.PathValue("id"), v.r.URL.Query()
	o := client.RetryOptions{Class: q.Get("class"), Code: q.Get("code"), DryRun: true}
	var r client.Retried
	if err := v.post(batchPath(id)+"/retry", o, &r); err != nil {
		return err
	}
	lines := []string{plural(r.Rows, "failed row") + " of “" + nameOf(r.Batch) + "” are asked again: " + plural(r.Questions, "question") + " to be paid for" +
		atMost(r.AtMost, r.Currency) + "."}
	if free := r.Joined + r.Known; free > 0 {
		lines = append(lines, plural(free, "row")+" of these cost nothing, as an answer is known or on its way.")
	}
	if r.Unknown > 0 {
		lines = append(lines, plural(r.Unknown, "row")+" wait on a call of which nobody knows, and are not asked again.")
	}
	if n := r.MaybePaid(); n > 0 {
		lines = append(lines, plural(n, "row")+" may have been charged already, as nobody saw the provider's answer: to ask again may be to pay twice.")
	}
	return v.confirm(question{
		Title: "Ask again what failed?", Lines: lines, Action: "/batches/" + id + "/retry",
		Hidden: map[string]string{"class": o.Class, "code": o.Code}, Button: "Ask again", Back: "/batches/" + id,
	})
}

// atMost says what something may cost, if that is known.
func atMost(amount, currency *string) string {
	if amount == nil || currency == nil {
		return ", of which no price is known"
	}
	return ", at most " + money(amount, currency)
}

func retry(v *visit) error {
	id := v.r.PathValue("id")
	o := client.RetryOptions{Class: v.field("class"), Code: v.field("code")}
	if err := v.post(batchPath(id)+"/retry", o, nil); err != nil {
		return err
	}
	return v.goTo("/batches/"+url.PathEscape(id), "retried")
}

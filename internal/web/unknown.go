package web

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/plateq/plateq/client"
	"github.com/plateq/plateq/store"
)

func (s *site) unknownRoutes() []route {
	return []route{
		{pattern: "GET /unknown", needs: store.ScopeRead, serve: listUnknown},
		{pattern: "GET /unknown/{call}/{what}", needs: store.ScopeOperate, serve: askDecision},
		{pattern: "POST /unknown/{call}/{what}", needs: store.ScopeOperate, serve: decide},
	}
}

// unknownData is a page of calls of which nobody knows.
type unknownData struct {
	Items     []client.UnknownCall
	Decisions []client.Decided
	Pager     pager
	Filter    url.Values
	Providers []client.Provider
	Chosen    bool
}

// Adopts reports whether calls to a provider can be on tickets.
func (d unknownData) Adopts(provider string) bool {
	return slices.ContainsFunc(d.Providers, func(p client.Provider) bool { return p.Name == provider && p.Later })
}

func listUnknown(v *visit) error {
	q := chosen(v.r.URL.Query(), "provider", "batch", "resent")
	cursor := v.r.URL.Query().Get("cursor")
	ask := withPage(q, cursor, rowsPerPage)
	ask.Set("decisions", "true")
	var page struct {
		paged[client.UnknownCall]
		Decisions []client.Decided `json:"decisions"`
	}
	if err := v.get("/v1/unknown", ask, &page); err != nil {
		return err
	}
	d := unknownData{Items: page.Items, Decisions: page.Decisions, Filter: q, Chosen: len(q) > 0}
	const shown = 20
	d.Decisions = d.Decisions[:min(len(d.Decisions), shown)]
	d.Pager = pagerOf("/unknown", q, cursor, page.NextCursor)
	var err error
	if d.Providers, err = v.providers(); err != nil {
		return err
	}
	return v.show("unknown", "Unknown outcomes", d)
}

// The decisions about a call, as addresses and the API name them, and what is
// said once one was made.
var decisions = map[string]string{"resend": "resent", "give-up": "given_up", "adopt": "adopted"}

var errNoDecision = &refusal{status: http.StatusNotFound, title: "There is nothing here", Detail: "A call can be sent again, given up or adopted."}

// askDecision asks whether a decision about a call is meant, and why.
func askDecision(v *visit) error {
	no, what := v.r.PathValue("call"), v.r.PathValue("what")
	if decisions[what] == "" {
		return errNoDecision
	}
	var page paged[client.UnknownCall]
	c := call{method: http.MethodGet, path: "/v1/unknown", query: url.Values{"call": {no}, "resent": {"true"}}, whole: true}
	if err := v.ask(c, &page); err != nil {
		return err
	}
	if len(page.Items) == 0 {
		return &refusal{
			status: http.StatusNotFound, title: "There is no such call any more",
			Detail: "Its answer may have come meanwhile. The list of unknown outcomes shows what is left.",
		}
	}
	u := page.Items[0]
	if what != "resend" {
		return v.confirm(questionOf(u, what))
	}
	if leftOf(u) <= 0 {
		return &refusal{
			status: http.StatusConflict, title: "All of this call was sent again",
			Detail: "Newer calls ask for its rows, or have their answers already. Where nobody knows of one of these either, it is in the list by itself.",
		}
	}
	risk, err := riskOf(u)
	if err != nil {
		return err
	}
	u.Questions, u.AtRisk = leftOf(u), risk
	return v.confirm(questionOf(u, what))
}

// leftOf is how many questions of a call are left to be sent again.
func leftOf(u client.UnknownCall) int { return u.Questions - u.Resent }

// riskOf is what these may cost; nil: no price is known.
func riskOf(u client.UnknownCall) (*string, error) {
	if u.AtRisk == nil || u.Resent == 0 {
		return u.AtRisk, nil
	}
	whole, err := store.ParseMoney(*u.AtRisk)
	if err != nil {
		return nil, fmt.Errorf("read amount: %w", err)
	}
	return new((whole / store.Money(u.Questions) * store.Money(leftOf(u))).String()), nil
}

// questionOf says what a decision does and costs.
func questionOf(u client.UnknownCall, what string) question {
	no := strconv.FormatInt(u.Call, 10)
	q := question{Action: "/unknown/" + no + "/" + what, Back: "/unknown", Reason: true}
	asked := plural(u.Questions, "question")
	switch what {
	case "resend":
		q.Title, q.Button, q.Danger = "Send call "+no+" again?", "Send again", true
		q.Lines = []string{
			asked + " go to " + u.Provider + " once more" + atMost(u.AtRisk, u.Currency) + ".",
			"If the provider did take the first call, both are paid for. Look into the provider's own account first, if you can.",
		}
	case "give-up":
		q.Title, q.Button, q.Danger = "Give call "+no+" up?", "Give up", true
		q.Lines = []string{
			plural(u.Rows, "row") + " become failed, and nothing is asked again. An answer that comes later still counts.",
			"It costs nothing more. If the provider took the call, " + money(u.AtRisk, u.Currency) + " may be on its bill without an answer.",
		}
	default:
		q.Title, q.Button, q.Ticket = "Adopt a ticket for call "+no+"?", "Adopt", true
		q.Lines = []string{
			asked + " wait on the answer of a ticket that the provider shows in its own account. It costs nothing more.",
		}
		if u.NeedsRow {
			q.Row, q.Batches = true, u.Batches
			q.Lines = []string{
				"A ticket of " + u.Provider + " answers one row: what that asks waits on the ticket, the others stay unknown. It costs nothing more.",
				"Name the row whose ticket it is. Nothing checks that it is not that of another.",
			}
		}
		if len(u.Candidates) > 0 {
			q.TicketIs = u.Candidates[0].Ticket
		}
	}
	return q
}

func decide(v *visit) error {
	what := v.r.PathValue("what")
	no, err := strconv.ParseInt(v.r.PathValue("call"), 10, 64)
	if err != nil || decisions[what] == "" {
		return errNoDecision
	}
	body := map[string]any{"call": no, "reason": v.field("reason")}
	if what == "adopt" {
		body["ticket"] = v.field("ticket")
		if row := v.field("row"); row != "" {
			if body["row"], err = strconv.Atoi(row); err != nil {
				return &refusal{status: http.StatusUnprocessableEntity, title: "That is no row", Detail: "Name the row by its number in the list."}
			}
			body["batch"] = v.field("batch")
		}
	}
	var done struct{ Rows int }
	if err := v.post("/v1/unknown/"+what, body, &done); err != nil {
		return err
	}
	if what == "resend" && done.Rows == 0 {
		return v.goTo("/unknown", "resent_before")
	}
	return v.goTo("/unknown", decisions[what])
}

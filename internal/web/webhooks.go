package web

import (
	"net/url"

	"github.com/plateq/plateq/client"
	"github.com/plateq/plateq/store"
)

func (s *site) webhookRoutes() []route {
	return []route{
		{pattern: "GET /webhooks", needs: store.ScopeOperate, serve: listWebhooks},
		{pattern: "POST /webhooks/deliveries/{id}/replay", needs: store.ScopeOperate, serve: replay},
		{pattern: "GET /webhooks/{id}/rotate", needs: store.ScopeAdmin, serve: askRotate},
		{pattern: "POST /webhooks/{id}/rotate", needs: store.ScopeAdmin, serve: rotate},
	}
}

// webhooksData is who is told of events, and how that goes.
type webhooksData struct {
	Hooks      []client.Webhook
	Deliveries []client.Delivery
	Pager      pager
	Filter     url.Values
	Chosen     bool
}

func listWebhooks(v *visit) error {
	q, cursor := chosen(v.r.URL.Query(), "hook", "state", "batch"), v.r.URL.Query().Get("cursor")
	d := webhooksData{Filter: q, Chosen: len(q) > 0}
	var hooks paged[client.Webhook]
	if err := v.get("/v1/hooks", nil, &hooks); err != nil {
		return err
	}
	var page paged[client.Delivery]
	if err := v.get("/v1/deliveries", withPage(q, cursor, rowsPerPage), &page); err != nil {
		return err
	}
	d.Hooks, d.Deliveries, d.Pager = hooks.Items, page.Items, pagerOf("/webhooks", q, cursor, page.NextCursor)
	return v.show("webhooks", "Webhooks", d)
}

func replay(v *visit) error {
	if err := v.post("/v1/deliveries/"+v.r.PathValue("id")+"/replay", nil, nil); err != nil {
		return err
	}
	return v.goTo("/webhooks", "replayed")
}

func askRotate(v *visit) error {
	id := v.r.PathValue("id")
	return v.confirm(question{
		Title:  "Give " + id + " a new secret?",
		Lines:  []string{"The new secret is shown once. The old one signs beside it for 24 hours, so that the receiver can be changed meanwhile."},
		Action: "/webhooks/" + url.PathEscape(id) + "/rotate", Button: "Make a new secret", Back: "/webhooks",
	})
}

// shownOnce is a secret that was made just now.
type shownOnce struct {
	Title, Secret, Back string
	Lines               []string
}

func rotate(v *visit) error {
	var made struct{ ID, Secret string }
	if err := v.post("/v1/hooks/"+v.r.PathValue("id")+"/rotate", nil, &made); err != nil {
		return err
	}
	return v.show("secret", "A new secret", shownOnce{
		Title: "The new secret of " + made.ID, Secret: made.Secret, Back: "/webhooks",
		Lines: []string{"Give it to the receiver now: it is shown this once, and never again. The old one still signs for 24 hours."},
	})
}

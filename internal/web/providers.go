package web

import (
	"net/url"
	"slices"

	"github.com/plateq/plateq/client"
	"github.com/plateq/plateq/store"
)

func (s *site) providerRoutes() []route {
	return []route{
		{pattern: "GET /providers", needs: store.ScopeRead, serve: listProviders},
		{pattern: "GET /providers/{name}/close", needs: store.ScopeOperate, serve: askClose},
		{pattern: "POST /providers/{name}/close", needs: store.ScopeOperate, serve: moveGate("close", "gate_closed")},
		{pattern: "GET /providers/{name}/open", needs: store.ScopeOperate, serve: askOpen},
		{pattern: "POST /providers/{name}/open", needs: store.ScopeOperate, serve: moveGate("open", "gate_opened")},
	}
}

// providersData is how all providers stand.
type providersData struct {
	SetUp, Others []standing
	Credit        bool // they were asked for it
	Credits       bool // they can be
}

// standing is a provider with what was counted of it lately.
type standing struct {
	client.Provider
	Hour      *client.Series // nil: nothing was counted, or it is not the visitor's to know
	Incidents []client.Happening
}

// Closed reports whether the provider's own gate is closed.
func (s standing) Closed() bool {
	return slices.ContainsFunc(s.Gates, func(g client.Gate) bool { return g.Scope == s.Name })
}

// share is how many of a hundred something is.
func share(n, of int64) string {
	if of == 0 {
		return "–"
	}
	tenths := (n*1000 + of/2) / of
	return number(int(tenths/10)) + "." + string(rune('0'+tenths%10)) + " %"
}

// ErrorShare is how many of its requests failed, RateShare how many came too
// fast for it.
func (s standing) ErrorShare() string {
	var n int64
	for _, k := range s.Hour.Total.Errors {
		n += k
	}
	return share(n, s.Hour.Total.Requests)
}

// RateShare is the share of requests that came too fast.
func (s standing) RateShare() string {
	return share(s.Hour.Total.Errors["rate_limited"], s.Hour.Total.Requests)
}

const incidentsShown = 5

func listProviders(v *visit) error {
	d := providersData{Credit: v.r.URL.Query().Get("credit") != ""}
	q := url.Values{}
	if d.Credit {
		q.Set("balance", "true")
	}
	var page paged[client.Provider]
	if err := v.get("/v1/providers", q, &page); err != nil {
		return err
	}
	var hour []client.Series
	if v.whole() {
		var err error
		if hour, err = v.series("minute", ""); err != nil {
			return err
		}
	}
	for _, p := range page.Items {
		s := standing{Provider: p}
		if !p.SetUp {
			d.Others = append(d.Others, s)
			continue
		}
		if i := slices.IndexFunc(hour, func(h client.Series) bool { return h.Provider == p.Name }); i >= 0 {
			s.Hour = &hour[i]
		}
		var happened paged[client.Happening]
		if err := v.get("/v1/providers/"+url.PathEscape(p.Name)+"/history", url.Values{"limit": {"5"}}, &happened); err != nil {
			return err
		}
		s.Incidents = happened.Items[:min(len(happened.Items), incidentsShown)]
		d.SetUp = append(d.SetUp, s)
	}
	return v.show("providers", "Providers", d)
}

func askClose(v *visit) error {
	name := v.r.PathValue("name")
	return v.confirm(question{
		Title: "Close the gate of " + name + "?",
		Lines: []string{
			"Nothing more is asked of " + name + ", in no batch, until somebody opens the gate again. Batches wait meanwhile and lose nothing.",
			"What is under way ends as it would, and is paid for.",
		},
		Action: "/providers/" + url.PathEscape(name) + "/close", Button: "Close the gate", Danger: true, Back: "/providers",
	})
}

func askOpen(v *visit) error {
	name, scope := v.r.PathValue("name"), v.r.URL.Query().Get("scope")
	what := "the gates of " + name
	hidden := map[string]string{}
	if scope != "" {
		what, hidden["scope"] = "the gate "+scope, scope
	}
	return v.confirm(question{
		Title:  "Open " + what + "?",
		Lines:  []string{"Calls start again at once. If what closed it is not put right, the first of them close it again; they may cost money."},
		Action: "/providers/" + url.PathEscape(name) + "/open", Hidden: hidden, Button: "Open", Back: "/providers",
	})
}

// moveGate opens gates of a provider, or closes its own.
func moveGate(verb, notice string) page {
	return func(v *visit) error {
		c := call{method: "POST", path: "/v1/providers/" + url.PathEscape(v.r.PathValue("name")) + "/" + verb}
		if scope := v.field("scope"); scope != "" {
			c.query = url.Values{"scope": {scope}}
		}
		if err := v.ask(c, nil); err != nil {
			return err
		}
		return v.goTo("/providers", notice)
	}
}

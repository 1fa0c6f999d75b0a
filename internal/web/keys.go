package web

import (
	"crypto/rand"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/plateq/plateq/client"
	"github.com/plateq/plateq/store"
)

func (s *site) keyRoutes() []route {
	return []route{
		{pattern: "GET /keys", needs: store.ScopeAdmin, serve: listKeys},
		{pattern: "POST /keys", needs: store.ScopeAdmin, open: true, serve: makeKey}, // open: see errKeyMeanwhile
		{pattern: "GET /keys/{id}/revoke", needs: store.ScopeAdmin, serve: askRevoke},
		{pattern: "POST /keys/{id}/revoke", needs: store.ScopeAdmin, serve: revoke},
		{pattern: "GET /access", needs: store.ScopeAdmin, serve: listActs},
	}
}

// keysData is who may ask.
type keysData struct {
	Items  []client.Key
	Scopes []store.Scope
	// Tenant is that of the visitor's key; Own that key's id.
	Tenant, Own string
	// Once names the request of the form, and From is when the days of its key
	// begin, so that what is sent twice says the same and makes one key.
	Once, From string
}

func listKeys(v *visit) error {
	var page paged[client.Key]
	if err := v.get("/v1/keys", nil, &page); err != nil {
		return err
	}
	return v.show("keys", "Keys", keysData{
		Items: page.Items, Scopes: store.Scopes(), Tenant: v.key.Tenant, Own: v.session.key,
		Once: rand.Text(), From: v.Now().UTC().Format(time.RFC3339),
	})
}

// errKeyMeanwhile answers whoever has pressed twice where there was no key: the
// first press has made one, without which nobody is let in.
var errKeyMeanwhile = &refusal{
	status: http.StatusConflict, title: "There is a key meanwhile",
	Detail: "Everybody needs one now, so no other was made here. Where nobody has seen what its holder shows, make another with plateq keys create on the machine itself.",
}

func makeKey(v *visit) error {
	if !v.open && v.session.key == "" {
		return errKeyMeanwhile
	}
	r := client.KeyRequest{Name: v.field("name"), Tenant: v.field("tenant"), Scopes: v.r.PostForm["scope"]}
	if text := v.field("days"); text != "" {
		days, err := strconv.Atoi(text)
		if err != nil || days < 1 || days > 3650 {
			return &refusal{
				status: http.StatusUnprocessableEntity, title: "Something has to be put right",
				Detail: "Days must be a whole number from 1 to 3650, or empty for a key that does not end. Go back and change it.",
			}
		}
		from, err := time.Parse(time.RFC3339, v.field("from"))
		if err != nil {
			from = v.Now().UTC().Truncate(time.Second)
		}
		r.ExpiresAt = new(from.Add(time.Duration(days) * 24 * time.Hour))
	}
	var made client.NewKey
	if err := v.send(call{method: http.MethodPost, path: "/v1/keys", once: v.field("once")}, r, &made); err != nil {
		return err
	}
	if made.Secret == "" {
		return &refusal{
			status: http.StatusConflict, title: "The key was made already",
			Detail: "The form was sent twice, and made the key “" + made.Name + "” (" + made.ID + ") once. What its holder shows was in the first answer alone, " +
				"and is kept nowhere. If nobody has seen it, revoke that key and make another at /keys.",
		}
	}
	lines := []string{"Give it to who is to use it now: it is shown this once, and never again. Only a hash of it is kept."}
	if v.open {
		lines = append(lines, "From now on everybody needs a key, you as well: keep this one to log in.")
		v.open = false
	}
	return v.show("secret", "A new key", shownOnce{Title: "The key “" + made.Name + "”", Secret: made.Secret, Back: "/keys", Lines: lines})
}

func askRevoke(v *visit) error {
	var page paged[client.Key]
	if err := v.get("/v1/keys", nil, &page); err != nil {
		return err
	}
	id := v.r.PathValue("id")
	i := slices.IndexFunc(page.Items, func(k client.Key) bool { return k.ID == id })
	if i < 0 {
		return &refusal{status: http.StatusNotFound, title: "There is nothing here", Detail: "There is no such key. All keys are listed at /keys."}
	}
	lines := []string{"It is refused from the next request on, in every process, and whoever is logged in with it is logged out. It cannot be undone."}
	if id == v.session.key {
		lines = append(lines, "It is the key that you are logged in with.")
	}
	return v.confirm(question{
		Title: "Revoke the key “" + page.Items[i].Name + "”?", Lines: lines,
		Action: "/keys/" + url.PathEscape(id) + "/revoke", Button: "Revoke the key", Danger: true, Back: "/keys",
	})
}

func revoke(v *visit) error {
	if err := v.ask(call{method: http.MethodDelete, path: "/v1/keys/" + v.r.PathValue("id")}, nil); err != nil {
		return err
	}
	return v.goTo("/keys", "revoked")
}

// actsData is a page of the audit log.
type actsData struct {
	Items  []client.Act
	Kinds  []store.ActKind
	Pager  pager
	Filter url.Values
	Chosen bool
}

func listActs(v *visit) error {
	q, cursor := chosen(v.r.URL.Query(), "who", "kind", "about", "from", "to"), v.r.URL.Query().Get("cursor")
	var page paged[client.Act]
	if err := v.get("/v1/audit", withPage(q, cursor, rowsPerPage), &page); err != nil {
		return err
	}
	return v.show("access", "Access log", actsData{
		Items: page.Items, Kinds: store.ActKinds(), Filter: q, Chosen: len(q) > 0, Pager: pagerOf("/access", q, cursor, page.NextCursor),
	})
}

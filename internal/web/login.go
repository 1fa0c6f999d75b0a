package web

import (
	"errors"
	"net/http"
	"strings"

	"github.com/plateq/plateq/internal/api"
)

func (s *site) loginRoutes() []route {
	return []route{
		{pattern: "GET /login", open: true, serve: showLogin},
		{pattern: "POST /login", open: true, serve: logIn},
		{pattern: "POST /logout", open: true, serve: logOut},
	}
}

// loginData is what the page for logging in shows.
type loginData struct {
	Next  string
	Fault string
}

func showLogin(v *visit) error {
	next := local(v.r.URL.Query().Get("next"))
	if v.open || v.session.key != "" {
		return v.goTo(next, "")
	}
	return v.show("login", "Log in", loginData{Next: next})
}

// logIn makes a session for whoever shows a key that counts.
func logIn(v *visit) error {
	next := local(v.field("next"))
	if v.open {
		return v.goTo(next, "")
	}
	k, err := v.Access.Show(v.r, v.field("key"))
	if p, refused := errors.AsType[*api.Problem](err); refused {
		fault := "This is no key that counts. Check that it was copied whole, from plq_ to its end, and that it was not revoked."
		if p.Status == http.StatusTooManyRequests {
			fault = "There were too many wrong keys from here. Wait a minute and try again."
		}
		return v.answer(p.Status, "login", "Log in", loginData{Next: next, Fault: fault})
	}
	if err != nil {
		return err
	}
	v.session = v.begin(k) // a new one: nobody can have planted its id
	v.keep(v.w, v.r, v.session)
	return v.goTo(next, "")
}

// logOut ends the session here and in the browser.
func logOut(v *visit) error {
	v.ended.add(v.session, v.Now())
	if v.session.key != "" {
		if err := v.Access.Leave(v.r.Context(), v.session.key); err != nil {
			return err
		}
	}
	//nolint:gosec // it is the cookie that was set, with nothing in it
	http.SetCookie(v.w, &http.Cookie{
		Name: cookieFor(v.r), Path: "/", MaxAge: -1, HttpOnly: true, Secure: encrypted(v.r), SameSite: http.SameSiteLaxMode,
	})
	return v.goTo("/login", "out")
}

// local returns a path of ours, and "/" for everything else that somebody may
// have put into an address.
func local(path string) string {
	odd := func(r rune) bool { return r < ' ' || r == '\\' } // browsers drop the one and turn the other
	if !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//") || strings.ContainsFunc(path, odd) {
		return "/"
	}
	return path
}

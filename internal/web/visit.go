package web

import (
	"bytes"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/plateq/plateq/client"
	"github.com/plateq/plateq/internal/api"
	"github.com/plateq/plateq/store"
)

// visit is one request for a page: who makes it, and how it is answered.
type visit struct {
	*site
	w       http.ResponseWriter
	r       *http.Request
	session session
	// key is that of whoever visits; open: nobody needs one.
	key  store.APIKey
	open bool
	// checked: the token of the form was seen.
	checked bool
}

// page is what answers a visit. An error becomes a page of its own.
type page func(v *visit) error

// route is one page: how it is reached, and what a key needs for it.
type route struct {
	pattern string
	needs   store.Scope // empty: any key
	// open: nobody need have logged in.
	open bool
	// reads: the page reads its form itself, and checks its token.
	reads bool
	serve page
}

// page lets whoever may through to a route.
func (s *site) page(rt route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v := &visit{site: s, w: w, r: r}
		err := v.enter()
		switch {
		case rt.open && errors.Is(err, errLogIn):
			err = nil
		case err == nil && !v.May(rt.needs):
			err = lacks(rt.needs)
		}
		if err == nil && r.Method != http.MethodGet && r.Method != http.MethodHead && !rt.reads {
			err = v.readForm()
		}
		if err == nil && !api.Legible(r.URL.Path) {
			err = nothingHere(v)
		}
		if err == nil {
			err = rt.serve(v)
		}
		if err != nil {
			v.refuse(err)
		}
	})
}

// May reports whether the visitor's key has a scope.
func (v *visit) May(needs store.Scope) bool { return needs == "" || v.key.Allows(needs) }

// whole reports whether the visitor's key is for all tenants.
func (v *visit) whole() bool { return v.key.Tenant == store.AllTenants }

func lacks(needs store.Scope) error {
	return &refusal{
		status: http.StatusForbidden, title: "Your key does not allow this",
		Detail: "It needs the scope " + string(needs) + ". Log in with a key that has it, or ask whoever makes the keys.",
	}
}

// maxForm bounds a form without a file.
const maxForm = 1 << 20

// readForm reads a form without a file, and refuses one that no page of the
// session has sent.
func (v *visit) readForm() error {
	v.r.Body = http.MaxBytesReader(v.w, v.r.Body, maxForm)
	if err := v.r.ParseForm(); err != nil {
		return &refusal{status: http.StatusBadRequest, title: "The form cannot be read", Detail: "Go back and send it again."}
	}
	return v.check(v.r.PostForm.Get(tokenField))
}

// tokenField is the field of forms that holds the token of the session.
const tokenField = "token"

// check refuses a form without the token of its session.
func (v *visit) check(token string) error {
	if !equal(token, v.token(v.session)) {
		return &refusal{
			status: http.StatusForbidden, title: "The page was too old",
			Detail: "The form belongs to a login that is over, so nothing was done. Open the page again and repeat it.",
		}
	}
	v.checked = true
	return nil
}

// field returns a field of the form, without space around it.
func (v *visit) field(name string) string { return strings.TrimSpace(v.r.PostForm.Get(name)) }

// refusal is an error that a page tells, with what to do about it.
type refusal struct {
	status int
	title  string
	Detail string
	Fields []client.FieldError
	// Request is the name under which the log has more of it, if it has.
	Request string
}

// Error implements error.
func (e *refusal) Error() string { return e.title + ": " + e.Detail }

// refuse answers with an error.
func (v *visit) refuse(err error) {
	if errors.Is(err, errLogIn) {
		v.toLogin()
		return
	}
	shown := v.refusalOf(err)
	if shown.status == http.StatusUnauthorized {
		v.toLogin()
		return
	}
	if shown.status/100 == 5 {
		v.Log.Error().Str("page", v.r.Pattern).Str("request_id", shown.Request).Err(err).Msg("answer page")
	}
	if err := v.answer(shown.status, "error", shown.title, shown); err != nil {
		v.Log.Error().Err(err).Msg("write error page")
	}
}

func (v *visit) refusalOf(err error) *refusal {
	if e, ok := errors.AsType[*refusal](err); ok {
		return e
	}
	if p, ok := errors.AsType[*client.Problem](err); ok {
		return &refusal{status: p.Status, title: titleOf(p), Detail: sentence(p.Detail), Fields: p.Errors, Request: p.RequestID}
	}
	if p, ok := errors.AsType[*api.Problem](err); ok {
		return &refusal{status: p.Status, title: http.StatusText(p.Status), Detail: sentence(p.Detail)}
	}
	return &refusal{
		status: http.StatusInternalServerError, title: "Something went wrong here",
		Detail: "It was not foreseen, and the log has it. Nothing that runs is stopped by it. Try again; if it stays, ask whoever runs this server.",
	}
}

// titleOf says in a few words what is wrong, and leaves the rest to the
// problem.
func titleOf(p *client.Problem) string {
	switch p.Status {
	case http.StatusNotFound:
		return "There is nothing here"
	case http.StatusForbidden:
		return "Your key does not allow this"
	case http.StatusConflict:
		return "This cannot be done as things stand"
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		return "Not now"
	case http.StatusRequestEntityTooLarge:
		return "This is too much"
	case http.StatusUnprocessableEntity, http.StatusBadRequest:
		return "Something has to be put right"
	}
	return p.Title
}

// sentence makes one of a detail, which begins in lower case.
func sentence(detail string) string {
	if detail == "" {
		return ""
	}
	return strings.ToUpper(detail[:1]) + detail[1:] + "."
}

// toLogin sends a visitor to where he can log in, and from there back.
func (v *visit) toLogin() {
	to := "/login"
	if v.r.Method == http.MethodGet && v.r.URL.Path != "/" {
		to += "?" + url.Values{"next": {v.r.URL.RequestURI()}}.Encode()
	}
	http.Redirect(v.w, v.r, to, http.StatusSeeOther)
}

// goTo sends the browser on after something was done. notice, which may be
// empty, is one of notices.
func (v *visit) goTo(path, notice string) error {
	if notice != "" {
		path += "?" + url.Values{"notice": {notice}}.Encode()
	}
	http.Redirect(v.w, v.r, path, http.StatusSeeOther)
	return nil
}

// show answers with a page of the name, which is given data as .Data.
func (v *visit) show(name, title string, data any) error {
	return v.answer(http.StatusOK, name, title, data)
}

func (v *visit) answer(status int, name, title string, data any) error {
	var text bytes.Buffer // so that an error is not half a page
	if err := v.pages[name].ExecuteTemplate(&text, "layout", v.frame(title, data)); err != nil {
		return err
	}
	v.w.Header().Set("Content-Type", "text/html; charset=utf-8")
	v.w.Header().Set("Content-Length", strconv.Itoa(text.Len()))
	v.w.WriteHeader(status)
	_, _ = v.w.Write(text.Bytes()) // a browser that left cannot be told so
	return nil
}

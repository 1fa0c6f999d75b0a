package web

import (
	"crypto/rand"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/plateq/plateq/client"
	"github.com/plateq/plateq/store"
)

func (s *site) lookupRoutes() []route {
	return []route{
		{pattern: "GET /lookup", needs: store.ScopeSubmit, serve: func(v *visit) error {
			return v.showLookup(http.StatusOK, lookupData{Form: chosen(v.r.URL.Query(), "provider")})
		}},
		{pattern: "POST /lookup", needs: store.ScopeSubmit, serve: lookUp},
	}
}

// lookupData is the page on which one plate is looked up.
type lookupData struct {
	Form      url.Values
	Providers []client.Provider
	// Estimate is what it would come to, and is to be confirmed; nil: nothing is.
	Estimate *client.Estimate
	Once     string // the name of the request that asks
	// Answer is what became of it; nil: it was not asked.
	Answer  *client.LookedUp
	Problem *client.Problem
}

func (v *visit) showLookup(status int, d lookupData) error {
	all, err := v.providers()
	if isForbidden(err) {
		err = nil
	}
	if err != nil {
		return err
	}
	d.Providers = slices.DeleteFunc(all, func(p client.Provider) bool { return !p.SetUp })
	return v.answer(status, "lookup", "Lookup", d)
}

// lookupFields are those of the form, which comes back filled in.
var lookupFields = []string{"provider", "plate", "more", "set", "purpose", "fresh"}

// lookUp says what the question costs, where it does, and asks it when that is
// confirmed: once, however often the button is pressed.
func lookUp(v *visit) error {
	d := lookupData{Form: chosen(v.r.PostForm, lookupFields...)}
	item := pairs(v.field("more"))
	if plate := v.field("plate"); plate != "" {
		item["plate"] = plate
	}
	envelope := map[string]any{"provider": v.field("provider"), "params": pairs(v.field("set")), "fresh": v.field("fresh") != ""}
	if purpose := v.field("purpose"); purpose != "" {
		envelope["purpose"] = purpose
	}
	var err error
	once := v.field("once")
	if once == "" {
		d.Once = rand.Text()
		d.Estimate, err = v.foresee(envelope, item)
	}
	if err == nil && (d.Estimate == nil || d.Estimate.Invalid == 0 && d.Estimate.Questions == 0) {
		d.Estimate = nil
		envelope["item"] = item
		d.Answer = &client.LookedUp{}
		err = v.send(call{method: http.MethodPost, path: "/v1/lookups", once: once, whole: true}, envelope, d.Answer)
	}
	if p, ok := errors.AsType[*client.Problem](err); ok {
		return v.showLookup(p.Status, lookupData{Form: d.Form, Problem: p})
	}
	if err != nil {
		return err
	}
	return v.showLookup(http.StatusOK, d)
}

// foresee says what one question comes to.
func (v *visit) foresee(envelope map[string]any, item map[string]string) (*client.Estimate, error) {
	var e client.Estimate
	envelope["items"] = []map[string]string{item}
	err := v.post("/v1/estimates", envelope, &e)
	delete(envelope, "items")
	return &e, err
}

// pairs reads lines of name=value.
func pairs(text string) map[string]string {
	all := map[string]string{}
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(line, "="); ok {
			all[strings.TrimSpace(name)] = strings.TrimSpace(value)
		}
	}
	return all
}

package web

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"hash"
	"io"
	"maps"
	"mime/multipart"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/plateq/plateq/client"
	"github.com/plateq/plateq/store"
)

// A list is sent twice: once to be looked through, and once more to be handed
// in. Nothing of it is kept in between, neither here nor on disk; a browser
// with a script still has the file, and without one it is chosen again. What
// is handed in must be what was looked through, to the byte and to the option:
// see seen.
func (s *site) newRoutes() []route {
	return []route{
		{pattern: "GET /new", needs: store.ScopeSubmit, serve: newList},
		{pattern: "POST /new", needs: store.ScopeSubmit, reads: true, serve: checkList},
		{pattern: "POST /new/problems", needs: store.ScopeSubmit, reads: true, serve: listProblems},
		{pattern: "POST /new/submit", needs: store.ScopeSubmit, reads: true, serve: submitList},
	}
}

// newData is the page on which a list is handed in.
type newData struct {
	Form      url.Values
	Providers []client.Provider // that are set up
	// Estimate is what the list would come to; nil: it was not looked through,
	// or cannot be.
	Estimate *client.Estimate
	Columns  []columnChoice
	File     string // its name
	Seen     string // what submitList has to see again
	Once     string // the name of the request that hands it in
	Problem  *client.Problem
	Changed  bool // it was not what had been looked through
}

// columnChoice is a thing that the provider is asked about, or the caller's
// own id, and the column of the list that holds it.
type columnChoice struct {
	What, Chosen string
	Header       []string // to choose from; nil: it is not known
}

func newList(v *visit) error {
	return v.showList(http.StatusOK, newData{Form: chosen(v.r.URL.Query(), "provider")})
}

func (v *visit) showList(status int, d newData) error {
	all, err := v.providers()
	if isForbidden(err) { // whoever only submits may type the name of a provider
		err = nil
	}
	if err != nil {
		return err
	}
	d.Providers = slices.DeleteFunc(all, func(p client.Provider) bool { return !p.SetUp })
	d.Columns = columnsOf(d)
	return v.answer(status, "new", "New batch", d)
}

// seenBy notes what was looked through: the list, and the choices as the page
// has them, in which every column of the list is named. Those that are set for
// all rows are none of it, and found as they were.
func (d newData) seenBy(v *visit, body *seen) newData {
	l := sentList{values: d.Form}
	set := pairs(d.Form.Get("set"))
	for what, name := range d.Estimate.Columns {
		if _, is := set[name]; !is && d.Form.Get(columnField+what) == "" {
			d.Form.Set(columnField+what, name)
		}
	}
	d.Seen = v.seenAs(l.options(), body)
	return d
}

func isForbidden(err error) bool {
	p, ok := errors.AsType[*client.Problem](err)
	return ok && p.Status == http.StatusForbidden
}

// columnsOf lists what can be found in the list for its provider.
func columnsOf(d newData) []columnChoice {
	if d.Estimate == nil && d.Problem == nil {
		return nil
	}
	what := []string{"plate"}
	for _, p := range d.Providers {
		if p.Name != d.Form.Get("provider") {
			continue
		}
		what = slices.Clone(p.Needs)
		for _, c := range p.Choices {
			for _, way := range c.Ways {
				what = append(append(what, way.Needs...), way.May...)
			}
		}
	}
	what = append(what, "id")
	if d.Estimate != nil {
		what = append(what, slices.Sorted(maps.Keys(d.Estimate.Columns))...)
	}
	var choices []columnChoice
	for i, w := range what {
		if slices.Contains(what[:i], w) {
			continue
		}
		c := columnChoice{What: w, Chosen: d.Form.Get(columnField + w)}
		if d.Estimate != nil {
			c.Header = d.Estimate.Header
		}
		choices = append(choices, c)
	}
	return choices
}

// columnField begins the names of fields that say which column holds what.
const columnField = "column:"

// sentList is a form with a list, of which the file is still to be read.
type sentList struct {
	values url.Values
	file   *multipart.Part
}

// Bounds of a form with a file.
const (
	maxFields = 100
	maxValue  = 16 << 10
)

// readList reads a form up to its file, which comes last.
func (v *visit) readList() (*sentList, error) {
	bad := &refusal{status: http.StatusBadRequest, title: "The form cannot be read", Detail: "Go back, choose the file again and send it."}
	parts, err := v.r.MultipartReader()
	if err != nil {
		return nil, bad
	}
	l := &sentList{values: url.Values{}}
	for range maxFields {
		part, err := parts.NextPart()
		if err != nil {
			return nil, bad
		}
		if part.FormName() == "list" {
			l.file = part
			if err := v.check(l.values.Get(tokenField)); err != nil {
				return nil, err
			}
			l.values.Del(tokenField)
			return l, nil
		}
		value, err := io.ReadAll(io.LimitReader(part, maxValue+1))
		if err != nil || len(value) > maxValue {
			return nil, bad
		}
		l.values.Add(part.FormName(), strings.TrimSpace(string(value)))
	}
	return nil, bad
}

// options say what the API is to do with the list.
func (l *sentList) options() url.Values {
	q := chosen(l.values, "provider", "name", "purpose", "max_cost", "encoding", "sheet", "fresh")
	for field, values := range l.values {
		if what, ok := strings.CutPrefix(field, columnField); ok && values[0] != "" {
			q.Add("column", what+"="+values[0])
		}
	}
	slices.Sort(q["column"])
	for line := range strings.Lines(l.values.Get("set")) {
		if line = strings.TrimSpace(line); line != "" {
			q.Add("set", line)
		}
	}
	return q
}

// missing reports whether no file was chosen.
func (l *sentList) missing() bool { return l.file.FileName() == "" }

var errNoFile = &client.Problem{Code: "no_file", Detail: "no file was chosen"}

// checkList says what a list would come to, and shows its first rows.
func checkList(v *visit) error {
	l, err := v.readList()
	if err != nil {
		return err
	}
	d := newData{Form: l.values, File: l.file.FileName()}
	if l.missing() {
		d.Problem = errNoFile
		return v.showList(http.StatusUnprocessableEntity, d)
	}
	q, body := l.options(), &seen{r: l.file, sum: sha256.New()}
	var e client.Estimate
	err = v.ask(call{method: http.MethodPost, path: "/v1/estimates", options: q, media: string(client.Any), body: body, whole: true}, &e)
	if p, ok := errors.AsType[*client.Problem](err); ok {
		d.Problem = p
		return v.showList(p.Status, d)
	}
	if err != nil {
		return err
	}
	d.Estimate, d.Once = &e, rand.Text()
	return v.showList(http.StatusOK, d.seenBy(v, body))
}

// listProblems gives the rows that are invalid or odd out as a file.
func listProblems(v *visit) error {
	l, err := v.readList()
	if err != nil {
		return err
	}
	if l.missing() {
		return v.showList(http.StatusUnprocessableEntity, newData{Form: l.values, Problem: errNoFile})
	}
	v.w.Header().Set("Content-Disposition", `attachment; filename="problems.csv"`)
	v.pass(call{
		method: http.MethodPost, path: "/v1/estimates/problems", options: l.options(), media: string(client.Any), accept: string(client.CSV),
		body: l.file, whole: true,
	})
	return nil
}

// submitList hands a list in that was looked through.
func submitList(v *visit) error {
	l, err := v.readList()
	if err != nil {
		return err
	}
	d := newData{Form: l.values, File: l.file.FileName()}
	if l.missing() {
		d.Problem = errNoFile
		return v.showList(http.StatusUnprocessableEntity, d)
	}
	q := l.options()
	body := &seen{r: l.file, sum: sha256.New()}
	body.right = func() bool { return equal(v.seenAs(q, body), l.values.Get("seen")) }
	var b client.Batch
	err = v.ask(call{
		method: http.MethodPost, path: "/v1/batches", options: q, media: string(client.Any), body: body, once: l.values.Get("once"), whole: true,
	}, &b)
	if body.changed {
		d.Changed = true
		return v.showList(http.StatusConflict, d)
	}
	if p, ok := errors.AsType[*client.Problem](err); ok {
		d.Problem = p
		return v.showList(p.Status, d)
	}
	if err != nil {
		return err
	}
	return v.goTo("/batches/"+b.ID, "submitted")
}

// seen is a list on its way that is remembered by its sum.
type seen struct {
	r   io.Reader
	sum hash.Hash
	// right is asked at the end whether it is the one that was meant; a list
	// that is not breaks off there, so that nothing of it is taken in. nil: any
	// is.
	right   func() bool
	changed bool
}

// errChanged breaks a list off. The API takes it for a browser that has gone,
// which is nobody's fault.
var errChanged = fmt.Errorf("the list is not the one that was looked through: %w", context.Canceled)

// Read implements io.Reader.
func (s *seen) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	s.sum.Write(p[:n])
	if errors.Is(err, io.EOF) && s.right != nil && !s.right() {
		s.changed = true
		return 0, errChanged
	}
	return n, err
}

// seenAs is what shows that a list was looked through with these options. It
// tells nothing of the list.
func (v *visit) seenAs(q url.Values, s *seen) string {
	text := append(s.sum.Sum(nil), without(q, "name", "purpose", "max_cost").Encode()...)
	return base64.RawURLEncoding.EncodeToString(v.sign("list "+v.session.id, text))
}

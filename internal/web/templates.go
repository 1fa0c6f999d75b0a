package web

import (
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"math"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/plateq/plateq/client"
)

//go:embed templates
var templateFiles embed.FS

// readPages parses every page with the layout and the components around it, by
// the page's name.
func (s *site) readPages() (map[string]*template.Template, error) {
	shared, err := template.New("").Funcs(s.words()).ParseFS(templateFiles, "templates/layout.html", "templates/parts.html")
	if err != nil {
		return nil, fmt.Errorf("parse layout: %w", err)
	}
	files, err := fs.Glob(templateFiles, "templates/*.html")
	if err != nil {
		return nil, fmt.Errorf("list pages: %w", err)
	}
	pages := map[string]*template.Template{}
	for _, file := range files {
		name := strings.TrimSuffix(path.Base(file), ".html")
		if name == "layout" || name == "parts" {
			continue
		}
		own, err := shared.Clone()
		if err == nil {
			own, err = own.ParseFS(templateFiles, file)
		}
		if err != nil {
			return nil, fmt.Errorf("parse page %s: %w", name, err)
		}
		pages[name] = own
	}
	return pages, nil
}

// words are the functions of templates.
func (s *site) words() template.FuncMap {
	return template.FuncMap{
		"asset":    s.assets.path,
		"num":      number,
		"tenths":   tenths,
		"num64":    func(n int64) string { return number(int(n)) },
		"ms":       milliseconds,
		"money":    money,
		"plural":   plural,
		"label":    label,
		"instant":  instant,
		"utc":      func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05") + " UTC" },
		"iso":      func(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") },
		"span":     span,
		"seconds":  func(n *int) string { return span(time.Duration(*n) * time.Second) },
		"clip":     clip,
		"sentence": sentence,
		"named":    named,
		"text":     textOf,
		"fields":   fieldsOf,
		"deref":    deref,
		"count":    func(b client.Batch, status string) int { return b.Counts[client.Status(status)] },
		"progress": func(b client.Batch) progress { return progressOf(b, s.paces.look(b, s.Now())) },
	}
}

// named makes a map of pairs, for components that are given several things.
func named(pairs ...any) (map[string]any, error) {
	if len(pairs)%2 != 0 {
		return nil, errors.New("named: a name without a value")
	}
	m := make(map[string]any, len(pairs)/2)
	for i := 0; i < len(pairs); i += 2 {
		name, ok := pairs[i].(string)
		if !ok {
			return nil, fmt.Errorf("named: %v is no name", pairs[i])
		}
		m[name] = pairs[i+1]
	}
	return m, nil
}

// number writes a whole number with its thousands apart.
func number(n int) string {
	digits := strconv.Itoa(n)
	sign := ""
	if n < 0 {
		sign, digits = "−", digits[1:]
	}
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return sign + digits
}

// milliseconds writes how long something took at most, and a dash for nothing.
func milliseconds(n *int64) string {
	switch {
	case n == nil:
		return "–"
	case *n < 1000:
		return number(int(*n)) + " ms"
	}
	return strconv.FormatFloat(float64(*n)/1000, 'f', -1, 64) + " s"
}

// money writes an amount with its currency, and a dash where none is known.
func money(amount, currency *string) string {
	if amount == nil || currency == nil {
		return "–"
	}
	return *amount + " " + *currency
}

// label writes a word of the API, "not_found", as people read it.
func label(word any) string { return strings.ReplaceAll(fmt.Sprint(word), "_", " ") }

// instant returns the time in a time.Time or *time.Time; nil: there is none.
func instant(v any) *time.Time {
	switch t := v.(type) {
	case time.Time:
		if !t.IsZero() {
			return &t
		}
	case *time.Time:
		return t
	}
	return nil
}

// deref returns what a pointer to text holds, "" for nil.
func deref(p *string) string {
	if p == nil {
		return ""
	}
	return *p
}

// textOf writes a value of JSON as people read it: a text without its quotes,
// everything else as it is.
func textOf(raw json.RawMessage) string {
	var s string
	switch {
	case len(raw) == 0 || string(raw) == "null":
		return "–"
	case json.Unmarshal(raw, &s) == nil:
		return s
	}
	return string(raw)
}

// span writes how long something takes, as exactly as anybody wants to know.
func span(d time.Duration) string {
	switch s := d.Seconds(); {
	case s < 1:
		return "less than a second"
	case s < 90:
		return plural(int(math.Round(s)), "second")
	case s < 90*60:
		return plural(int(math.Round(s/60)), "minute")
	case s < 48*3600:
		return plural(int(math.Round(s/3600)), "hour")
	default:
		return plural(int(math.Round(s/86400)), "day")
	}
}

func plural(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return number(n) + " " + what
}

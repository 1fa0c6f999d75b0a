package config

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/caarlos0/env/v11"

	"github.com/plateq/plateq/providers"
)

// reader turns an environment into the structs of parts and collects what is
// to be said about it.
type reader struct {
	env       map[string]string
	known     map[string]bool // every variable there is, _FILE forms included
	variables []Variable
	order     []part
	faults    []string
	warned    []string
	broken    map[string]bool // variables about which a fault was said
}

// field is one variable of a part.
type field struct {
	goName   string
	variable string
	standard string // the default as it is written
	about    string
	implied  bool // standard is a description, not a value
	typ      reflect.Type
	index    int
}

func (f field) secret() bool {
	return f.typ == reflect.TypeFor[providers.Secret]()
}

// filed reports whether the variable has a _FILE form.
func (f field) filed() bool { return f.secret() || f.typ == reflect.TypeFor[URL]() }

func newReader(environ []string, parts []part) *reader {
	r := &reader{env: map[string]string{}, known: map[string]bool{}, broken: map[string]bool{}, order: parts}
	for _, entry := range environ {
		name, value, _ := strings.Cut(entry, "=")
		if strings.HasPrefix(name, Prefix) && value != "" {
			r.env[name] = value
		}
	}
	for _, p := range parts {
		for _, f := range p.fields() {
			r.known[f.variable] = true
			if f.filed() {
				r.known[f.variable+fileSuffix] = true
			}
		}
	}
	return r
}

// fields lists the variables of p. Its struct holds no other struct that is
// read.
func (p part) fields() []field {
	v := reflect.ValueOf(p.into).Elem()
	var fs []field
	for i := range v.NumField() {
		sf := v.Type().Field(i)
		key, _, _ := strings.Cut(sf.Tag.Get("env"), ",")
		if !sf.IsExported() || key == "" || key == "-" {
			continue
		}
		f := field{
			goName: sf.Name, variable: Prefix + p.prefix + key, typ: sf.Type, index: i,
			standard: sf.Tag.Get("envDefault"), about: sf.Tag.Get("about"),
		}
		if f.about == "" {
			f.about = p.abouts[key]
		}
		if f.standard == "" {
			f.standard = sf.Tag.Get("shown")
			f.implied = f.standard != ""
		}
		if f.standard == "" {
			f.standard = show(v.Field(i))
		}
		fs = append(fs, f)
	}
	return fs
}

// parse fills the struct of p. A variable that two parts share is described
// by the first.
func (r *reader) parse(p part) {
	fs := p.fields()
	err := env.ParseWithOptions(p.into, env.Options{
		Environment: r.env,
		Prefix:      Prefix + p.prefix,
		FuncMap: map[reflect.Type]env.ParserFunc{
			reflect.TypeFor[time.Duration](): func(s string) (any, error) { return parseDuration(s) },
		},
	})
	r.explain(fs, err)
	v := reflect.ValueOf(p.into).Elem()
	for _, f := range fs {
		if slices.ContainsFunc(r.variables, func(had Variable) bool { return had.Name == f.variable }) {
			continue
		}
		_, set := r.env[f.variable]
		r.variables = append(r.variables, Variable{
			Name: f.variable, Value: show(v.Field(f.index)), Default: f.standard, About: f.about,
			Set: set, Secret: f.secret(), File: f.filed(), implied: f.implied,
		})
	}
}

// explain turns what env says into faults that begin with the variable.
func (r *reader) explain(fs []field, err error) {
	if err == nil {
		return
	}
	all, ok := errors.AsType[env.AggregateError](err)
	if !ok {
		r.faults = append(r.faults, err.Error())
		return
	}
	for _, e := range all.Errors {
		pe, ok := errors.AsType[env.ParseError](e)
		i := slices.IndexFunc(fs, func(f field) bool { return ok && f.goName == pe.Name })
		if i < 0 {
			r.faults = append(r.faults, e.Error())
			continue
		}
		f := fs[i]
		if !r.broken[f.variable] {
			r.broken[f.variable] = true
			r.faults = append(r.faults, f.variable+": "+complaint(f, r.env[f.variable], pe.Err))
		}
	}
}

// addFaults adds faults about variables that could be read.
func (r *reader) addFaults(faults []string) {
	for _, f := range faults {
		variable, _, _ := strings.Cut(f, ":")
		if !r.broken[variable] {
			r.faults = append(r.faults, f)
		}
	}
}

func complaint(f field, value string, err error) string {
	switch {
	case f.secret():
		return "it cannot be read"
	case f.typ.Kind() == reflect.Bool:
		return fmt.Sprintf("%q is neither true nor false", value)
	case f.typ.Kind() == reflect.Int:
		return fmt.Sprintf("%q is no whole number", value)
	case f.typ == reflect.TypeFor[float64]():
		return fmt.Sprintf("%q is no number", value)
	}
	return err.Error()
}

// show writes a value as its variable would, secrets masked.
func show(v reflect.Value) string {
	switch x := v.Interface().(type) {
	case time.Duration:
		return formatDuration(x)
	case []string:
		return strings.Join(x, ",")
	case fmt.Stringer:
		return x.String()
	default:
		return fmt.Sprint(x)
	}
}

// warnings returns what deserves a line and is no fault.
func (r *reader) warnings() []string {
	var unknown []string
	for name := range r.env {
		if !r.known[name] {
			unknown = append(unknown, name+": there is no such variable"+r.suggest(name))
		}
	}
	slices.Sort(unknown)
	return append(slices.Clone(r.warned), unknown...)
}

// suggest names the variable that was probably meant, if one is near.
func (r *reader) suggest(name string) string {
	best, least := "", len(name)/4+1
	for known := range r.known {
		if d := distance(name, known); d < least || d == least && known < best {
			best, least = known, d
		}
	}
	if best == "" {
		return ""
	}
	return "; is it " + best + "?"
}

// distance is how many letters must be put in, taken out or changed to make b
// of a.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

package openapi

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

//go:embed page.html
var pageHTML string

// Style is the style sheet of a Page.
//
//go:embed page.css
var Style []byte

var pageTemplate = template.Must(template.New("page").Parse(pageHTML))

// Page is the document for people: one page of HTML without any script, that
// loads nothing but the style sheet at the path given.
func (s Spec) Page(style string) ([]byte, error) {
	b := s.build()
	v := pageView{Spec: s, Style: style}
	for _, t := range s.Tags {
		group := groupView{Tag: t}
		for _, o := range s.Operations {
			if o.Tag == t.Name {
				group.Operations = append(group.Operations, b.operationView(o))
			}
		}
		v.Groups = append(v.Groups, group)
	}
	for _, name := range slices.Sorted(maps.Keys(b.types.Map())) {
		v.Types = append(v.Types, typeOf(name, b.types.Map()[name]))
	}
	var out bytes.Buffer
	if err := pageTemplate.Execute(&out, v); err != nil {
		return nil, fmt.Errorf("write page: %w", err)
	}
	return out.Bytes(), nil
}

type pageView struct {
	Spec
	Style  string
	Groups []groupView
	Types  []typeView
}

type groupView struct {
	Tag
	Operations []operationView
}

type operationView struct {
	Operation
	Params []memberView
	Reads  []contentView
	Gives  []answerView
}

type answerView struct {
	Status, About string
	Content       []contentView
}

type contentView struct {
	Media string
	Type  kindView
}

type typeView struct {
	Name    string
	Members []memberView
}

// memberView is a parameter or a member of an object.
type memberView struct {
	Name, In, About string
	Required        bool
	Type            kindView
}

// kindView says what a value is: words, a type of ours, and words again.
type kindView struct{ Before, Type, After string }

func (b *builder) operationView(o Operation) operationView {
	op := b.doc.Paths[o.Path]
	var described *huma.Operation
	for _, one := range []*huma.Operation{op.Get, op.Post, op.Put, op.Delete} {
		if one != nil && one.Method == o.Method {
			described = one
		}
	}
	v := operationView{Operation: o}
	for _, p := range described.Parameters {
		v.Params = append(v.Params, memberView{Name: p.Name, In: p.In, About: p.Description, Required: p.Required, Type: kindOf(p.Schema)})
	}
	if r := described.RequestBody; r != nil {
		v.Reads = contentOf(r.Content)
	}
	for _, status := range slices.Sorted(maps.Keys(described.Responses)) {
		r := described.Responses[status]
		if n, err := strconv.Atoi(status); err != nil || n < 100 {
			status = "else"
		}
		v.Gives = append(v.Gives, answerView{Status: status, About: r.Description, Content: contentOf(r.Content)})
	}
	return v
}

func contentOf(all map[string]*huma.MediaType) []contentView {
	var views []contentView
	for _, media := range slices.Sorted(maps.Keys(all)) {
		v := contentView{Media: media, Type: kindOf(all[media].Schema)}
		if v.Type.Type == "" {
			v.Type = kindView{}
		}
		views = append(views, v)
	}
	return views
}

func typeOf(name string, s *huma.Schema) typeView {
	v := typeView{Name: name}
	for _, member := range slices.Sorted(maps.Keys(s.Properties)) {
		p := s.Properties[member]
		v.Members = append(v.Members, memberView{
			Name: member, About: p.Description, Required: slices.Contains(s.Required, member), Type: kindOf(p),
		})
	}
	return v
}

func kindOf(s *huma.Schema) kindView {
	switch {
	case s.Ref != "":
		return kindView{Type: strings.TrimPrefix(s.Ref, schemas)}
	case len(s.AnyOf) > 0:
		return orNull(kindOf(s.AnyOf[0]), true)
	case s.Type == huma.TypeArray:
		k := kindOf(s.Items)
		return orNull(kindView{Before: "list of " + k.Before, Type: k.Type, After: k.After}, s.Nullable)
	case s.Type == "":
		return kindView{Before: "any JSON"}
	case len(s.Enum) > 0:
		words := make([]string, len(s.Enum))
		for i, w := range s.Enum {
			words[i] = fmt.Sprint(w)
		}
		return orNull(kindView{Before: strings.Join(words, " | ")}, s.Nullable)
	case s.Format == "date-time":
		return orNull(kindView{Before: "time"}, s.Nullable)
	}
	return orNull(kindView{Before: s.Type}, s.Nullable)
}

func orNull(k kindView, null bool) kindView {
	if null {
		k.After += " or null"
	}
	return k
}

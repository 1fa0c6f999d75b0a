package openapi

import "github.com/danielgtaylor/huma/v2"

// Param is a parameter of the query or, after InHeader, a header.
type Param struct {
	name, in, about string
	required, many  bool
	schema          *huma.Schema
}

// Text is any text.
func Text(name, about string) Param {
	return Param{name: name, in: "query", about: about, schema: &huma.Schema{Type: huma.TypeString}}
}

// Flag is true or false.
func Flag(name, about string) Param {
	return Param{name: name, in: "query", about: about, schema: &huma.Schema{Type: huma.TypeBoolean, Default: false}}
}

// Count is a whole number from 1 on; most bounds it, 0: nothing does.
func Count(name, about string, most int) Param {
	s := &huma.Schema{Type: huma.TypeInteger, Minimum: new(1.0)}
	if most > 0 {
		s.Maximum = new(float64(most))
	}
	return Param{name: name, in: "query", about: about, schema: s}
}

// Number is a decimal number.
func Number(name, about string) Param {
	return Param{name: name, in: "query", about: about, schema: &huma.Schema{Type: huma.TypeNumber}}
}

// Choice is one of some words.
func Choice(name, about string, words ...string) Param {
	p := Text(name, about)
	for _, w := range words {
		p.schema.Enum = append(p.schema.Enum, w)
	}
	return p
}

// Many lets the parameter be given several times.
func (p Param) Many() Param {
	p.many = true
	return p
}

// Required is a parameter that must be there.
func (p Param) Required() Param {
	p.required = true
	return p
}

// InHeader is the parameter as a header.
func (p Param) InHeader() Param {
	p.in = "header"
	return p
}

func (p Param) param() *huma.Param {
	out := &huma.Param{Name: p.name, In: p.in, Description: p.about, Required: p.required, Schema: p.schema}
	if p.many {
		out.Schema = &huma.Schema{Type: huma.TypeArray, Items: p.schema}
		out.Explode = new(true)
	}
	return out
}

// Package openapi describes an HTTP API in OpenAPI 3.1, by the Go types that
// its handlers read and write.
//
// The document is built by huma, and only that: requests are read and answered
// by the handlers themselves. Huma would answer errors in a form that a program
// can change only as a whole, and quote in them the value that is wrong, which
// may be somebody's plate; a parameter given twice it would let pass.
package openapi

import "net/http"

// Spec is an API to be described.
type Spec struct {
	Title, Version, About string
	Tags                  []Tag
	// Types says what a type that writes itself looks like: values by example,
	// each by the value of another type that comes out the same.
	Types []Alias
	// Enums lists what the values of types can be.
	Enums []Enum
	// Problem is an error as it is sent, by example.
	Problem any
	// Key says what is shown as the bearer token.
	Key        string
	Operations []Operation
}

// Tag groups operations.
type Tag struct{ Name, About string }

// Alias has a type described like another one.
type Alias struct{ Type, As any }

// Enum lists the values of a type of strings.
type Enum struct {
	Type   any
	Values []string
}

// Operation is one method of one path.
type Operation struct {
	Method, Path string
	// ID is what generated clients call it.
	ID, Tag string
	// Summary is one line, About the rest; it may be empty.
	Summary, About string
	// Params are those of the query and of headers. Those of the path, which
	// are all text, follow from Path.
	Params []Param
	// Body is nil where there is none.
	Body    *Body
	Answers []Answer
	// Scope is what the key must have; empty: no key is needed.
	Scope string
	// Bare: errors are a status alone, not a problem.
	Bare bool
}

// Pattern is the operation as http.ServeMux has it.
func (o Operation) Pattern() string { return o.Method + " " + o.Path }

// Body is what an operation reads.
type Body struct {
	Required bool
	Content  []Content
}

// Content is a body in one media type. Its Type is given by example; nil: text
// or bytes.
type Content struct {
	Media string
	Type  any
}

// Answer is a success of an operation.
type Answer struct {
	Status  int
	About   string
	Content []Content // empty: it has no body
}

// JSON is a body that must be JSON of v's type.
func JSON(v any) *Body { return &Body{Required: true, Content: []Content{{mediaJSON, v}}} }

// MayJSON is JSON that may be left out.
func MayJSON(v any) *Body { return &Body{Content: []Content{{mediaJSON, v}}} }

// OK is the answer of an operation that has only one, JSON of v's type.
func OK(about string, v any) []Answer {
	return []Answer{{Status: http.StatusOK, About: about, Content: []Content{{mediaJSON, v}}}}
}

const (
	mediaJSON    = "application/json"
	mediaProblem = "application/problem+json"
)

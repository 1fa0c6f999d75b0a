package api

import (
	"net/http"

	"github.com/plateq/plateq/internal/openapi"
)

// describe answers with the document of all routes.
func (s *server) describe(w http.ResponseWriter, r *http.Request) error {
	if err := newQuery(r).err(); err != nil {
		return err
	}
	text, err := s.document()
	if err != nil {
		return err
	}
	give(w, typeJSON, text)
	return nil
}

// stylePath is relative to the page, which may stand behind a proxy's prefix.
const stylePath = "docs.css"

// describePage answers with the document for people.
func (s *server) describePage(w http.ResponseWriter, _ *http.Request) error {
	text, err := s.page()
	if err != nil {
		return err
	}
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	give(w, typeHTML, text)
	return nil
}

func (s *server) describeStyle(w http.ResponseWriter, _ *http.Request) error {
	give(w, typeCSS, openapi.Style)
	return nil
}

const (
	typeHTML = "text/html"
	typeCSS  = "text/css"
)

// give answers with text that is the same for everybody as long as the process
// lives.
func give(w http.ResponseWriter, media string, text []byte) {
	w.Header().Set("Content-Type", media+"; charset=utf-8")
	w.Header().Set("Cache-Control", "no-cache")
	_, _ = w.Write(text) // a client that left cannot be told so
}

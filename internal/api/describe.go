package api

import "net/http"

// describe answers with the document of all routes.
func (s *server) describe(w http.ResponseWriter, r *http.Request) error {
	if err := newQuery(r).err(); err != nil {
		return err
	}
	text, err := s.document()
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", typeJSON)
	_, _ = w.Write(text) // a client that left cannot be told so
	return nil
}

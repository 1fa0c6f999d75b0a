package api

import "net/http"

// health is the answer of what is well.
type health struct {
	Status string `json:"status"`
}

// healthz says that the process answers.
func (s *server) healthz(w http.ResponseWriter, _ *http.Request) error {
	return writeJSON(w, http.StatusOK, health{Status: "ok"})
}

// readyz says whether what the process stands on is there.
func (s *server) readyz(w http.ResponseWriter, r *http.Request) error {
	errs := s.Ready(r.Context())
	if len(errs) == 0 {
		return writeJSON(w, http.StatusOK, health{Status: "ok"})
	}
	p := problem(http.StatusServiceUnavailable, "not_ready", "not all that is needed is there").again(laterOn)
	for _, err := range errs {
		p.Errors = append(p.Errors, FieldError{Field: "ready", Detail: err.Error()})
	}
	return p
}

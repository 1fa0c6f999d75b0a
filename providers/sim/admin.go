package sim

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
)

func (s *Server) adminRoutes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /_sim/ledger", s.getLedger)
	mux.HandleFunc("GET /_sim/charges", func(w http.ResponseWriter, r *http.Request) { writeJSON(w, s.Charges(r.URL.Query()["provider"]...)) })
	mux.HandleFunc("GET /_sim/stats", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, s.Stats()) })
	mux.HandleFunc("GET /_sim/faults", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, s.Faults()) })
	mux.HandleFunc("POST /_sim/faults", s.postFaults)
	mux.HandleFunc("DELETE /_sim/faults", s.deleteFaults)
	mux.HandleFunc("GET /_sim/accounts", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, s.Accounts()) })
	mux.HandleFunc("POST /_sim/accounts", s.postAccount)
	return mux
}

func (s *Server) getLedger(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/x-ndjson")
	enc := json.NewEncoder(w)
	for _, c := range s.Ledger() {
		if err := enc.Encode(c); err != nil {
			return // the client has left
		}
	}
}

// postFaults sets one fault or a list of them; of a list that holds a bad one, none.
func (s *Server) postFaults(w http.ResponseWriter, r *http.Request) {
	body, err := readAdmin(r)
	if err != nil {
		badRequest(w, err)
		return
	}
	if bytes.HasPrefix(body, []byte("{")) {
		body = fmt.Appendf(nil, "[%s]", body)
	}
	var faults []Fault
	if err := strict(body, &faults); err != nil {
		badRequest(w, fmt.Errorf("decode faults: %w", err))
		return
	}
	for _, f := range faults {
		if _, err := arm(f); err != nil {
			badRequest(w, err)
			return
		}
	}
	for _, f := range faults {
		_ = s.SetFault(f) // armed above
	}
	writeJSON(w, s.Faults())
}

func (s *Server) deleteFaults(w http.ResponseWriter, r *http.Request) {
	s.ClearFaults(r.URL.Query()["name"]...)
	writeJSON(w, s.Faults())
}

// postAccount changes the fields that are given of the account of that name.
func (s *Server) postAccount(w http.ResponseWriter, r *http.Request) {
	body, err := readAdmin(r)
	if err == nil {
		err = s.patchAccount(body)
	}
	if err != nil {
		badRequest(w, err)
		return
	}
	writeJSON(w, s.Accounts())
}

func (s *Server) patchAccount(body []byte) error {
	var v Account
	if err := strict(body, &v); err != nil {
		return fmt.Errorf("decode account: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	v = v.complete()
	if a := s.accountNamed(v.Provider, v.Name); a != nil {
		v = a.Account
		v.Endpoints = maps.Clone(a.Endpoints)
		if err := strict(body, &v); err != nil {
			return fmt.Errorf("decode account: %w", err)
		}
	}
	return s.setAccount(v)
}

func readAdmin(r *http.Request) ([]byte, error) {
	body, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, 1<<20))
	if err != nil {
		return nil, fmt.Errorf("read body: %w", err)
	}
	return bytes.TrimSpace(body), nil
}

// strict decodes JSON and refuses fields that v does not have.
func strict(data []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("more after the value")
	}
	return nil
}

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // the client has left
}

func badRequest(w http.ResponseWriter, err error) {
	http.Error(w, err.Error(), http.StatusBadRequest)
}

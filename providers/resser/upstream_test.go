package resser_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/providers/resser"
)

// key is a canary: it may turn up in no error.
const key = "Key canary-resser-key"

var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

func config(baseURL string) resser.Config {
	return resser.Config{BaseURL: baseURL, AuthHeader: "X-Api-Key", AuthValue: key}
}

func newProvider(t testing.TB, cfg resser.Config) *resser.Provider {
	t.Helper()
	p, err := resser.New(cfg, resser.Options{Now: func() time.Time { return noon }})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// ask submits requests through a set.
func ask(t testing.TB, p providers.Provider, reqs ...providers.Request) []providers.Outcome {
	t.Helper()
	set, err := providers.NewSet(p)
	if err != nil {
		t.Fatal(err)
	}
	outs, err := set.Submit(t.Context(), resser.Name, reqs)
	if err != nil {
		t.Fatal(err)
	}
	return outs
}

// requests are about vehicles, each given as "VIN PLATE".
func requests(vehicles ...string) []providers.Request {
	reqs := make([]providers.Request, len(vehicles))
	for i, v := range vehicles {
		vin, plate, _ := strings.Cut(v, " ")
		reqs[i] = providers.Request{Ref: fmt.Sprintf("r%d", i), Subject: providers.Subject{providers.VIN: vin, providers.Plate: plate}}
	}
	return reqs
}

// fleet are vehicles that upstream knows: the last digit of the plate says
// what became of each.
func fleet() []providers.Request {
	return requests("3N1AB7AP0KY000000 ABC1230", "3N1AB7AP0KY000001 ABC1231", "3N1AB7AP0KY000002 ABC1232", "3N1AB7AP0KY000003 ABC1233")
}

// answering returns the URL of a server that gives one answer to all.
func answering(t testing.TB, status int, body string) string {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}))
	t.Cleanup(srv.Close)
	return srv.URL
}

type asked struct {
	Vehicles []struct{ VIN, Plate string }
}

// upstream is a small well-behaved Resser.
func upstream(w http.ResponseWriter, r *http.Request) {
	var q asked
	err := json.NewDecoder(r.Body).Decode(&q)
	switch {
	case r.URL.Path != "/api/batch/scraping/" || r.Method != http.MethodGet:
		w.WriteHeader(http.StatusNotFound)
	case r.Header.Get("X-Api-Key") != key:
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = io.WriteString(w, refusal("unauthorize", "Unauthorize", "The requester is not allowed to use this request."))
	case err != nil || len(q.Vehicles) == 0:
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, refusal("badRequest", "BadRequest", "You must specify at least one vehicle."))
	default:
		var known []string
		for _, v := range q.Vehicles {
			var info string
			switch v.Plate[len(v.Plate)-1] {
			case '1': // never processed
				continue
			case '2':
				info = entry(v.VIN, v.Plate, 12, "")
			case '3':
				info = entry(v.VIN, v.Plate, 12, "") + "," + entry(v.VIN, v.Plate, 13, "completed")
			default:
				info = entry(v.VIN, v.Plate, 1, "completed")
			}
			known = append(known, fmt.Sprintf(`{"vin":%q,"plate":%q,"info":[%s]}`, v.VIN, v.Plate, info))
		}
		_, _ = fmt.Fprintf(w, `{"vehicleData":[%s]}`, strings.Join(known, ","))
	}
}

// entry is one of info; without a status it was processed with errors.
func entry(vin, plate string, resource int, status string) string {
	if status != "" {
		status = fmt.Sprintf(`"status":%q,`, status)
	}
	return fmt.Sprintf(`{"_id":"%d-%s-%s","plate":%q,"vin":%q,"resourceId":%d,%s"result":[{"folio":"F-1","monto":"350.00"}],`+
		`"creationDateTime":"2026-01-01T10:00:00Z","finishedDateTime":"2026-01-01T10:02:00Z"}`, resource, vin, plate, plate, vin, resource, status)
}

// refusal is an error with the words of the document. Under which members they
// stand is not documented.
func refusal(kind, detail, description string) string {
	return fmt.Sprintf(`{"error":{"type":%q,"detail":%q,"description":%q}}`, kind, detail, description)
}

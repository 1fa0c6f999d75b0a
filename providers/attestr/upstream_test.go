package attestr_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/providers/attestr"
)

// Canaries: they may turn up in no error.
const (
	token  = "Y2FuYXJ5LXRva2Vu"
	secret = "canary-client-secret"
)

var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

func config(baseURL string) attestr.Config {
	return attestr.Config{BaseURL: baseURL, AuthToken: token, ClientSecret: secret, WebhookToken: "canary-webhook"}
}

func newProvider(t testing.TB, cfg attestr.Config) *attestr.Provider {
	t.Helper()
	p, err := attestr.New(cfg, attestr.Options{Now: func() time.Time { return noon }})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func newSet(t testing.TB, p providers.Provider) *providers.Set {
	t.Helper()
	s, err := providers.NewSet(p)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func requests(plates ...string) []providers.Request {
	reqs := make([]providers.Request, len(plates))
	for i, plate := range plates {
		reqs[i] = providers.Request{Ref: fmt.Sprintf("r%d", i), Subject: providers.Subject{providers.Plate: plate}}
	}
	return reqs
}

// upstream is a small well-behaved Attestr: a record is INITIATED when it is
// first listed and answered when it is listed again.
type upstream struct {
	mu      sync.Mutex
	batches map[string][]string // plates by id
	listed  map[string]int      // by id and plate
}

func newUpstream() http.Handler {
	u := &upstream{batches: map[string][]string{}, listed: map[string]int{}}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /api/v2/public/batchx", u.submit)
	mux.HandleFunc("POST /api/v2/public/batchx/{id}/items", u.items)
	return mux
}

func (u *upstream) submit(w http.ResponseWriter, r *http.Request) {
	u.mu.Lock()
	defer u.mu.Unlock()
	var body struct {
		Type  string
		Items []struct{ Reg string }
	}
	if json.NewDecoder(r.Body).Decode(&body) != nil || body.Type != "RC_MOBILE" || len(body.Items) == 0 {
		fault(w, 400, 4001)
		return
	}
	id := fmt.Sprintf("b%d", len(u.batches)+1)
	for _, i := range body.Items {
		u.batches[id] = append(u.batches[id], i.Reg)
	}
	_, _ = fmt.Fprintf(w, `{"_id":%q,"number":"N-1"}`, id)
}

func (u *upstream) items(w http.ResponseWriter, r *http.Request) {
	u.mu.Lock()
	defer u.mu.Unlock()
	var q struct {
		Skip  int `json:"$skip"`
		Limit int `json:"$limit"`
	}
	id := r.PathValue("id")
	plates, ok := u.batches[id]
	if json.NewDecoder(r.Body).Decode(&q) != nil || !ok {
		fault(w, 400, 4001)
		return
	}
	plates = plates[min(q.Skip, len(plates)):min(q.Skip+q.Limit, len(plates))]
	records := make([]string, len(plates))
	for i, plate := range plates {
		u.listed[id+plate]++
		records[i] = listing(id, plate, u.listed[id+plate] > 1)
	}
	_, _ = fmt.Fprint(w, page(records...))
}

func listing(batch, plate string, final bool) string {
	if !final {
		return record(batch, plate, "INITIATED", "null")
	}
	switch plate[len(plate)-1] {
	case '1':
		return record(batch, plate, "COMPLETED", `{"valid":false,"status":"NOT_FOUND","contact":null}`)
	case '2':
		return record(batch, plate, "ERRORED", "null")
	default:
		return record(batch, plate, "COMPLETED", `{"valid":true,"status":"VALID_FOUND","contact":"9800000010"}`)
	}
}

// record writes plate as a provider might: with blanks, in lower case.
func record(batch, plate, status, output string) string {
	reg := strings.ToLower(plate[:2]) + " " + plate[2:]
	return fmt.Sprintf(`{"_id":"i-%s","requestId":"q","batchId":%q,"number":"N","status":%q,"input":{"reg":%q},"output":%s}`,
		plate, batch, status, reg, output)
}

func page(records ...string) string {
	return fmt.Sprintf(`{"recordsFiltered":%d,"data":[%s]}`, len(records), strings.Join(records, ","))
}

func fault(w http.ResponseWriter, status, code int) {
	w.WriteHeader(status)
	_, _ = fmt.Fprint(w, envelope(code))
}

func envelope(code int) string {
	return fmt.Sprintf(`{"code":%d,"message":"Words of Attestr","details":"about DL01AA1000"}`, code)
}

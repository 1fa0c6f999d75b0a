package sim_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/plateq/plateq/providers/sim"
)

// clock is a time that only the test moves.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

// newClock starts at noon in Kolkata, so that no test meets the reset unless it means to.
func newClock() *clock { return &clock{t: time.Date(2026, 11, 21, 6, 30, 0, 0, time.UTC)} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

// upstream is a stand-in behind a real listener, with a client that knows its wire format.
type upstream struct {
	*sim.Server
	url   string
	hc    *http.Client
	token string
}

func start(t *testing.T, opts sim.Options) *upstream {
	t.Helper()
	srv, err := sim.New(opts)
	if err != nil {
		t.Fatalf("new stand-in: %v", err)
	}
	ts := httptest.NewServer(srv.Handler())
	t.Cleanup(func() {
		if err := srv.Close(); err != nil {
			t.Errorf("close stand-in: %v", err)
		}
		ts.Close()
	})
	hc := &http.Client{
		Transport:     &http.Transport{},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	t.Cleanup(hc.CloseIdleConnections)
	return &upstream{Server: srv, url: ts.URL, hc: hc, token: sim.DefaultToken}
}

// answer is what a request got: body as far as it came, and the error of the transport.
type answer struct {
	status int
	header http.Header
	body   []byte
	err    error
}

func (u *upstream) do(t *testing.T, method, path string, body []byte) answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, u.url+path, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Basic "+u.token)
	return u.send(req)
}

func (u *upstream) send(req *http.Request) answer {
	resp, err := u.hc.Do(req)
	if err != nil {
		return answer{err: err}
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	return answer{resp.StatusCode, resp.Header, data, err}
}

const batchx = "/attestr/api/v2/public/batchx"

func submitBody(plates ...string) []byte {
	type item struct {
		Reg string `json:"reg"`
	}
	items := make([]item, len(plates))
	for i, p := range plates {
		items[i].Reg = p
	}
	body, _ := json.Marshal(map[string]any{"type": "RC_MOBILE", "items": items})
	return body
}

func (u *upstream) submit(t *testing.T, plates ...string) answer {
	t.Helper()
	return u.do(t, http.MethodPost, batchx, submitBody(plates...))
}

func (u *upstream) items(t *testing.T, id string, skip, limit int) answer {
	t.Helper()
	return u.do(t, http.MethodPost, batchx+"/"+id+"/items", fmt.Appendf(nil, `{"$skip":%d,"$limit":%d}`, skip, limit))
}

// mustSubmit submits, wants success and returns the batch's id.
func (u *upstream) mustSubmit(t *testing.T, plates ...string) string {
	t.Helper()
	a := u.submit(t, plates...)
	var v struct {
		ID     string `json:"_id"`
		Number string `json:"number"`
	}
	a.into(t, &v)
	if v.ID == "" || v.Number == "" {
		t.Fatalf("submit: got %s, want _id and number", a.body)
	}
	return v.ID
}

type record struct {
	ID        string `json:"_id"`
	RequestID string `json:"requestId"`
	BatchID   string `json:"batchId"`
	Number    string `json:"number"`
	Status    string `json:"status"`
	Input     struct {
		Reg string `json:"reg"`
	} `json:"input"`
	Output *struct {
		Valid   bool    `json:"valid"`
		Status  string  `json:"status"`
		Contact *string `json:"contact"`
	} `json:"output"`
}

// mustItems reads a page and wants success.
func (u *upstream) mustItems(t *testing.T, id string, skip, limit int) []record {
	t.Helper()
	var v struct {
		RecordsFiltered int      `json:"recordsFiltered"`
		Data            []record `json:"data"`
	}
	u.items(t, id, skip, limit).into(t, &v)
	if v.RecordsFiltered != len(v.Data) {
		t.Errorf("recordsFiltered: got %d, want %d", v.RecordsFiltered, len(v.Data))
	}
	return v.Data
}

func (a answer) into(t *testing.T, v any) {
	t.Helper()
	if a.err != nil || a.status != http.StatusOK {
		t.Fatalf("got status %d, body %.200s, error %v; want 200", a.status, a.body, a.err)
	}
	if err := json.Unmarshal(a.body, v); err != nil {
		t.Fatalf("decode %.200s: %v", a.body, err)
	}
}

// wantCode wants the provider's envelope with this code and the status that belongs to it.
func (a answer) wantCode(t *testing.T, code int) {
	t.Helper()
	var v struct {
		Code    int    `json:"code"`
		Message string `json:"message"`
	}
	if a.err != nil {
		t.Fatalf("got error %v, want code %d", a.err, code)
	}
	if err := json.Unmarshal(a.body, &v); err != nil {
		t.Fatalf("decode %.200s: %v", a.body, err)
	}
	if v.Code != code || a.status != code/10 || v.Message == "" {
		t.Errorf("got status %d, body %s; want code %d", a.status, a.body, code)
	}
}

// plates invents n different plates.
func plates(n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf("KA%02dZZ%04d", i/10000%100, i%10000)
	}
	return out
}

func states(rows []record) map[string]int {
	n := map[string]int{}
	for _, r := range rows {
		n[r.Status]++
	}
	return n
}

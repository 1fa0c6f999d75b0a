package client_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/plateq/plateq/client"
)

// server answers the nth request with the nth of answers, the last one again
// and again, and counts.
func server(t *testing.T, answers ...http.HandlerFunc) (*client.Client, *atomic.Int32) {
	t.Helper()
	var n atomic.Int32
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		i := min(int(n.Add(1)), len(answers))
		answers[i-1](w, r)
	}))
	t.Cleanup(srv.Close)
	c, err := client.New(srv.URL, client.Options{APIKey: "plq_1_secret"})
	if err != nil {
		t.Fatal(err)
	}
	return c, &n
}

func status(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
}

func text(s string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, s) }
}

func hangUp(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

func TestOnlyRequestsThatChangeNothingAreRepeated(t *testing.T) {
	t.Parallel()
	ok := text(`{"id":"b_1"}`)
	for _, tt := range []struct {
		name    string
		answers []http.HandlerFunc
		tries   int32
		fails   bool
	}{
		{"at once", []http.HandlerFunc{ok}, 1, false},
		{"overloaded", []http.HandlerFunc{status(503), status(429), ok}, 3, false},
		{"broken off", []http.HandlerFunc{hangUp, ok}, 2, false},
		{"never", []http.HandlerFunc{status(502)}, 4, true},
		{"refused", []http.HandlerFunc{status(404)}, 1, true},
		{"our fault", []http.HandlerFunc{status(500)}, 1, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c, n := server(t, tt.answers...)
			b, err := c.Batch(t.Context(), "b_1")
			if (err != nil) != tt.fails || n.Load() != tt.tries || !tt.fails && b.ID != "b_1" {
				t.Errorf("got %+v, %v after %d tries; want %d", b, err, n.Load(), tt.tries)
			}
		})
	}
	for _, answer := range []http.HandlerFunc{status(503), hangUp} {
		c, n := server(t, answer)
		_, err := c.Submit(t.Context(), client.SubmitOptions{Provider: "attestr", Format: client.CSV}, io.MultiReader(strings.NewReader("plate\n")))
		if err == nil || n.Load() != 1 {
			t.Errorf("Submit() = %v after %d tries, want an error after 1", err, n.Load())
		}
	}
}

// A list that can be read again is handed in again, whole, under one key.
func TestAListIsHandedInAgainUnderOneKey(t *testing.T) {
	t.Parallel()
	type seen struct{ key, body string }
	all := make(chan seen, 10)
	tell := func(next http.HandlerFunc) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			all <- seen{r.Header.Get("Idempotency-Key"), string(body)}
			next(w, r)
		}
	}
	c, n := server(t, tell(status(503)), tell(hangUp), tell(text(`{"id":"b_1"}`)))
	list := strings.NewReader("left out\nplate\nDL01AA1000\n")
	if _, err := list.Seek(9, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	b, err := c.Submit(t.Context(), client.SubmitOptions{Provider: "attestr", Format: client.CSV}, list)
	if err != nil || b.ID != "b_1" || n.Load() != 3 {
		t.Fatalf("got %+v, %v after %d tries", b, err, n.Load())
	}
	first := <-all
	if first.key == "" || first.body != "plate\nDL01AA1000\n" {
		t.Errorf("sent %+v", first)
	}
	for range 2 {
		if again := <-all; again != first {
			t.Errorf("sent %+v, and then %+v", first, again)
		}
	}
	if _, err := c.SubmitItems(t.Context(), client.SubmitOptions{Provider: "attestr", Key: "order 7"}, nil); err != nil {
		t.Fatal(err)
	}
	if got := <-all; got.key != "order 7" {
		t.Errorf("key %q", got.key)
	}
}

// So is a plate.
func TestAPlateIsLookedUpAgainUnderOneKey(t *testing.T) {
	t.Parallel()
	type seen struct{ key, path, body string }
	all := make(chan seen, 10)
	tell := func(next http.HandlerFunc) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			all <- seen{r.Header.Get("Idempotency-Key"), r.URL.String(), string(body)}
			next(w, r)
		}
	}
	c, n := server(t, tell(hangUp), tell(status(503)), tell(text(`{"batch":{"id":"b_1"}}`)))
	got, err := c.LookUp(t.Context(), client.SubmitOptions{Provider: "attestr"}, client.Item{"plate": "DL01AA1000"}, time.Second)
	if err != nil || got.Batch.ID != "b_1" || n.Load() != 3 {
		t.Fatalf("got %+v, %v after %d tries", got, err, n.Load())
	}
	first := <-all
	if first.key == "" || first.path != "/v1/lookups?wait=1" || !strings.Contains(first.body, "DL01AA1000") {
		t.Errorf("sent %+v", first)
	}
	for range 2 {
		if again := <-all; again != first {
			t.Errorf("sent %+v, and then %+v", first, again)
		}
	}
}

func TestWhatPaysIsRepeatedUnderOneKey(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		answer string
		do     func(*client.Client) (fine bool, err error)
	}{
		"a schedule": {`{"id":"s_1"}`, func(c *client.Client) (bool, error) {
			s, err := c.AddSchedule(t.Context(), client.ScheduleRequest{Batch: "b_1"})
			return s.ID == "s_1", err
		}},
		"its run": {`{"id":"s_1"}`, func(c *client.Client) (bool, error) {
			s, err := c.RunSchedule(t.Context(), "s_1")
			return s.ID == "s_1", err
		}},
		"a retry": {`{"rows":2,"repeated":true,"batch":{"id":"b_1"}}`, func(c *client.Client) (bool, error) {
			r, err := c.Retry(t.Context(), "b_1", client.RetryOptions{})
			return r.Repeated && r.Rows == 2 && r.Batch.ID == "b_1", err
		}},
		"a resend": {`{"calls":1,"rows":2,"repeated":true}`, func(c *client.Client) (bool, error) {
			r, err := c.Resend(t.Context(), client.Decision{Call: 1, Reason: "asked them"})
			return r.Repeated && r.Calls == 1 && r.Rows == 2, err
		}},
	} {
		var keys []string
		note := func(answer http.HandlerFunc) http.HandlerFunc {
			return func(w http.ResponseWriter, r *http.Request) {
				keys = append(keys, r.Header.Get("Idempotency-Key"))
				answer(w, r)
			}
		}
		c, n := server(t, note(hangUp), note(status(503)), note(text(tt.answer)))
		if fine, err := tt.do(c); err != nil || !fine || n.Load() != 3 || keys[0] == "" || keys[0] != keys[1] || keys[0] != keys[2] {
			t.Errorf("%s: its answer was read: %t, %v after %d requests under the keys %q, want that after three under one", name, fine, err, n.Load(), keys)
		}
	}
}

func TestProblemIsReadWhateverComes(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ body, code, text string }{
		{`{"status":422,"title":"Unprocessable Entity","code":"bad_envelope","detail":"2 faults","errors":[{"field":"a","detail":"x"},{"field":"b","detail":"y"}]}`, "bad_envelope", "2 faults; a: x; b: y"},
		{`<html>proxy</html>`, "not_plateq", "the server answered 418 I'm a teapot in a form that is not Plateq's"},
		{``, "not_plateq", "the server answered 418 I'm a teapot in a form that is not Plateq's"},
	} {
		c, _ := server(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "7")
			w.WriteHeader(http.StatusTeapot)
			_, _ = io.WriteString(w, tt.body)
		})
		_, err := c.Pause(t.Context(), "b_1")
		p, ok := errors.AsType[*client.Problem](err)
		if !ok || p.Status != http.StatusTeapot || p.Code != tt.code || err.Error() != tt.text || p.RetryAfter != 7*time.Second {
			t.Errorf("got %+v, %v", p, err)
		}
	}
}

// TestRequestsSayWhatIsWanted, and in the address no more of it than who is
// asked.
func TestRequestsSayWhatIsWanted(t *testing.T) {
	t.Parallel()
	seen := make(chan *http.Request, 1)
	c, _ := server(t, func(w http.ResponseWriter, r *http.Request) {
		seen <- r
		_, _ = io.WriteString(w, "{}")
	})
	list := func() io.Reader { return strings.NewReader("{}\n") }
	o := client.SubmitOptions{
		Provider: "aopay", Format: client.NDJSON, Name: "n", Purpose: "p", Weight: 2, Limit: 3, Fresh: true,
		Columns: []string{"Car"}, Params: map[string]string{"operator": "311", "last_name": "Иванов"}, Metadata: []byte("{}"),
	}
	const options = "column=Car&fresh=true&limit=3&metadata=%7B%7D&name=n&purpose=p&set=last_name%3D%D0%98%D0%B2%D0%B0%D0%BD%D0%BE%D0%B2&set=operator%3D311&weight=2"
	for path, call := range map[string]func(client.SubmitOptions) error{
		"/v1/batches":            func(o client.SubmitOptions) error { _, err := c.Submit(t.Context(), o, list()); return err },
		"/v1/estimates":          func(o client.SubmitOptions) error { _, err := c.Estimate(t.Context(), o, list()); return err },
		"/v1/estimates/problems": func(o client.SubmitOptions) error { return c.Problems(t.Context(), o, list(), client.CSV, io.Discard) },
	} {
		if err := call(o); err != nil {
			t.Fatal(err)
		}
		r := <-seen
		if got, want := r.RequestURI, path+"?options=header&provider=aopay"; got != want {
			t.Errorf("address %q, want %q", got, want)
		}
		if got := r.Header.Get("Plateq-Options"); got != options {
			t.Errorf("options %q, want %q", got, options)
		}
		if got := r.Header.Get("Content-Type"); got != "application/x-ndjson" {
			t.Errorf("Content-Type %q", got)
		}
		if got := r.Header.Get("Authorization"); got != "Bearer plq_1_secret" {
			t.Errorf("Authorization %q", got)
		}
		if err := call(client.SubmitOptions{Provider: "aopay", Format: client.CSV}); err != nil {
			t.Fatal(err)
		}
		if r := <-seen; r.RequestURI != path+"?provider=aopay" || r.Header.Values("Plateq-Options") != nil {
			t.Errorf("without options: %q and %q", r.RequestURI, r.Header.Values("Plateq-Options"))
		}
		o := o
		o.Metadata = []byte(`{"k":"` + strings.Repeat("a", 8000) + `"}`)
		if err := call(o); err == nil || !strings.Contains(err.Error(), "8000 are the most; the longest is metadata") {
			t.Errorf("%s with long options: got %v", path, err)
		}
	}
}

// TestTheSameOptionsAreSentTheSame, as they are another request otherwise, and
// refused under one key.
func TestTheSameOptionsAreSentTheSame(t *testing.T) {
	t.Parallel()
	seen := make(chan string, 1)
	c, _ := server(t, func(w http.ResponseWriter, r *http.Request) {
		seen <- r.Header.Get("Plateq-Options")
		_, _ = io.WriteString(w, "{}")
	})
	all := map[string]bool{}
	for range 20 {
		o := client.SubmitOptions{Provider: "aopay", Format: client.CSV, Params: map[string]string{}}
		for name := range strings.FieldsSeq("a b c d e f g h") {
			o.Params[name] = "x"
		}
		if _, err := c.Submit(t.Context(), o, strings.NewReader("plate\n")); err != nil {
			t.Fatal(err)
		}
		all[<-seen] = true
	}
	if len(all) != 1 {
		t.Errorf("they were sent in %d ways", len(all))
	}
}

// roundTrip answers by itself what a client asks, and says for whom.
type roundTrip func(*http.Request) *http.Response

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r), nil }

// TestAnswersArePackedForTheNetwork wants them as they are from the same
// machine, and leaves it to net/http to ask for packed ones elsewhere.
func TestAnswersArePackedForTheNetwork(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]string{
		"http://127.0.0.1:8080": "identity", "http://localhost/plateq": "identity", "http://[::1]:8080": "identity", "http://127.1.2.3": "identity",
		"http://plateq:8080": "", "https://plateq.example.com": "", "http://10.0.0.1:8080": "", "http://localhost.example.com": "",
	} {
		asked := "nothing"
		c, err := client.New(url, client.Options{HTTPClient: &http.Client{Transport: roundTrip(func(r *http.Request) *http.Response {
			asked = r.Header.Get("Accept-Encoding")
			return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader(`{"id":"b_1"}`)), Request: r}
		})}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Batch(t.Context(), "b_1"); err != nil || asked != want {
			t.Errorf("%s: got %q, %v, want %q", url, asked, err, want)
		}
	}
}

func TestHealthy(t *testing.T) {
	t.Parallel()
	for body, ok := range map[string]bool{`{"status":"ok"}`: true, `{}`: false, `<html>`: false} {
		c, _ := server(t, text(body))
		if err := c.Healthy(t.Context()); (err == nil) != ok {
			t.Errorf("Healthy() with %s = %v", body, err)
		}
	}
}

func TestNewRefusesWhatIsNoURL(t *testing.T) {
	t.Parallel()
	for _, u := range []string{"", "localhost:8080", "ftp://host", "http://", "://"} {
		if _, err := client.New(u, client.Options{}); err == nil {
			t.Errorf("New(%q) succeeded", u)
		}
	}
}

//go:build chaos

package chaos_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/plateq/plateq/providers/sim"
)

// genuine is a webhook of which the provider vouches: a completed record,
// signed.
type genuine struct {
	Event   string         `json:"event"`
	Payload genuinePayload `json:"payload"`
}

type genuinePayload struct {
	ID        string          `json:"_id"`
	RequestID string          `json:"requestId"`
	Status    string          `json:"status"`
	Output    json.RawMessage `json:"output"`
	Signature any             `json:"signature"`
}

func (g genuine) body() []byte {
	b, _ := json.Marshal(g) // it was read as JSON: cannot fail
	return b
}

// signed is g about something else, with the right signature or another one.
func (g genuine) signed(output []byte, secret string) genuine {
	m := hmac.New(sha256.New, []byte(secret))
	m.Write(output)
	g.Payload.Output, g.Payload.Signature = output, hex.EncodeToString(m.Sum(nil))
	return g
}

func (g genuine) shown(signature any) genuine {
	g.Payload.Signature = signature
	return g
}

// tap stands between the provider and Plateq, and keeps the webhooks that pass.
type tap struct {
	*httptest.Server
	to string

	mu   sync.Mutex
	kept []genuine
}

// tapped is a list on its way whose webhooks are kept.
func tapped(t *trial, env ...string) (*world, *tap) {
	p := &tap{}
	p.Server = httptest.NewServer(p)
	t.Cleanup(p.Close)
	g := quick(env...)
	g.hooks, g.hooksTo = true, p.URL
	w := t.build(g)
	p.to = w.hookURL()
	w.goOn()
	return w, p
}

func (p *tap) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	var g genuine
	if json.Unmarshal(body, &g) == nil && g.Event == "async.completed" {
		p.mu.Lock()
		p.kept = append(p.kept, g)
		p.mu.Unlock()
	}
	w.WriteHeader(post(p.to, body, r.Header.Values("Authorization")...))
}

// some waits until n webhooks have passed, and returns them.
func (p *tap) some(t *trial, n int) []genuine {
	t.Helper()
	var some []genuine
	await(t, "webhooks have passed", func() bool {
		p.mu.Lock()
		defer p.mu.Unlock()
		some = slices.Clone(p.kept)
		return len(some) >= n
	})
	return some
}

// rightToken is what the provider shows with a webhook.
const rightToken = "Basic " + sim.DefaultToken

// post brings a webhook; 0: there is no answer.
func post(url string, body []byte, authorization ...string) int {
	req, err := http.NewRequest(http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return 0
	}
	req.Header["Authorization"] = authorization
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, resp.Body) // so that the connection is used again
	return resp.StatusCode
}

// answers brings a webhook that must be answered so.
func (w *world) answers(status int, what string, body []byte, authorization ...string) {
	w.Helper()
	if got := post(w.hookURL(), body, authorization...); got != status {
		w.Errorf("%s: answered with %d, want %d", what, got, status)
	}
}

// strays waits until the list is done and returns how many webhooks are kept
// that came before what they are about.
func (w *world) strays() int {
	w.Helper()
	w.done()
	return w.sql("SELECT count(*) FROM orphans")
}

// unmoved demands that none was added to those.
func (w *world) unmoved(kept int) {
	w.Helper()
	if n := w.strays(); n != kept {
		w.Errorf("%d webhooks are kept, %d were before", n, kept)
	}
}

// hooksForged brings webhooks that do not show what only the provider knows.
func hooksForged(t *trial) {
	w, p := tapped(t)
	all, kept := p.some(t, 20)[:20], w.strays()
	n := 0
	for _, g := range all {
		signature, _ := g.Payload.Signature.(string)
		tokens := map[string][]string{
			"no token":               {},
			"another token":          {"Basic another"},
			"the token in capitals":  {strings.ToUpper(rightToken)},
			"the token and one more": {rightToken, "Basic another"},
			"the token, otherwise":   {"Bearer " + sim.DefaultToken},
			"the first of the token": {rightToken[:len(rightToken)-1]},
		}
		for what, token := range tokens {
			w.answers(http.StatusUnauthorized, what, g.body(), token...)
		}
		signatures := map[string]any{
			"no signature":             nil,
			"an empty signature":       "",
			"half a signature":         signature[:32],
			"a signature in capitals":  strings.ToUpper(signature),
			"a number for a signature": 1,
			"two signatures":           []string{signature, signature},
			"somebody's signature":     g.signed(g.Payload.Output, "somebody's").Payload.Signature,
			"a shorter sum":            signature[:40],
		}
		for what, s := range signatures {
			w.answers(http.StatusUnauthorized, what, g.shown(s).body(), rightToken)
		}
		n += len(tokens) + len(signatures)
	}
	w.unmoved(kept)
	w.account()
	w.nothingUnknown()
	t.more("%d forged, 0 believed", n)
}

// hooksChanged brings webhooks whose signature was right before somebody
// touched them, and then as they were.
func hooksChanged(t *trial) {
	w, p := tapped(t, "PLATEQ_ATTESTR_SIGNED_FORM=raw")
	n, good, kept := 0, p.some(t, 20), w.strays()
	for _, g := range good {
		for what, output := range changed(t, g.Payload.Output) {
			body := bytes.Replace(g.body(), g.Payload.Output, output, 1)
			w.answers(http.StatusUnauthorized, what, body, rightToken)
			n++
		}
		w.answers(http.StatusOK, "as it was", g.body(), rightToken)
	}
	w.unmoved(kept)
	w.account()
	w.nothingUnknown()
	t.more("%d changed, 0 believed; %d as they were, all believed", n, len(good))
}

// changed is JSON that another byte, or other bytes for the same, make of it.
func changed(t *trial, output []byte) map[string][]byte {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(output, &members); err != nil {
		t.Fatal(err)
	}
	var spaced bytes.Buffer
	if err := json.Indent(&spaced, output, "", " "); err != nil {
		t.Fatal(err)
	}
	keys := slices.Sorted(maps.Keys(members))
	slices.Reverse(keys)
	var turned []string
	for _, k := range keys {
		turned = append(turned, `"`+k+`":`+string(members[k]))
	}
	all := map[string][]byte{
		"other spaces":       spaced.Bytes(),
		"keys turned round":  []byte("{" + strings.Join(turned, ",") + "}"),
		"an escaped letter":  bytes.Replace(output, []byte(`"_id"`), []byte(`"\u005fid"`), 1),
		"a member more":      append([]byte(`{"more":1,`), output[1:]...),
		"a space at its end": append(bytes.TrimSuffix(slices.Clone(output), []byte("}")), ' ', '}'),
	}
	if i := bytes.IndexAny(output, "0123456789"); i >= 0 {
		other := slices.Clone(output)
		other[i] = '0' + (other[i]-'0'+1)%10
		all["another digit"] = other
	}
	for what, b := range all {
		if bytes.Equal(b, output) {
			delete(all, what)
		}
	}
	return all
}

// hooksReplayed brings webhooks a thousand times, fifty at once, when their
// list is done: each is taken, and nobody asks the provider again.
func hooksReplayed(t *trial) {
	w, p := tapped(t)
	some, kept := p.some(t, 10), w.strays()
	asked := w.provider.polls()
	bad := together(50, 1000, func(i int) bool { return post(w.hookURL(), some[i%len(some)].body(), rightToken) == http.StatusOK })
	if bad > 0 {
		t.Errorf("%d of 1,000 were not taken", bad)
	}
	w.account()
	w.nothingUnknown()
	w.unmoved(kept)
	t.more("1,000 taken, %d polls over them", w.provider.polls()-asked)
}

// together does something n times, so many at once, and returns how often it
// failed.
func together(width, n int, do func(i int) bool) int {
	var next, failed atomic.Int64
	var wg sync.WaitGroup
	for range width {
		wg.Go(func() {
			for i := int(next.Add(1)); i <= n; i = int(next.Add(1)) {
				if !do(i) {
					failed.Add(1)
				}
			}
		})
	}
	wg.Wait()
	return int(failed.Load())
}

// hooksDoubled brings webhooks that hold two outputs, one of them signed.
func hooksDoubled(t *trial) {
	w, p := tapped(t)
	n, all, kept := 0, p.some(t, 20), w.strays()
	for _, g := range all {
		second := []byte(`,"output":` + strings.Replace(string(g.Payload.Output), "FOUND", "NONE", 1))
		first := append(second[1:len(second):len(second)], ',')
		at := bytes.Index(g.body(), []byte(`"output":`))
		before := slices.Concat(g.body()[:at], first, g.body()[at:])
		behind := bytes.Replace(g.body(), []byte(`,"signature"`), append(second, []byte(`,"signature"`)...), 1)
		for _, body := range [][]byte{before, behind} {
			w.answers(http.StatusBadRequest, "two outputs", body, rightToken)
			n++
		}
	}
	w.unmoved(kept)
	w.account()
	w.nothingUnknown()
	t.more("%d with two outputs, 0 believed", n)
}

// hooksAstray brings webhooks about batches of which nothing is known: they
// are kept, as the answer that names theirs may still be on its way.
func hooksAstray(t *trial) {
	w, p := tapped(t)
	g, before := p.some(t, 1)[0], w.strays()
	for i := range 20 {
		w.answers(http.StatusOK, "about nothing that is known", g.astray(i).body(), rightToken)
	}
	kept := w.strays() - before
	if kept == 0 {
		t.Error("none is kept")
	}
	w.account()
	w.nothingUnknown()
	t.more("%d names kept of 20 webhooks", kept)
}

// astray is a genuine webhook about a record of nobody's.
func (g genuine) astray(i int) genuine {
	id := hex.EncodeToString([]byte{byte(i >> 16), byte(i >> 8), byte(i), 'a', 's', 't', 'r', 'a', 'y'})
	g.Payload.ID, g.Payload.RequestID = "r_"+id, "q_"+id
	output, _ := json.Marshal(map[string]string{"_id": "r_" + id, "requestId": "q_" + id, "batchId": "b_" + id, "status": "COMPLETED"}) // of plain text
	return g.signed(output, sim.DefaultToken)
}

// hooksFlood brings genuine webhooks about nothing as fast as it can while a
// list is on its way. Each is taken or refused for now, and people are served.
func hooksFlood(t *trial) {
	w, p := tapped(t)
	g := p.some(t, 1)[0]
	var count [600]atomic.Int64
	var next atomic.Int64
	over := make(chan struct{})
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			for {
				select {
				case <-over:
					return
				default:
				}
				count[post(w.hookURL(), g.astray(int(next.Add(1))).body(), rightToken)].Add(1)
			}
		})
	}
	lasts := lasting(10*time.Second, time.Minute)
	var took []time.Duration
	for end := time.Now().Add(lasts); time.Now().Before(end); <-time.After(50 * time.Millisecond) {
		began := time.Now()
		if got := w.status("/v1/batches/" + w.id); got != http.StatusOK {
			t.Errorf("a person was answered with %d", got)
		}
		took = append(took, time.Since(began))
	}
	close(over)
	wg.Wait()
	w.mended = time.Now()
	w.account()
	w.nothingUnknown()
	sent, taken, refused := next.Load(), count[http.StatusOK].Load(), count[http.StatusTooManyRequests].Load()+count[http.StatusServiceUnavailable].Load()
	if taken+refused != sent {
		t.Errorf("%d webhooks: %d taken and %d refused for now, and others not answered", sent, taken, refused)
	}
	slices.Sort(took)
	t.more("%d a second for %s, %d %% refused for now; the API answers in %d ms (p99)",
		sent/int64(lasts.Seconds()), lasts, 100*refused/max(sent, 1), took[len(took)*99/100].Milliseconds())
}

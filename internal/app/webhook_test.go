package app_test

import (
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/plateq/plateq/internal/app"
	"github.com/plateq/plateq/providers/sim"
)

const (
	hookToken  = "hook-token"
	hookSecret = "hook-secret"
)

// hooked is what asks for webhooks and believes the stand-in's.
func hooked(env ...string) []string {
	return append(env, "PLATEQ_ATTESTR_WEBHOOK=true", "PLATEQ_ATTESTR_WEBHOOK_TOKEN="+hookToken, "PLATEQ_ATTESTR_CLIENT_SECRET="+hookSecret)
}

// webhooks are sent to url, and a fifth of them twice, a tenth not at all, and
// for each tenth record somebody else sends one.
func webhooks(t *testing.T, url, faults string) sim.Webhooks {
	t.Helper()
	w := sim.Webhooks{URL: url, Token: hookToken, Secret: hookSecret}
	if err := sim.ParseWebhooks(faults, &w); err != nil {
		t.Fatal(err)
	}
	return w
}

const wrong = "dup=0.2,forge=0.1,lost=0.1,lag=50ms"

// freeAddr is an address on which nobody listens yet.
func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// laggard takes a while for each call, and ends the records of a batch all at
// once some time later: what comes in between are polls for nothing.
func laggard() sim.Options {
	return sim.Options{
		Answers:    sim.DefaultAnswers(),
		Completion: sim.Completion{Min: 2 * time.Second, Max: 2 * time.Second},
		Faults:     []sim.Fault{{Name: "slow call", Kind: sim.KindLatency, Where: "submit", For: 600 * time.Millisecond}},
	}
}

// believed demands that nothing forged was, and everything genuine.
func believed(t *testing.T, u upstream) {
	t.Helper()
	got := u.Stats().Webhooks
	t.Logf("webhooks: %+v", got)
	if got.Accepted == 0 || got.Forged == 0 || got.ForgedAccepted > 0 || got.Refused > 0 {
		t.Errorf("webhooks: got %+v, want the genuine ones to be believed and no other", got)
	}
}

// TestWebhooksSparePolls looks the same list up with webhooks and without.
func TestWebhooksSparePolls(t *testing.T) {
	t.Parallel()
	list := plates(800)
	passes := map[string]int{}
	for _, how := range []string{"without webhooks", "with webhooks", "with the output alone"} {
		o, env := laggard(), []string{"PLATEQ_ATTESTR_POLL_MIN=100ms", "PLATEQ_ATTESTR_POLL_MAX=5s", "PLATEQ_ATTESTR_POLL_PRICE=0"}
		if how != "without webhooks" {
			addr := freeAddr(t)
			o.Webhooks = webhooks(t, "http://"+addr+"/hooks/attestr", wrong)
			o.Webhooks.Inner = how == "with the output alone"
			env = hooked(append(env, "PLATEQ_LISTEN="+addr)...)
		}
		u := standIn(t, o)
		d := newDesk(t, u, env...)
		sum, code := d.run(t.Context(), d.runOptions(d.list("in.csv", list), "out.csv"))
		if code != app.ExitPartial { // the stand-in fails some
			t.Fatalf("%s: exit %d", how, code)
		}
		rows := d.out("out.csv")
		by := d.inOrder(rows, list)
		d.answered(u, rows)
		d.check()
		if n := u.chargedTwice(); n > 0 || by["unknown"] > 0 {
			t.Errorf("%s: %d plates were paid for twice, rows %v", how, n, by)
		}
		if how != "without webhooks" {
			believed(t, u)
		}
		passes[how] = sum.Polls
		t.Logf("%s: %d polls of %d batches, rows %v", how, sum.Polls, u.Stats().Batches, by)
	}
	if passes["with webhooks"] >= passes["without webhooks"] {
		t.Errorf("got %v, want fewer polls with webhooks than without", passes)
	}
}

// TestWebhooksOverAFleet lets a proxy bring them from outside to a server,
// while another process polls.
func TestWebhooksOverAFleet(t *testing.T) {
	t.Parallel()
	var inside atomic.Pointer[url.URL]
	proxy := httptest.NewServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(inside.Load())
		r.Out.Host = "plates.example"
	}})
	t.Cleanup(proxy.Close)
	o := brisk()
	o.Webhooks = webhooks(t, proxy.URL+"/hooks/attestr", wrong)
	u := standIn(t, o)
	f := newFleet(t, u, hooked()...)
	f.serve()
	server, err := url.Parse(f.url)
	if err != nil {
		t.Fatal(err)
	}
	inside.Store(server)
	f.spawn("worker")
	f.spawn("scheduler")
	list := plates(600)
	rows := f.await(f.submit(list))
	by := f.inOrder(rows, list)
	f.answered(u, rows)
	f.check()
	if n := u.chargedTwice(); n > 0 {
		t.Errorf("%d plates were paid for twice", n)
	}
	believed(t, u)
	t.Logf("rows %v, %d polls of %d batches", by, u.Stats().Requests["items"], u.Stats().Batches)
}

// TestWebhooksThatNeverCome are not waited for.
func TestWebhooksThatNeverCome(t *testing.T) {
	t.Parallel()
	u := standIn(t, brisk())
	d := newDesk(t, u, hooked("PLATEQ_LISTEN="+freeAddr(t))...)
	list := plates(200)
	if _, code := d.run(t.Context(), d.runOptions(d.list("in.csv", list), "out.csv")); code != app.ExitPartial {
		t.Fatalf("exit %d", code)
	}
	rows := d.out("out.csv")
	d.inOrder(rows, list)
	d.answered(u, rows)
	d.check()
}

// TestARunListensForWebhooksAlone and not at all where none are asked for.
func TestARunListensForWebhooksAlone(t *testing.T) {
	t.Parallel()
	taken, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	u := standIn(t, brisk())
	for name, tc := range map[string]struct {
		env  []string
		want int
	}{
		"without webhooks": {nil, app.ExitPartial},
		"with webhooks":    {hooked(), app.ExitUsage},
	} {
		d := newDesk(t, u, append(tc.env, "PLATEQ_LISTEN="+taken.Addr().String())...)
		if _, code := d.run(t.Context(), d.runOptions(d.list("in.csv", plates(100)), "out.csv")); code != tc.want {
			t.Errorf("%s, where the address is taken: exit %d, want %d", name, code, tc.want)
		}
	}
	d := newDesk(t, u, hooked("PLATEQ_LISTEN=127.0.0.1:0")...)
	a, err := app.Open(t.Context(), d.options(), app.Worker|app.Scheduler|app.Hooks)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	for path, want := range map[string]int{"/v1/batches": http.StatusNotFound, "/readyz": http.StatusNotFound, "/hooks/attestr": http.StatusUnauthorized} {
		rec := httptest.NewRecorder()
		a.Handler().ServeHTTP(rec, httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, strings.NewReader("{}")))
		if rec.Code != want {
			t.Errorf("%s: got %d, want %d", path, rec.Code, want)
		}
	}
}

// TestWebhooksOfARehearsal: the stand-in of --simulate sends them too.
func TestWebhooksOfARehearsal(t *testing.T) {
	t.Parallel()
	d := newDesk(t, upstream{url: "http://127.0.0.1:1/attestr"}, "PLATEQ_ATTESTR_WEBHOOK=true", "PLATEQ_ATTESTR_WEBHOOK_TOKEN=of-the-real-one",
		"PLATEQ_LISTEN="+freeAddr(t))
	o := d.options()
	o.Simulate = true
	if err := runSimulated(t.Context(), o, d.runOptions(d.list("in.csv", plates(50)), "out.csv")); err != nil {
		t.Fatal(err)
	}
	d.inOrder(d.out("out.csv"), plates(50))
	if log := d.log.String(); !strings.Contains(log, "webhooks are signed in this form") {
		t.Errorf("no webhook came:\n%s", log)
	}
}

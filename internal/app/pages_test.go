package app_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/plateq/plateq/client"
	"github.com/plateq/plateq/internal/browsertest"
	"github.com/plateq/plateq/providers/sim"
)

// evil is a text that does something where it is taken for more than text.
const evil = `"><script>alert(1)</script><img src=x onerror=alert(2)>'{{7*7}}`

// site runs a whole service that shows pages, and returns its address and a
// client of it.
func (d *desk) site() (string, *client.Client) {
	d.t.Helper()
	d.env = append(d.env, "PLATEQ_LISTEN=127.0.0.1:0", "PLATEQ_ATTESTR_PRICE=2.50", "PLATEQ_ATTESTR_CURRENCY=INR")
	at, cl, stop := d.upAt()
	d.t.Cleanup(stop)
	return at, cl
}

// clerk is a service with an upstream that answers at once.
func clerk(t *testing.T, env ...string) (*desk, string, *client.Client) {
	t.Helper()
	o := sim.Fast()
	o.Answers = sim.Answers{Found: 90, Blocked: 10}
	d := newDesk(t, standIn(t, o), env...)
	at, cl := d.site()
	return d, at, cl
}

func TestPagesTakeAListFromFileToDownload(t *testing.T) {
	t.Parallel()
	d, at, _ := clerk(t)
	list := "who,plate," + strings.ReplaceAll(evil, ",", "") + "\n"
	list = strings.ReplaceAll(list, `"`, "")
	for _, plate := range plates(30) {
		list += `"` + strings.ReplaceAll(evil, `"`, `""`) + `",` + plate + ",x\n"
	}
	list += "x,<script>alert(3)</script>,x\n"
	file := d.path(`<img src=x onerror=alert(4)>.csv`)
	if err := os.WriteFile(file, []byte(list), 0o600); err != nil {
		t.Fatal(err)
	}
	p := browsertest.Open(t, at, browsertest.Options{})
	p.Go("/new")
	p.Choose("#provider", "attestr")
	p.Fill("#name", evil)
	p.Upload("#file", file)
	p.Click("#go button")
	p.Await("h2", "What it costs")
	p.Await("dd", "75.00 INR")
	p.Accessible()
	p.Click(`button[formaction="/new/problems"]`)
	if got := p.Saved(); !bytes.Contains(got, []byte("alert(3)")) {
		t.Errorf("the file of problems holds %q", got)
	}
	p.Click(`button[formaction="/new/submit"]`)
	p.Await("h1", "<script>alert(1)</script>")
	p.Await("p", "done")
	p.Accessible()
	p.Click(`a[href$="format=csv"]`)
	if got := p.Saved(); bytes.Count(got, []byte("\n")) != 32 || !bytes.Contains(got, []byte(plates(1)[0])) {
		t.Errorf("the file holds %d lines", bytes.Count(got, []byte("\n")))
	}
	p.Click("#rows form[method=post] button")
	p.Await("td", plates(1)[0])
	p.Go("/batches")
	p.Await("th", "<script>alert(1)</script>")
	p.Go("/")
	p.Await("th", "<script>alert(1)</script>")
}

func TestPagesFollowABatchAndSteerIt(t *testing.T) {
	t.Parallel()
	_, at, cl := clerk(t, "PLATEQ_ATTESTR_RATE=2", "PLATEQ_ATTESTR_BATCH_SIZE=2", "PLATEQ_ATTESTR_POLL_MIN=500ms")
	b, err := cl.Submit(t.Context(), client.SubmitOptions{Provider: "attestr", Format: client.CSV}, strings.NewReader("plate\n"+strings.Join(plates(400), "\n")+"\n"))
	if err != nil {
		t.Fatal(err)
	}
	p := browsertest.Open(t, at, browsertest.Options{})
	p.Go("/batches/" + b.ID)
	browsertest.Eval[bool](p, "window.same = true")
	p.Until(`Number(document.querySelector("dd.big").textContent.split(" ")[0]) > 0`)
	if !browsertest.Eval[bool](p, "window.same === true") {
		t.Error("the page was loaded anew")
	}
	p.Click(`form[action$="/pause"] button`)
	p.Await("p", "The batch is paused")
	p.Await("span", "paused")
	p.Click(`form[action$="/resume"] button`)
	p.Await("p", "The batch goes on")
	p.Click(`a[href$="/cancel"]`)
	p.Await("dialog", "It cannot be undone")
	p.Accessible()
	p.Click("dialog [data-close]")
	p.Until(`!document.querySelector("dialog")`)
	p.Click(`a[href$="/cancel"]`)
	p.Click("dialog button.danger")
	p.Await("p", "The batch is cancelled")
	p.Await("span", "cancelled")
}

func TestPagesAreOfTheRoleOfAKey(t *testing.T) {
	t.Parallel()
	_, at, cl := clerk(t)
	admin := newKey(t, at, "", "admin", "submit", "read:pii", "operate")
	reader := newKey(t, at, admin, "read")
	if _, err := cl.Batch(t.Context(), "b_none"); err == nil {
		t.Fatal("a client without a key is let in")
	}
	p := browsertest.Open(t, at, browsertest.Options{})
	p.Go("/batches?state=done")
	p.Await("h1", "Log in")
	p.Accessible()
	p.Fill("#key", "plq_wrong")
	p.Click("main button")
	p.Await("p", "This is no key that counts")
	p.Fill("#key", reader)
	p.Click("main button")
	p.Await("h1", "Batches")
	if at := p.Path(); at != "/batches?state=done" {
		t.Errorf("the login leads to %s", at)
	}
	if text := p.Text(); strings.Contains(text, "New batch") {
		t.Error("whoever only reads is offered to hand lists in")
	}
	p.Go("/new")
	p.Await("h1", "Your key does not allow this")
	if cookie := browsertest.Eval[string](p, "document.cookie"); cookie != "" {
		t.Error("a script can read the session")
	}
	p.Click(".who button")
	p.Await("p", "You are logged out")
	p.Fill("#key", admin)
	p.Click("main button")
	p.Await("a", "New batch")
}

// TestAListIsLookedThroughAgainOnlyWhereItSaysSomethingElse: its name may change
// until it is handed in, and the Enter key looks through it.
func TestAListIsLookedThroughAgainOnlyWhereItSaysSomethingElse(t *testing.T) {
	t.Parallel()
	d, at, _ := clerk(t)
	p := browsertest.Open(t, at, browsertest.Options{})
	p.Go("/new")
	p.Choose("#provider", "attestr")
	p.Upload("#file", d.list("fleet.csv", append(plates(5), "??")))
	p.Fill("#name", "South\r")
	p.Await("h2", "What it costs")
	const mayHandIn = `!document.querySelector('button[formaction="/new/submit"]').disabled`
	stale := func() bool {
		return browsertest.Eval[bool](p, `document.querySelector("[data-stale]").checkVisibility()`)
	}
	p.Click("summary")
	p.Click("[name=fresh]")
	if browsertest.Eval[bool](p, mayHandIn) || !stale() {
		t.Error("what was changed since can be handed in")
	}
	p.Fill("#purpose", "renewals\r")
	p.Until(mayHandIn)
	p.Fill("#name", "North")
	p.Click("#purpose") // so that it is told of the change
	if !browsertest.Eval[bool](p, mayHandIn) || stale() {
		t.Error("a list that has another name has to be looked through again")
	}
	p.Click(`button[formaction="/new/submit"]`)
	p.Await("h1", "North")
}

// newKey makes a key over HTTP and returns what its holder shows.
func newKey(t *testing.T, at, by string, scopes ...string) string {
	t.Helper()
	body, err := json.Marshal(map[string]any{"name": "test", "tenant": "*", "scopes": scopes})
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, at+"/v1/keys", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	if by != "" {
		r.Header.Set("Authorization", "Bearer "+by)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var made struct{ Key string }
	if err := json.NewDecoder(resp.Body).Decode(&made); err != nil || made.Key == "" {
		t.Fatalf("make key: %s, %v", resp.Status, err)
	}
	return made.Key
}

func TestPagesWorkWithoutScripts(t *testing.T) {
	t.Parallel()
	d, at, _ := clerk(t)
	file := d.list("fleet.csv", plates(5))
	p := browsertest.Open(t, at, browsertest.Options{NoScript: true})
	p.Go("/new")
	p.Choose("#provider", "attestr")
	p.Upload("#file", file)
	p.Click("#go button")
	p.Await("h2", "What it costs")
	p.Upload("#file", file)
	p.Click(`button[formaction="/new/submit"]`)
	p.Await("p", "The list is taken in")
	at1 := p.Path()
	p.Go(strings.Split(at1, "?")[0] + "/cancel")
	p.Await("h1", "Cancel")
	p.Go("/lookup")
	p.Choose("#provider", "attestr")
	p.Fill("#plate", "DL01AA1000")
	p.Click("form button.main")
	p.Await("h2", "It costs at most 2.50 INR")
	p.Click(`form[action="/lookup"] button.main`)
	p.Await("p", "Find it again")
}

// Every page, however it is looked at, can be used by everybody.
func TestPagesAreForEverybody(t *testing.T) {
	t.Parallel()
	_, at, cl := clerk(t, "PLATEQ_ATTESTR_RATE=50")
	b, err := cl.Submit(t.Context(), client.SubmitOptions{Provider: "attestr", Format: client.CSV, Name: "Fleet"}, strings.NewReader("plate\n"+strings.Join(plates(60), "\n")+"\n?\n"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := cl.Wait(t.Context(), b.ID, nil); err != nil {
		t.Fatal(err)
	}
	paths := []string{
		"/", "/batches", "/batches?name=nothing", "/batches/" + b.ID, "/batches/" + b.ID + "/retry", "/new", "/lookup", "/unknown", "/providers", "/queues", "/webhooks", "/keys", "/access", "/nowhere",
	}
	for name, o := range map[string]browsertest.Options{
		"light": {}, "dark": {Dark: true}, "phone": {Width: 380, Height: 800}, "dark phone": {Width: 380, Height: 800, Dark: true},
	} {
		t.Run(name, func(t *testing.T) {
			p := browsertest.Open(t, at, o)
			for _, path := range paths {
				p.Go(path)
				p.Accessible()
			}
		})
	}
}

package app_test

import (
	"encoding/json"
	"strconv"
	"strings"
	"testing"

	"github.com/plateq/plateq/client"
	"github.com/plateq/plateq/internal/browsertest"
)

// A list whose provider's gate somebody has closed waits, says so, and goes on
// when somebody opens it.
func TestPagesCloseAndOpenAGate(t *testing.T) {
	t.Parallel()
	_, at, cl := clerk(t)
	p := browsertest.Open(t, at, browsertest.Options{})
	p.Go("/providers")
	p.Click(`a[href="/providers/attestr/close"]`)
	p.Await("dialog", "attestr")
	p.Accessible()
	p.Click("dialog button.danger")
	p.Await("section", "It stays closed until somebody opens it")
	metadata, err := json.Marshal(map[string]string{"desk": evil})
	if err != nil {
		t.Fatal(err)
	}
	b, err := cl.Submit(t.Context(), client.SubmitOptions{
		Provider: "attestr", Format: client.CSV, Name: "Fleet", Metadata: metadata,
	}, strings.NewReader("plate\n"+strings.Join(plates(20), "\n")+"\n"))
	if err != nil {
		t.Fatal(err)
	}
	p.Go("/batches/" + b.ID)
	p.Await("p", "Waits for the gate attestr: by hand")
	p.Accessible()
	p.Go("/providers")
	p.Click(`a[href^="/providers/attestr/open"]`)
	p.Click("dialog button.main")
	p.Await("p", "Its gates are open")
	p.Await("li", "opened")
	p.Go("/batches/" + b.ID)
	p.Await("span", "done")
}

// A key is shown once, counts from then on, and ends when it is revoked.
func TestPagesMakeAndRevokeKeys(t *testing.T) {
	t.Parallel()
	_, at, _ := clerk(t)
	p := browsertest.Open(t, at, browsertest.Options{})
	made := func(name string, scopes ...string) string {
		t.Helper()
		p.Go("/keys")
		p.Fill("#name", name)
		for _, scope := range scopes {
			p.Click(`input[name="scope"][value="` + scope + `"]`)
		}
		p.Click("section.narrow button.main")
		p.Await("code", "plq_")
		if strings.Contains(p.Text(), "There is no API key") {
			t.Error("it is said that there is no key")
		}
		p.Accessible()
		return browsertest.Eval[string](p, `document.querySelector("main code").textContent`)
	}
	admin := made("Admin", "admin", "operate", "read", "submit", "read:pii")
	p.Go("/")
	p.Await("h1", "Log in")
	p.Fill("#key", admin)
	p.Click("main button")
	p.Await("h1", "Overview")
	reader := made(evil, "read")
	p.Go("/keys")
	p.Await("th", "<script>alert(1)</script>")
	if strings.Contains(p.Text(), reader) {
		t.Error("a key is shown a second time")
	}
	p.Accessible()
	second := browsertest.Open(t, at, browsertest.Options{})
	second.Go("/")
	second.Fill("#key", reader)
	second.Click("main button")
	second.Await("h1", "Overview")
	id := strings.Split(reader, "_")[1]
	p.Click(`a[href$="` + id + `/revoke"]`)
	p.Click("dialog button.danger")
	p.Await("span", "revoked")
	second.Go("/")
	second.Await("h1", "Log in")
	p.Go("/access")
	p.Await("td", "key.revoked")
	p.Accessible()
}

func TestPagesSteerAQueue(t *testing.T) {
	t.Parallel()
	_, at, cl := clerk(t, "PLATEQ_ATTESTR_RATE=1", "PLATEQ_ATTESTR_BATCH_SIZE=1")
	_, err := cl.Submit(t.Context(), client.SubmitOptions{Provider: "attestr", Format: client.CSV}, strings.NewReader("plate\n"+strings.Join(plates(200), "\n")+"\n"))
	if err != nil {
		t.Fatal(err)
	}
	p := browsertest.Open(t, at, browsertest.Options{})
	p.Go("/queues")
	p.Await("th", "attestr")
	p.Click(`form[action="/queues/attestr/pause"] button`)
	p.Await("td", "paused")
	p.Accessible()
	p.Click(`form[action="/queues/attestr/resume"] button`)
	p.Await("p", "Tasks of the queue are taken again")
	p.Click(`a[href="/queues/attestr"]`)
	p.Await("h1", "attestr")
	p.Accessible()
}

// Whatever somebody types into whatever field stays text, where it is shown
// again and where it is refused.
func TestPagesTakeNoTextForMore(t *testing.T) {
	t.Parallel()
	_, at, cl := clerk(t)
	b, err := cl.Submit(t.Context(), client.SubmitOptions{Provider: "attestr", Format: client.CSV, Name: evil}, strings.NewReader("plate\n"+plates(1)[0]+"\n"))
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(evil)
	if err != nil {
		t.Fatal(err)
	}
	const typed = `input:not([type=hidden]):not([type=checkbox]):not([type=radio]):not([type=file]):not([type=date]),textarea`
	p := browsertest.Open(t, at, browsertest.Options{})
	fields := 0
	try := func(path string) {
		t.Helper()
		p.Go(path)
		for i := range browsertest.Eval[int](p, "document.forms.length") {
			p.Go(path)
			n := browsertest.Eval[int](p, `[...document.forms[`+strconv.Itoa(i)+`].querySelectorAll("`+typed+`")].map(e => e.value = `+string(text)+`).length`)
			if n == 0 {
				continue
			}
			fields += n
			browsertest.Eval[bool](p, `document.querySelectorAll("h1").forEach(e => e.remove()), HTMLFormElement.prototype.submit.call(document.forms[`+strconv.Itoa(i)+`]), true`)
			p.Await("h1", "") // that of the next page
		}
	}
	for _, path := range []string{"/batches", "/batches/" + b.ID, "/new", "/lookup", "/unknown", "/webhooks", "/access", "/keys"} {
		try(path)
	}
	if p.Go("/keys"); strings.Contains(p.Text(), "Log in") { // the key was made
		try("/login")
	}
	if fields < 15 {
		t.Errorf("got %d fields to type into, want those of all pages", fields)
	}
}

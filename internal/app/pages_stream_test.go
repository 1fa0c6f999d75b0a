package app_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/plateq/plateq/client"
	"github.com/plateq/plateq/internal/browsertest"
)

// behind is the address of a proxy in front of a service, which shows each
// answer to meets before the browser has it.
func behind(t *testing.T, at string, meets func(answer *http.Response) error) string {
	t.Helper()
	target, err := url.Parse(at)
	if err != nil {
		t.Fatal(err)
	}
	front := httptest.NewServer(&httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) }, ModifyResponse: meets, FlushInterval: -1,
	})
	t.Cleanup(front.Close)
	return front.URL
}

// heldUp hands a list in that waits, as the gate of its provider is closed.
func heldUp(t *testing.T, cl *client.Client) client.Batch {
	t.Helper()
	if _, err := cl.CloseGate(t.Context(), "attestr"); err != nil {
		t.Fatal(err)
	}
	b, err := cl.Submit(t.Context(), client.SubmitOptions{Provider: "attestr", Format: client.CSV}, strings.NewReader("plate\n"+plates(1)[0]+"\n"))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// letGo opens the gate, and waits until the list is done.
func letGo(t *testing.T, cl *client.Client, id string) {
	t.Helper()
	if _, err := cl.OpenGate(t.Context(), "attestr"); err != nil {
		t.Fatal(err)
	}
	if _, err := cl.Wait(t.Context(), id, nil); err != nil {
		t.Fatal(err)
	}
}

// TestPagesComeBackToAStreamThatWasRefused: a browser gives such a stream up
// for good.
func TestPagesComeBackToAStreamThatWasRefused(t *testing.T) {
	t.Parallel()
	_, at, cl := clerk(t)
	b := heldUp(t, cl)
	var streams atomic.Int64
	refused := make(chan struct{})
	front := behind(t, at, func(answer *http.Response) error {
		if !strings.HasSuffix(answer.Request.URL.Path, "/events") || streams.Add(1) > 1 {
			return nil
		}
		close(refused)
		_ = answer.Body.Close()
		answer.StatusCode, answer.Status = http.StatusServiceUnavailable, ""
		answer.Body = http.NoBody
		return nil
	})
	p := browsertest.Open(t, front, browsertest.Options{})
	p.Go("/batches/" + b.ID)
	p.Await("p", "Waits for the gate")
	<-refused
	letGo(t, cl, b.ID)
	p.Await("span", "done")
}

// TestPagesShowTheEndThatComesDuringARefresh: that refresh shows what was
// before it, so that another has to come after.
func TestPagesShowTheEndThatComesDuringARefresh(t *testing.T) {
	t.Parallel()
	_, at, cl := clerk(t)
	b := heldUp(t, cl)
	var shown atomic.Int64
	asked, goOn := make(chan struct{}), make(chan struct{})
	front := behind(t, at, func(answer *http.Response) error {
		if answer.Request.URL.Path != "/batches/"+b.ID || shown.Add(1) != 2 {
			return nil
		}
		page, err := io.ReadAll(answer.Body)
		answer.Body = io.NopCloser(bytes.NewReader(page))
		close(asked)
		select {
		case <-goOn:
		case <-answer.Request.Context().Done():
		}
		return err
	})
	p := browsertest.Open(t, front, browsertest.Options{})
	p.Go("/batches/" + b.ID)
	<-asked
	// The page closes its stream at the end, and refreshes itself by a timer of a
	// second at the most.
	browsertest.Eval[bool](p, `(() => {
		window.timers = 0;
		const wait = window.setTimeout, close = EventSource.prototype.close;
		window.setTimeout = (f, ms) => {
			if (ms > 1000) return wait(f, ms);
			window.timers++;
			return wait(() => { f(); window.timers--; }, ms);
		};
		EventSource.prototype.close = function () { window.ended = true; close.call(this); };
		return true;
	})()`)
	letGo(t, cl, b.ID)
	p.Until("window.ended === true && window.timers === 0")
	close(goOn)
	p.Await("span", "done")
}

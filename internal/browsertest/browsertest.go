// Package browsertest opens pages in Debian's Chromium for tests, and holds
// them to what every page of ours promises: it loads nothing from elsewhere,
// needs nothing that its policy forbids, and raises neither dialogs nor errors.
package browsertest

import (
	"context"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/audits"
	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// Options say how a page is looked at. The zero value is a desk: light, wide,
// with scripts.
type Options struct {
	Dark     bool
	NoScript bool
	Width    int64 // 0: 1280
	Height   int64 // 0: 900
}

// Page is a tab of a browser. It is for one goroutine.
type Page struct {
	t    testing.TB
	ctx  context.Context
	base string
	// Downloads is where files go that the page gives.
	Downloads string

	mu     sync.Mutex
	faults []string
	saved  chan string
}

// patience is how long one action may take before the test fails.
const patience = 60 * time.Second

// Open opens a tab for the server at base, in a browser of its own, which ends
// with the test. Without Chromium the test is skipped; with CI=true it fails.
func Open(t testing.TB, base string, o Options) *Page {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("chromium is missing: tools/setup-tests.sh installs it")
		}
		t.Skip("chromium is missing")
	}
	flags := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox,
		chromedp.UserDataDir(t.TempDir()), chromedp.Flag("disable-dev-shm-usage", true), chromedp.WSURLReadTimeout(patience))
	ctx, endBrowser := chromedp.NewExecAllocator(context.Background(), flags...)
	ctx, endTab := chromedp.NewContext(ctx)
	p := &Page{t: t, ctx: ctx, base: strings.TrimRight(base, "/"), Downloads: t.TempDir(), saved: make(chan string, 10)}
	t.Cleanup(func() {
		if err := chromedp.Cancel(ctx); err != nil {
			t.Errorf("close browser: %v", err)
		}
		endTab()
		endBrowser()
		p.mu.Lock()
		defer p.mu.Unlock()
		for _, fault := range p.faults {
			t.Error("the page: " + fault)
		}
	})
	if err := chromedp.Listen(ctx, p.heard); err != nil { // it starts the browser, which lives as long as ctx
		t.Fatalf("start browser: %v", err)
	}
	p.begin(o)
	return p
}

// begin sets the tab up.
func (p *Page) begin(o Options) {
	p.t.Helper()
	if o.Width == 0 {
		o.Width = 1280
	}
	if o.Height == 0 {
		o.Height = 900
	}
	scheme := "light"
	if o.Dark {
		scheme = "dark"
	}
	p.Do(
		command(network.Enable, network.EnableParams{}), command(log.Enable, cdp.Empty{}), command(runtime.Enable, cdp.Empty{}),
		command(audits.Enable, cdp.Empty{}),
		command(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
			{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"},
		}}),
		command(emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{
			Width: o.Width, Height: o.Height, DeviceScaleFactor: 1, Mobile: o.Width < 600,
		}),
		command(emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true}),
		command(emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: o.NoScript}),
		command(browser.SetDownloadBehavior, browser.SetDownloadBehaviorParams{
			Behavior: browser.SetDownloadBehaviorBehaviorAllowAndName, DownloadPath: p.Downloads, EventsEnabled: new(true),
		}),
	)
}

// command is a command of the browser's protocol, of which the answer does not
// matter.
func command[P, R any](c cdp.Command[P, R], params P) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, c, params)
		return err
	})
}

// heard takes down what should not be, and where files are.
func (p *Page) heard(event any) {
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		if u, err := url.Parse(e.Request.URL); err == nil && strings.HasPrefix(u.Scheme, "http") && u.Scheme+"://"+u.Host != p.base {
			p.fault("it asks another host: " + u.Scheme + "://" + u.Host)
		}
	case *audits.EventIssueAdded:
		if e.Issue.Code == audits.InspectorIssueCodeContentSecurityPolicyIssue {
			p.fault("it breaks its policy")
		}
	case *log.EventEntryAdded:
		if e.Entry.Source == "security" || strings.Contains(e.Entry.Text, "Content Security Policy") {
			p.fault("it breaks its policy: " + e.Entry.Text)
		}
	case *runtime.EventExceptionThrown:
		p.fault("its script fails: " + e.ExceptionDetails.Text)
	case *page.EventJavascriptDialogOpening:
		p.fault("it opens a dialog: " + e.Message)
	case *browser.EventDownloadProgress:
		if e.State == browser.DownloadProgressStateCompleted {
			p.saved <- e.GUID
		}
	}
}

func (p *Page) fault(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.faults = append(p.faults, text)
}

// Do does actions in turn, and fails the test where one fails or takes too
// long.
func (p *Page) Do(actions ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, actions...); err != nil {
		p.t.Fatalf("in the browser: %v; it shows:\n%s", err, p.shown())
	}
}

// result is Do for one action that returns something.
func result[T any](p *Page, a chromedp.Action[T]) T {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	v, err := chromedp.Run(ctx, a)
	if err != nil {
		p.t.Fatalf("in the browser: %v; it shows:\n%s", err, p.shown())
	}
	return v
}

// shown is what the page shows, for somebody who wants to know why it failed.
func (p *Page) shown() string {
	ctx, cancel := context.WithTimeout(p.ctx, time.Second)
	defer cancel()
	text, err := chromedp.Run(ctx, chromedp.TextContent(chromedp.CSS("main")))
	if err != nil {
		return err.Error()
	}
	return strings.Join(strings.Fields(text), " ")
}

// Go opens a path of the server.
func (p *Page) Go(path string) {
	p.t.Helper()
	p.Do(chromedp.Navigate(p.base + path))
}

// Click clicks what a selector finds. What the page puts something new in the
// place of just then, it looks for anew.
func (p *Page) Click(selector string) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	for {
		err := chromedp.Do(ctx, chromedp.Click(chromedp.CSS(selector)))
		if err == nil {
			return
		}
		if !strings.Contains(err.Error(), "Could not find node") {
			p.t.Fatalf("in the browser: %v; it shows:\n%s", err, p.shown())
		}
	}
}

// Fill types into what a selector finds. SendKeys would do, but looks at
// attributes of a field while they may change.
func (p *Page) Fill(selector, text string) {
	p.t.Helper()
	field := chromedp.CSS(selector)
	p.Do(chromedp.Clear(field), chromedp.Focus(field), chromedp.KeyEvent(text))
}

// Choose chooses a value of a list.
func (p *Page) Choose(selector, value string) {
	p.t.Helper()
	p.Do(chromedp.SetValue(chromedp.CSS(selector), value))
}

// Upload chooses a file.
func (p *Page) Upload(selector, file string) {
	p.t.Helper()
	p.Do(chromedp.SetUploadFiles(chromedp.CSS(selector), []string{file}))
}

// Await waits until something that a selector finds holds a text, without
// double quotes.
func (p *Page) Await(element, text string) {
	p.t.Helper()
	p.Do(chromedp.WaitReady(`//` + element + `[contains(normalize-space(.), "` + text + `")]`))
}

// Text returns what the page shows.
func (p *Page) Text() string {
	p.t.Helper()
	return result(p, chromedp.TextContent(chromedp.CSS("body")))
}

// Path returns where the page is.
func (p *Page) Path() string {
	p.t.Helper()
	return strings.TrimPrefix(result(p, chromedp.Location()), p.base)
}

// Eval returns what an expression of JavaScript comes to.
func Eval[T any](p *Page, expression string) T {
	p.t.Helper()
	return result(p, chromedp.Evaluate[T](expression))
}

// Until waits until an expression of JavaScript is true.
func (p *Page) Until(expression string) {
	p.t.Helper()
	result(p, chromedp.Poll[bool](expression, chromedp.WithPollingTimeout(patience)))
}

// Saved waits for a file that the page gives, and returns what it holds.
func (p *Page) Saved() []byte {
	p.t.Helper()
	select {
	case id := <-p.saved:
		text, err := os.ReadFile(filepath.Join(p.Downloads, id)) //nolint:gosec // the browser named it, below a directory of the test
		if err != nil {
			p.t.Fatal(err)
		}
		return text
	case <-time.After(patience):
		p.t.Fatal("the page gave no file")
		return nil
	}
}

// Picture returns the whole page as PNG.
func (p *Page) Picture() []byte {
	p.t.Helper()
	return result(p, chromedp.FullScreenshot(100))
}

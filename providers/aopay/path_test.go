package aopay_test

import (
	"context"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/providers/aopay"
)

// onlyPath is all that may ever be called.
const onlyPath = "/api/AOP/FetchConsumerDetails"

// siblings are AOPay's other calls. Some of them move money.
var siblings = []string{"DoRecharge", "BillPaymentPaybill", "MobileRecharge", "RechargeStatus", "RechargesStatus",
	"FetchBilPaymentDetails", "BillPaymentStatus", "BrowsPlan", "PanNewGenerate"}

// book takes note of every request that reaches any host.
type book struct {
	mu   sync.Mutex
	seen []string
	dial func(context.Context, string, string) (net.Conn, error)
}

// newBook returns a book; redirect, where it is not empty, is where it sends
// everybody to.
func newBook(t *testing.T, redirect string) *book {
	t.Helper()
	b := &book{}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b.mu.Lock()
		b.seen = append(b.seen, r.Method+" "+r.RequestURI)
		b.mu.Unlock()
		_, _ = io.Copy(io.Discard, r.Body)
		if redirect != "" {
			w.Header().Set("Location", redirect)
			w.WriteHeader(http.StatusTemporaryRedirect)
			return
		}
		_, _ = io.WriteString(w, bill("DL12CB4685"))
	}))
	t.Cleanup(srv.Close)
	address := strings.TrimPrefix(srv.URL, "http://")
	b.dial = func(ctx context.Context, network, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, network, address)
	}
	return b
}

// TestOnlyOnePathIsEverCalled tries to talk the provider into another path by
// all that it can be told: base URLs, operators, plates and redirects.
func TestOnlyOnePathIsEverCalled(t *testing.T) {
	t.Parallel()
	var bases []string
	for _, s := range siblings {
		for _, trick := range []string{"", "?", "#", "/..", "/.", ";", "%23", "%3F", "%00", "\\", "?x=", "#x", "/../" + s + "#", "%2e%2e/", "//", " "} {
			bases = append(bases, "http://api.example/api/AOP/"+s+trick, "http://api.example/api/AOP/V2/"+s+trick)
		}
	}
	bases = append(bases, "", "http://api.example", "http://api.example/", "http://api.example/proxy/aopay/", "http://user:pass@api.example",
		"http://api.example@"+siblings[0], "ftp://api.example", "//api.example", "http:///api/AOP/DoRecharge", "http://api.example:80#")
	called := 0
	for _, base := range bases {
		if base == "" {
			continue // the real host
		}
		b := newBook(t, "")
		p, err := aopay.New(config(base), aopay.Options{Dial: b.dial})
		if err != nil {
			continue
		}
		for _, r := range []providers.Request{
			request("DL12CB4685"), request("../DoRecharge"), request("DL12CB4685?x#"),
			{Ref: "r0", Subject: providers.Subject{providers.Plate: "DoRecharge"}, Params: providers.Params{"operator": "311", "path": "/api/AOP/DoRecharge"}},
		} {
			_, _ = p.Submit(t.Context(), []providers.Request{r})
		}
		for _, seen := range b.seen {
			called++
			uri, ok := strings.CutPrefix(seen, "POST ")
			path, _ := strings.CutSuffix(uri, onlyPath)
			if !ok || path == uri || strings.ContainsAny(uri, "?#%;\\ ") || strings.Contains(uri, "..") || strings.Contains(uri, "//") {
				t.Errorf("base URL %q: got %s, want POST to %s", base, seen, onlyPath)
			}
		}
	}
	if called == 0 {
		t.Error("got no request at all, want those of the base URLs that are in order")
	}
}

func TestRedirectToASiblingIsNotFollowed(t *testing.T) {
	t.Parallel()
	for _, s := range siblings {
		b := newBook(t, "/api/AOP/"+s)
		p, err := aopay.New(config("http://api.example"), aopay.Options{Dial: b.dial})
		if err != nil {
			t.Fatal(err)
		}
		if o := ask(t, p, request("DL12CB4685")); !errors.Is(o.Err, providers.Ambiguous) {
			t.Errorf("got %v, want ambiguous", o.Err)
		}
		if len(b.seen) != 1 || b.seen[0] != "POST "+onlyPath {
			t.Errorf("got %q, want one request", b.seen)
		}
	}
}

// TestNoOtherPathIsWritten reads the package itself: it holds one path, builds
// one request, and names no other call.
func TestNoOtherPathIsWritten(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	paths, requests := 0, 0
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		src, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, src, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.BasicLit:
				text, err := strconv.Unquote(n.Value)
				if err != nil || n.Kind != token.STRING {
					break
				}
				if strings.Contains(text, "/api/") {
					paths++
					if text != onlyPath {
						t.Errorf("%s: got the path %s, want none but %s", name, text, onlyPath)
					}
				}
				for _, s := range siblings {
					if strings.Contains(text, s) {
						t.Errorf("%s: got %s, want none of its siblings", name, text)
					}
				}
			case *ast.SelectorExpr:
				if strings.HasPrefix(n.Sel.Name, "NewRequest") || n.Sel.Name == "Request" && isHTTP(n.X) {
					requests++
				}
			}
			return true
		})
	}
	if paths != 1 || requests != 1 {
		t.Errorf("got %d paths and %d places that build a request, want one of each", paths, requests)
	}
}

func isHTTP(x ast.Expr) bool {
	id, ok := x.(*ast.Ident)
	return ok && id.Name == "http"
}

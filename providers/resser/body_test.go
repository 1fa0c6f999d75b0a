package resser_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/providers/resser"
)

// TestBodyOfTheGetArrives looks at the bytes on the wire: a GET whose body has
// a length, whole, at the first request of a connection and at the next ones.
func TestBodyOfTheGetArrives(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	type seen struct {
		lines []string
		body  string
	}
	got := make(chan seen, 10)
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			r := bufio.NewReader(conn)
			for {
				var s seen
				length := 0
				for {
					line, err := r.ReadString('\n')
					line = strings.TrimSpace(line)
					if err != nil || line == "" {
						break
					}
					s.lines = append(s.lines, line)
					_, _ = fmt.Sscanf(strings.ToLower(line), "content-length: %d", &length)
				}
				if len(s.lines) == 0 {
					break
				}
				body := make([]byte, length)
				_, _ = io.ReadFull(r, body)
				s.body = string(body)
				got <- s
				const answer = `{"vehicleData":[]}`
				_, _ = fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(answer), answer)
			}
			_ = conn.Close()
		}
	}()
	p := newProvider(t, config("http://"+l.Addr().String()))
	for n := range 3 {
		ask(t, p, requests(names[n])...)
		s := <-got
		head := strings.ToLower(strings.Join(s.lines, "\n"))
		vin, plate, _ := strings.Cut(names[n], " ")
		if !strings.HasPrefix(head, "get /api/batch/scraping/ http/1.1") || strings.Contains(head, "transfer-encoding") || strings.Contains(head, "expect:") {
			t.Errorf("request %d: got %q, want a GET with a plain body", n, s.lines)
		}
		if want := fmt.Sprintf(`{"vehicles":[{"vin":%q,"plate":%q}]}`, vin, plate); s.body != want {
			t.Errorf("request %d: got body %q, want %q", n, s.body, want)
		}
	}
}

// TestFullCall: 500 vehicles arrive, and no call takes more.
func TestFullCall(t *testing.T) {
	t.Parallel()
	var bytesSeen int64
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		bytesSeen = r.ContentLength
		upstream(w, r)
	}))
	defer srv.Close()
	vehicles := make([]string, 500)
	for i := range vehicles {
		vehicles[i] = fmt.Sprintf("3N1AB7AP0KY%06d AB%04d0", i, i)
	}
	p := newProvider(t, config(srv.URL))
	for i, o := range ask(t, p, requests(vehicles...)...) {
		if o.Record == nil {
			t.Fatalf("vehicle %d: got %v, want a record", i, o.Err)
		}
	}
	if bytesSeen < 500*40 {
		t.Errorf("got a body of %d bytes, want all vehicles in it", bytesSeen)
	}
	set, err := providers.NewSet(p)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := set.Submit(t.Context(), resser.Name, requests(append(vehicles, "3N1AB7AP0KY999999 ZZ99990")...)); err == nil {
		t.Error("got no error for 501 vehicles, want them refused")
	}
}

// TestNoProxyIsUsed: one would be free to drop the body.
func TestNoProxyIsUsed(t *testing.T) {
	proxy := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		t.Error("the proxy was asked")
	}))
	defer proxy.Close()
	for _, name := range []string{"HTTP_PROXY", "http_proxy", "ALL_PROXY"} {
		t.Setenv(name, proxy.URL)
	}
	t.Setenv("NO_PROXY", "")
	srv := httptest.NewServer(http.HandlerFunc(upstream))
	defer srv.Close()
	if o := ask(t, newProvider(t, config(srv.URL)), fleet()[0])[0]; o.Record == nil {
		t.Errorf("got %v, want a record", o.Err)
	}
}

// TestBodyTakenAwayIsLoud: something on the way takes the body of each GET.
// That is no row's fault.
func TestBodyTakenAwayIsLoud(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		r.Body = http.NoBody
		upstream(w, r)
	}))
	defer srv.Close()
	for _, o := range ask(t, newProvider(t, config(srv.URL)), fleet()...) {
		e, _ := errors.AsType[*providers.Error](o.Err)
		if e == nil || e.Class != providers.Unauthorised || e.Code != "BadRequest" || !strings.Contains(e.Error(), "body of the GET") {
			t.Errorf("got %v, want the provider stopped, and why", o.Err)
		}
	}
}

package api_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/plateq/plateq/internal/api"
)

// listen serves the API on a port, with the bounds that a process sets but for
// what change does.
func (w *world) listen(t *testing.T, change func(*http.Server)) string {
	t.Helper()
	on, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := api.NewServer(w.handler)
	if change != nil {
		change(srv)
	}
	var wg sync.WaitGroup
	wg.Go(func() { _ = srv.Serve(on) }) // it ends by Close
	t.Cleanup(func() {
		_ = srv.Close() // nothing is under way
		wg.Wait()
	})
	return on.Addr().String()
}

func dial(t *testing.T, addr string) net.Conn {
	t.Helper()
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(time.Minute)) // so that a test that fails ends
	return conn
}

// answers are the status lines of all that a connection says until it is
// closed.
func answers(t *testing.T, conn net.Conn) []string {
	t.Helper()
	var got []string
	in := bufio.NewReader(conn)
	for {
		resp, err := http.ReadResponse(in, nil)
		if err != nil {
			if isTimeout(err) {
				t.Errorf("the connection stays open after %q", got)
			}
			return got
		}
		_, _ = io.Copy(io.Discard, resp.Body) // the next answer comes behind it
		got = append(got, fmt.Sprint(resp.StatusCode))
	}
}

func isTimeout(err error) bool {
	e, ok := errors.AsType[net.Error](err)
	return ok && e.Timeout()
}

// TestRequestsThatEndInTwoPlaces are refused, or are the last on their
// connection: nothing is smuggled in behind them.
func TestRequestsThatEndInTwoPlaces(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	addr := w.listen(t, nil)
	smuggled := "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
	for name, tt := range map[string]struct{ head, body, want string }{
		"two lengths":          {"Content-Length: 2\r\nContent-Length: 60\r\n", "{}" + smuggled, "400"},
		"a list of lengths":    {"Content-Length: 2, 60\r\n", "{}" + smuggled, "400"},
		"a signed length":      {"Content-Length: +2\r\n", "{}", "400"},
		"length and chunks":    {"Content-Length: 50\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n" + smuggled, "400"},
		"chunks alone":         {"Transfer-Encoding: chunked\r\n", "0\r\n\r\n" + smuggled, "400"},
		"chunks twice":         {"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n" + smuggled, "501"},
		"chunks and identity":  {"Transfer-Encoding: chunked, identity\r\n", "0\r\n\r\n" + smuggled, "501"},
		"another encoding":     {"Transfer-Encoding: xchunked\r\n", "0\r\n\r\n" + smuggled, "501"},
		"a blank in a name":    {"Transfer-Encoding : chunked\r\n", "0\r\n\r\n" + smuggled, "400"},
		"two hosts":            {"Host: evil.example\r\n", "", "400"},
		"a NUL in a header":    {"X-A: \x00\r\n", "", "400"},
		"a header of a MB":     {"X-A: " + strings.Repeat("a", 1<<20) + "\r\n", "", "431"},
		"a key of a MB":        {"Authorization: Bearer plq_" + strings.Repeat("a", 1<<20) + "\r\n", "", "431"},
		"a length of 10 GB":    {"Content-Length: 10737418240\r\n", "plate\n" + strings.Repeat("DL01AA1000\n", 1000), "413"},
		"a length beyond ours": {"Content-Length: 99999999999999999999\r\n", "", "400"},
	} {
		conn := dial(t, addr)
		path := "/v1/estimates"
		if tt.want == "413" {
			path = "/v1/keys" // whose bodies are small
		}
		sent := "POST " + path + " HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n" + tt.head + "\r\n" + tt.body
		if tt.want == "413" {
			sent += strings.Repeat("a", 2<<20)
		}
		var wg sync.WaitGroup
		wg.Go(func() { _, _ = io.WriteString(conn, sent) }) // what is refused is not read to its end
		got := answers(t, conn)
		_ = conn.Close()
		wg.Wait()
		if len(got) > 1 || len(got) == 1 && got[0] != tt.want || len(got) == 0 && tt.want[0] != '4' {
			t.Errorf("%s: got %q, want %s alone", name, got, tt.want)
		}
	}
}

// TestSlowClientsHoldUpNobody: a thousand of them, each slow in one of three
// ways, are left after their time, and others are answered meanwhile.
func TestSlowClientsHoldUpNobody(t *testing.T) {
	t.Parallel()
	clients := min(1000, openFiles(t)/4)
	w := newWorld(t, nil)
	var mu sync.Mutex
	left := map[net.Conn]bool{}
	gone := sync.WaitGroup{}
	gone.Add(clients)
	addr := w.listen(t, func(s *http.Server) {
		// As a process has them, but for the scale of time.
		s.ReadHeaderTimeout /= 10
		s.ReadTimeout /= 10
		s.ConnState = func(c net.Conn, state http.ConnState) {
			if state != http.StateClosed {
				return
			}
			mu.Lock()
			defer mu.Unlock()
			if host := c.RemoteAddr(); !left[c] && host != nil {
				left[c] = true
				if len(left) <= clients {
					gone.Done()
				}
			}
		}
	})
	for i := range clients {
		conn := dial(t, addr)
		begun := "GET /v1/batches HTTP/1.1\r\nHost: lo"
		if i%3 == 1 {
			begun = "POST /v1/keys HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"
		}
		if i%3 == 2 {
			begun = "" // it says nothing at all
		}
		if _, err := io.WriteString(conn, begun); err != nil {
			t.Fatal(err)
		}
	}
	held := &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{}}
	defer held.CloseIdleConnections()
	for range 20 {
		if code := get(t.Context(), held, "http://"+addr+"/v1/batches"); code != http.StatusOK {
			t.Errorf("beside slow clients: got %d", code)
		}
	}
	gone.Wait()
}

func get(ctx context.Context, c *http.Client, url string) int {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return 0
	}
	resp, err := c.Do(req)
	if err != nil {
		return 0
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, resp.Body) // the connection is used again
	return resp.StatusCode
}

// openFiles is how many files this process may have open.
func openFiles(t *testing.T) int {
	t.Helper()
	var most syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &most); err != nil {
		t.Fatal(err)
	}
	return int(min(most.Cur, 1<<20))
}

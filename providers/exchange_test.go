package providers_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/plateq/plateq/providers"
)

// speaker is a server that answers each request on a connection with what
// answer says, and then does with the connection what it likes.
func speaker(t *testing.T, answer func(conn net.Conn, req *http.Request, nth int)) (url string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for nth := 1; ; nth++ {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				in := bufio.NewReader(conn)
				for {
					req, err := http.ReadRequest(in)
					if err != nil {
						return
					}
					answer(conn, req, nth)
				}
			}()
		}
	}()
	return "http://" + l.Addr().String()
}

func say(conn net.Conn, text string) { _, _ = io.WriteString(conn, text) }

const hello = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"

// A server that is done with a connection has said so before the next request
// is written: that one goes over another, and nothing is unknown.
func TestAConnectionThatTheServerLeftIsNotWrittenTo(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name  string
		leave func(conn net.Conn)
	}{
		{"ended", func(conn net.Conn) { _ = conn.Close() }},
		{"reset", func(conn net.Conn) {
			_ = conn.(*net.TCPConn).SetLinger(0)
			_ = conn.Close()
		}},
		{"speaks unasked", func(conn net.Conn) { say(conn, hello) }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			left, may := make(chan struct{}), make(chan struct{})
			conns := make(chan int, 2)
			url := speaker(t, func(conn net.Conn, req *http.Request, nth int) {
				_, _ = io.Copy(io.Discard, req.Body)
				say(conn, hello)
				conns <- nth
				if nth == 1 {
					<-may
					tc.leave(conn)
					close(left)
				}
			})
			client := providers.NewClient(providers.ClientOptions{})
			for i := range 2 {
				answer, err := client.Do(request(t, t.Context(), http.MethodPost, url), "submit")
				if err != nil || string(answer.Body) != "hello" {
					t.Fatalf("request %d: got %+v, %v, want its answer", i+1, answer, err)
				}
				if got := <-conns; got != i+1 {
					t.Errorf("request %d went over connection %d", i+1, got)
				}
				if i == 0 {
					close(may)
					<-left
				}
			}
		})
	}
}

// A long question may be refused before its end, by a server that reads no more.
func TestALongQuestionMayBeRefusedBeforeItsEnd(t *testing.T) {
	t.Parallel()
	const refusal = "HTTP/1.1 413 Content Too Large\r\nContent-Length: 4\r\n\r\nlong"
	url := speaker(t, func(conn net.Conn, req *http.Request, _ int) {
		say(conn, refusal)
		<-t.Context().Done() // nothing is read on
	})
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(strings.Repeat("x", 32<<20)))
	if err != nil {
		t.Fatal(err)
	}
	answer, err := providers.NewClient(providers.ClientOptions{}).Do(req, "submit")
	if err != nil || answer.Status != http.StatusRequestEntityTooLarge || string(answer.Body) != "long" {
		t.Errorf("got %+v, %v, want the refusal", answer, err)
	}
}

func TestTheHeadOfAnAnswerHasBounds(t *testing.T) {
	t.Parallel()
	const early = "HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\n"
	for _, tc := range []struct {
		name, head string
		repeat     int
		answered   bool
	}{
		{"an interim answer", early, 1, true},
		{"five interim answers", early, 5, true},
		{"nothing but interim answers", early, 1000, false},
		{"a header without an end", "HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 2<<20), 1, false},
		{"headers without an end", "HTTP/1.1 200 OK\r\n" + strings.Repeat("X: x\r\n", 1<<19), 1, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			url := speaker(t, func(conn net.Conn, req *http.Request, _ int) {
				_, _ = io.Copy(io.Discard, req.Body)
				say(conn, strings.Repeat(tc.head, tc.repeat)+hello)
			})
			answer, err := providers.NewClient(providers.ClientOptions{}).Do(request(t, t.Context(), http.MethodPost, url), "submit")
			if !tc.answered {
				wantError(t, err, providers.Ambiguous, "no_answer")
			} else if err != nil || string(answer.Body) != "hello" {
				t.Errorf("got %+v, %v, want the answer behind them", answer, err)
			}
		})
	}
}

// An answer that is not kept to its own length is not mixed up with the next.
func TestAConnectionWithARestIsNotUsedAgain(t *testing.T) {
	t.Parallel()
	url := speaker(t, func(conn net.Conn, req *http.Request, nth int) {
		_, _ = io.Copy(io.Discard, req.Body)
		say(conn, fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n%d", nth)+hello)
	})
	client := providers.NewClient(providers.ClientOptions{})
	for _, want := range []string{"1", "2"} {
		answer, err := client.Do(request(t, t.Context(), http.MethodPost, url), "submit")
		if err != nil || string(answer.Body) != want {
			t.Errorf("got %+v, %v, want %q", answer, err, want)
		}
	}
}

func TestOnlyHTTPIsSpoken(t *testing.T) {
	t.Parallel()
	_, err := providers.NewClient(providers.ClientOptions{}).
		Do(request(t, t.Context(), http.MethodPost, "ftp://provider.test"), "submit")
	e := wantError(t, err, providers.Unavailable, "no_connection")
	if !strings.Contains(e.Error(), "neither http nor https") {
		t.Errorf("got %v, want to be told about the scheme", e)
	}
}

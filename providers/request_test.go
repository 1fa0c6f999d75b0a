package providers_test

import (
	"bytes"
	"net/http"
	"net/url"
	"testing"

	"github.com/plateq/plateq/providers"
)

// TestNewRequestWritesWhatNetHTTPWrites compares requests byte for byte.
func TestNewRequestWritesWhatNetHTTPWrites(t *testing.T) {
	t.Parallel()
	header := http.Header{"Accept": {"application/json"}, "User-Agent": {"plateq"}, "X-B": {"1"}, "X-A": {"2"}}
	for _, to := range []string{
		"http://provider.test", "https://provider.test/", "http://provider.test:8080/a/b?c=d&e=%20f", "http://provider.test:/a", "http://[::1]/a",
		"http://[::1]:/a", "http://[fe80::1%25en0]:81/a%2Fb/%C3%A9?", "http://PROVIDER.test//a/../b;c",
	} {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			for _, body := range [][]byte{nil, {}, []byte(`{"a":1}`), bytes.Repeat([]byte("long "), 20_000)} {
				theirs, err := http.NewRequestWithContext(t.Context(), method, to, bytes.NewReader(body))
				if err != nil {
					t.Fatal(err)
				}
				theirs.Header = header.Clone()
				parsed, err := url.Parse(to)
				if err != nil {
					t.Fatal(err)
				}
				ours := providers.NewRequest(t.Context(), method, parsed, header, body)
				if got, want := written(t, ours), written(t, theirs); got != want {
					t.Errorf("%s %s: got %.300q, want %.300q", method, to, got, want)
				}
				if ours.Context() != t.Context() || ours.ContentLength != theirs.ContentLength || ours.Host != theirs.Host {
					t.Errorf("%s %s: got %+v, want %+v", method, to, ours, theirs)
				}
				if parsed.String() != to || len(header) != 4 {
					t.Errorf("got %s and %v, want them as they were", parsed, header)
				}
			}
		}
	}
}

func written(t *testing.T, req *http.Request) string {
	t.Helper()
	var b bytes.Buffer
	if err := req.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

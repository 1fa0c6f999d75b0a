package webhook

import (
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
)

func guard(t testing.TB, allow ...string) *Guard {
	t.Helper()
	g, err := NewGuard(allow)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func TestWhichURLsAreAccepted(t *testing.T) {
	t.Parallel()
	g := guard(t, "hooks.internal", "10.1.0.0/16", "fd00::1", "127.0.0.1")
	for url, want := range map[string]bool{
		"https://example.com/hook":              true,
		"https://example.com:8443/hook?token=x": true,
		"https://93.184.216.34/":                true,
		"https://[2606:4700::1111]/":            true,
		"https://Hooks.Internal/":               true,
		"http://hooks.internal:9000/in":         true,
		"http://10.1.2.3/":                      true,
		"http://[fd00::1]:81/":                  true,
		"http://127.0.0.1:9000/":                true,

		"http://example.com/":                    false,
		"https://example.com:9000/":              false,
		"https://example.com:22/":                false,
		"ftp://hooks.internal/":                  false,
		"https://user@example.com/":              false,
		"https://user:pass@hooks.internal":       false,
		"https://example.com/#part":              false,
		"https:///path":                          false,
		"example.com":                            false,
		"https://exa mple.com/":                  false,
		"https://10.2.0.1/":                      false,
		"https://192.168.1.1/":                   false,
		"https://127.0.0.2/":                     false,
		"https://127.1/":                         false,
		"https://2130706433/":                    false,
		"https://0x7f000001/":                    false,
		"https://0x7f.1/":                        false,
		"https://0177.0.0.1/":                    false,
		"https://[::1]/":                         false,
		"https://[::ffff:192.168.1.1]/":          false,
		"https://[fe80::1%25eth0]/":              false,
		"https://169.254.169.254/latest":         false,
		"https://100.64.0.1/":                    false,
		"https://0.0.0.0/":                       false,
		"https://[::]/":                          false,
		"https://[64:ff9b::7f00:1]/":             false,
		"https://" + strings.Repeat("a", maxURL): false,
	} {
		err := g.CheckURL(url)
		_, refused := errors.AsType[*NotAllowedError](err)
		if (err == nil) != want || refused == want {
			t.Errorf("%.60s: got %v, want it to be accepted: %t", url, err, want)
		}
	}
}

func TestWhichAddressesArePublic(t *testing.T) {
	t.Parallel()
	for addr, want := range map[string]bool{
		"8.8.8.8": true, "93.184.216.34": true, "2606:4700:4700::1111": true, "::ffff:8.8.8.8": true, "172.32.0.1": true,
		"127.0.0.1": false, "127.255.255.254": false, "10.0.0.1": false, "172.16.0.1": false, "172.31.255.255": false, "192.168.0.1": false,
		"169.254.169.254": false, "169.254.0.1": false, "100.64.0.1": false, "100.127.255.255": false, "0.0.0.0": false, "0.1.2.3": false,
		"192.0.0.8": false, "192.0.2.1": false, "198.18.0.1": false, "198.51.100.1": false, "203.0.113.1": false, "224.0.0.1": false,
		"239.255.255.250": false, "240.0.0.1": false, "255.255.255.255": false,
		"::": false, "::1": false, "::ffff:127.0.0.1": false, "::ffff:10.0.0.1": false, "::ffff:169.254.169.254": false,
		"fe80::1": false, "fe80::1%eth0": false, "fc00::1": false, "fd00:ec2::254": false, "fec0::1": false, "ff02::1": false,
		"64:ff9b::7f00:1": false, "64:ff9b:1::1": false, "2002:7f00:1::": false, "2001::1": false, "2001:db8::1": false, "100::1": false,
	} {
		if got := public(netip.MustParseAddr(addr)); got != want {
			t.Errorf("%s: got %t, want %t", addr, got, want)
		}
	}
}

func TestWhatMayBeAllowed(t *testing.T) {
	t.Parallel()
	_, err := NewGuard([]string{"10.0.0.0/8", "::1", "hooks.internal", "10.0.0.0/99", "https://x", "127.1", "a..b", ""})
	want := `"10.0.0.0/99", "https://x", "127.1", "a..b", "": it must be the name of a host, an address or a network such as 10.0.0.0/8`
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// TestAddressesAreJudgedWhenDialled: whatever a URL looked like, and whatever
// its name led to when it was accepted.
func TestAddressesAreJudgedWhenDialled(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	receiver := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
	t.Cleanup(receiver.Close)
	_, port, err := net.SplitHostPort(receiver.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	for _, host := range []string{"127.0.0.1", "localhost", "[::ffff:127.0.0.1]"} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+host+":"+port+"/", nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := guard(t).Client().Do(req)
		if err == nil {
			resp.Body.Close()
		}
		if got := reasonOf(err); err == nil || got != ReasonNotAllowed {
			t.Errorf("%s: got %v (%s), want it to be refused", host, err, got)
		}
	}
	if n := asked.Load(); n != 0 {
		t.Errorf("the receiver was asked %d times", n)
	}
	for _, allow := range []string{"127.0.0.0/8", "127.0.0.1"} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, receiver.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := guard(t, allow).Client().Do(req)
		if err != nil {
			t.Fatalf("%s is allowed: %v", allow, err)
		}
		resp.Body.Close()
	}
}

// TestNoRedirectIsFollowed, not even to where a receiver may be.
func TestNoRedirectIsFollowed(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
	}))
	t.Cleanup(receiver.Close)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, receiver.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := guard(t, "127.0.0.1").Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusTemporaryRedirect || asked.Load() != 1 {
		t.Errorf("got %d after %d requests", resp.StatusCode, asked.Load())
	}
}

// FuzzCheckURL: what is accepted without being allowed is https to a name or a
// public address.
func FuzzCheckURL(f *testing.F) {
	for _, seed := range []string{"https://example.com/", "https://127.1/", "https://[::ffff:7f00:1]/", "https://0x7f000001", "https://a@b", "https://%31%32%37.1/"} {
		f.Add(seed)
	}
	g := guard(f)
	f.Fuzz(func(t *testing.T, url string) {
		if g.CheckURL(url) != nil {
			return
		}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, nil)
		if err != nil {
			t.Fatalf("%q was accepted, and cannot be asked: %v", url, err)
		}
		if req.URL.Scheme != "https" || req.URL.User != nil {
			t.Errorf("%q was accepted", url)
		}
		if a, err := netip.ParseAddr(req.URL.Hostname()); err == nil && !public(a) {
			t.Errorf("%q was accepted", url)
		}
	})
}

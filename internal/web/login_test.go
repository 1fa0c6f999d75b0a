package web

import "testing"

// Browsers take blanks and line ends out of an address before they read it,
// and a backslash for a slash.
func TestAfterLoggingInNobodyIsSentElsewhere(t *testing.T) {
	t.Parallel()
	for from, want := range map[string]string{
		"/batches?state=running": "/batches?state=running",
		"":                       "/",
		"batches":                "/",
		"https://elsewhere.test": "/",
		"//elsewhere.test":       "/",
		"/\\elsewhere.test":      "/",
		"/\t/elsewhere.test":     "/",
		"/\n/elsewhere.test":     "/",
		"\t//elsewhere.test":     "/",
		"/\x00/elsewhere.test":   "/",
	} {
		if got := local(from); got != want {
			t.Errorf("local(%q) = %q, want %q", from, got, want)
		}
	}
}

package providers_test

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/plateq/plateq/providers"
)

func TestForeign(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC)
	for status := 100; status < 600; status++ {
		a := &providers.Answer{Status: status, Header: http.Header{}, Body: []byte("<html>" + plate)}
		e := a.Foreign("attestr", "submit", now)
		want, scope, until := providers.Ambiguous, "attestr", time.Time{}
		if status == http.StatusTooManyRequests {
			want, scope, until = providers.RateLimited, "attestr/submit", now.Add(time.Minute)
		}
		wantError(t, e, want, "http_"+strconv.Itoa(status))
		if e.Scope != scope || !e.Until.Equal(until) || string(e.Head) != string(a.Body) {
			t.Errorf("status %d: got scope %q, until %v, head %q", status, e.Scope, e.Until, e.Head)
		}
	}
	a := &providers.Answer{Status: 429, Header: http.Header{"Retry-After": {"5"}}}
	if e := a.Foreign("attestr", "submit", now); !e.Until.Equal(now.Add(5 * time.Second)) {
		t.Errorf("got until %v, want 5 s from now", e.Until)
	}
}

func TestForeignSaysWhatCame(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		"":                       "empty answer",
		"<!DOCTYPE html><p>Oops": "web page",
		`{"half":`:               "8 bytes that are not in its documented form",
	} {
		e := (&providers.Answer{Status: 502, Body: []byte(body)}).Foreign("attestr", "submit", time.Time{})
		if !strings.Contains(e.Error(), want) {
			t.Errorf("body %q: got %q, want it to say %q", body, e, want)
		}
	}
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC)
	for _, tc := range []struct {
		value, date string
		want        time.Duration // 0: no time
	}{
		{value: ""},
		{value: "soon"},
		{value: "-1"},
		{value: "0"},
		{value: "1.5"},
		{value: "120", want: 2 * time.Minute},
		{value: " 120 ", want: 2 * time.Minute},
		{value: "86400", want: 24 * time.Hour},
		{value: "86401", want: 24 * time.Hour},
		{value: "99999999999999999999999", want: 24 * time.Hour},
		{value: "Sat, 21 Nov 2026 10:00:30 GMT", want: 30 * time.Second},
		{value: "Sat, 21 Nov 2026 09:59:59 GMT"},
		{value: "Fri, 31 Dec 9999 23:59:59 GMT", want: 24 * time.Hour},
		// A server whose clock is an hour slow still means half a minute.
		{value: "Sat, 21 Nov 2026 09:00:30 GMT", date: "Sat, 21 Nov 2026 09:00:00 GMT", want: 30 * time.Second},
	} {
		h := http.Header{}
		h.Set("Retry-After", tc.value)
		if tc.date != "" {
			h.Set("Date", tc.date)
		}
		var want time.Time
		if tc.want > 0 {
			want = now.Add(tc.want)
		}
		if got := providers.RetryAfter(h, now); !got.Equal(want) {
			t.Errorf("RetryAfter(%q): got %v, want %v", tc.value, got, want)
		}
	}
}

func FuzzRetryAfter(f *testing.F) {
	for _, v := range []string{"", "1", "-1", "86401", "1e9", "Sat, 21 Nov 2026 10:00:30 GMT"} {
		f.Add(v, v)
	}
	now := time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, value, date string) {
		got := providers.RetryAfter(http.Header{"Retry-After": {value}, "Date": {date}}, now)
		if !got.IsZero() && (!got.After(now) || got.After(now.Add(24*time.Hour))) {
			t.Errorf("RetryAfter(%q): got %v, want zero or a time within the next day", value, got)
		}
	})
}

func TestRedact(t *testing.T) {
	t.Parallel()
	inner := &url.Error{Op: "Get", URL: "http://x.test/?seccode=" + token, Err: io.EOF}
	outer := &url.Error{Op: "Post", URL: "http://x.test/" + plate, Err: inner}
	for _, err := range []error{inner, outer, errors.Join(errors.New("ask"), outer)} {
		if got := providers.Redact(err); !errors.Is(got, io.EOF) || strings.Contains(got.Error(), "x.test") {
			t.Errorf("Redact(%T): got %v, want EOF alone", err, got)
		}
	}
	plain := errors.New("plain")
	if got := providers.Redact(plain); got != plain { //nolint:errorlint // the very same
		t.Errorf("got %v, want it unchanged", got)
	}
}

package providers_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/plateq/plateq/providers"
)

func TestClassNames(t *testing.T) {
	t.Parallel()
	// The names are stored: a change here is a change of the contract.
	want := []string{"not_found", "invalid_input", "provider_error", "rate_limited", "daily_limited",
		"out_of_credit", "unauthorised", "unavailable", "ambiguous", "missing_at_provider", "poison"}
	var got []string
	for _, c := range providers.Classes() {
		got = append(got, c.String())
		if back, ok := providers.ParseClass(c.String()); !ok || back != c {
			t.Errorf("ParseClass(%q): got %v, %v", c.String(), back, ok)
		}
	}
	if strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("got %v, want %v", got, want)
	}
	for _, name := range []string{"", "Ambiguous", "class(0)", "unknown"} {
		if c, ok := providers.ParseClass(name); ok {
			t.Errorf("ParseClass(%q): got %v, want none", name, c)
		}
	}
	for _, c := range []providers.Class{0, 200} {
		if got, want := c.String(), fmt.Sprintf("class(%d)", c); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestErrorIsItsClass(t *testing.T) {
	t.Parallel()
	cause := errors.New("cause")
	var err error = &providers.Error{Provider: "attestr", Op: "submit", Class: providers.RateLimited, Code: "4291", Err: cause}
	err = fmt.Errorf("ask: %w", err)
	for _, c := range providers.Classes() {
		if got, want := errors.Is(err, c), c == providers.RateLimited; got != want {
			t.Errorf("errors.Is(err, %v): got %v, want %v", c, got, want)
		}
	}
	if !errors.Is(err, cause) {
		t.Error("the cause is lost")
	}
	if got, want := err.Error(), "ask: attestr: submit: rate_limited (4291): cause"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestErrorTextHoldsNoContent(t *testing.T) {
	t.Parallel()
	e := &providers.Error{Provider: "attestr", Op: "submit", Class: providers.ProviderError,
		Message: "no such plate " + plate, Head: []byte(plate)}
	for _, verb := range []string{"%v", "%+v", "%s", "%q"} {
		if got := fmt.Sprintf(verb, e); strings.Contains(got, plate) {
			t.Errorf("%s: got %q, which holds the plate", verb, got)
		}
	}
}

func TestSecretShowsNothing(t *testing.T) {
	t.Parallel()
	s := providers.Secret(token)
	shown := []string{s.String(), s.GoString(), s.LogValue().String(), slog.Any("k", s).String()}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%U"} {
		shown = append(shown, fmt.Sprintf(verb, s), fmt.Sprintf(verb, struct{ S providers.Secret }{s}),
			fmt.Sprintf(verb, map[string]providers.Secret{"k": s}))
	}
	b, err := json.Marshal(map[string]any{"k": []providers.Secret{s}})
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range append(shown, string(b)) {
		if strings.Contains(text, token) || strings.Contains(text, fmt.Sprintf("%x", token)) {
			t.Errorf("got %q, which holds the secret", text)
		}
		if !strings.Contains(text, "[secret]") {
			t.Errorf("got %q, want it to say [secret]", text)
		}
	}
	if s.Reveal() != token || providers.Secret("").String() != "" {
		t.Error("Reveal must give the secret, and an empty one must show as empty")
	}
}

func TestMasker(t *testing.T) {
	t.Parallel()
	mask := providers.Masker("", "abc", "abcdef", "")
	if got, want := mask("abcd abcdef ab"), "[secret]d [secret] ab"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if text := fmt.Sprintf("%+v", struct{ mask func(string) string }{mask}); strings.Contains(text, "abc") {
		t.Errorf("got %s, want no secret in the print of a masker", text)
	}
}

func TestBodyMasker(t *testing.T) {
	t.Parallel()
	secrets := []providers.Secret{"", "abc", "abcdef", ""}
	mask, plain := providers.BodyMasker(secrets...), providers.Masker(secrets...)
	for _, text := range []string{"abcd abcdef ab", "abc", "abcdef", "ab", "ABC", ""} {
		body := []byte(text)
		got := mask(body)
		if string(got) != plain(text) || string(body) != text {
			t.Errorf("%q: got %q and left %q, want %q and what there was", text, got, body, plain(text))
		}
		if same := len(body) > 0 && &got[0] == &body[0]; len(body) > 0 && same != (plain(text) == text) {
			t.Errorf("%q: got the same memory: %v", text, same)
		}
	}
	if body := []byte("any"); &providers.BodyMasker("")(body)[0] != &body[0] {
		t.Error("got a copy where there is no secret")
	}
	if text := fmt.Sprintf("%+v", struct{ mask func([]byte) []byte }{mask}); strings.Contains(text, "abc") {
		t.Errorf("got %s, want no secret in the print of a masker", text)
	}
}

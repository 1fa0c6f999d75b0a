package providers

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
)

// Secret is a credential. Printed, logged or marshalled it shows as
// "[secret]", or as nothing where it is empty; only Reveal gives it out. It is
// a string kind, so that readers of the environment can fill it.
//
// No type can keep fmt from reading an unexported field of a struct, nor
// encoding/json from writing the key of a map: keep a Secret in neither.
type Secret string

// masked stands for every secret that is set.
const masked = "[secret]"

// Reveal returns the credential itself, for the header or the hash that needs
// it.
func (s Secret) Reveal() string { return string(s) }

// String returns "[secret]", or "" where s is empty.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return masked
}

// Format prints what String returns, whatever the verb: without it %d and
// the like would show the value in their complaint.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

// GoString returns what String returns.
func (s Secret) GoString() string { return s.String() }

// MarshalText returns what String returns.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// LogValue returns what String returns.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// Masker returns a function that puts "[secret]" for each of secrets in a
// text: some providers quote in their messages what they were sent. The
// secrets live in the closure, out of fmt's reach.
func Masker(secrets ...Secret) func(string) string {
	secrets = slices.Clone(secrets)
	slices.SortFunc(secrets, func(a, b Secret) int { return len(b) - len(a) }) // one may begin another
	var pairs []string
	for _, s := range secrets {
		if s != "" {
			pairs = append(pairs, s.Reveal(), masked)
		}
	}
	return strings.NewReplacer(pairs...).Replace
}

// BodyMasker is Masker for bodies, which hold a secret next to never: one that
// holds none is returned itself.
func BodyMasker(secrets ...Secret) func([]byte) []byte {
	mask := Masker(secrets...)
	var all [][]byte
	for _, s := range secrets {
		if s != "" {
			all = append(all, []byte(s.Reveal()))
		}
	}
	return func(body []byte) []byte {
		in := func(secret []byte) bool { return bytes.Contains(body, secret) }
		if !slices.ContainsFunc(all, in) {
			return body
		}
		return []byte(mask(string(body)))
	}
}

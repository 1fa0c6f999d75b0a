package attestr

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"net/http"
	"slices"
	"strings"

	"github.com/plateq/plateq/providers"
)

// What a signature may be over, see ReadCallback. formAny is all of them.
const (
	formAny     = "any"
	formRaw     = "raw"
	formCompact = "compact"
	formString  = "string"
)

func forms() []string { return []string{formRaw, formCompact, formString} }

// proof tells genuine webhooks from forged ones.
type proof struct {
	// token and key report whether a token, and the signature of a text, are
	// good. nil: there is nothing to compare with. The secrets live in closures
	// as fmt would print a field.
	token func(shown string) bool
	key   func(text []byte, signature string) bool
	forms []string // over which a signature is tried, in order
}

func newProof(cfg Config) proof {
	p := proof{forms: forms()}
	if cfg.SignedForm != formAny {
		p.forms = []string{cfg.SignedForm}
	}
	if tokens := list(cfg.WebhookToken); len(tokens) > 0 {
		p.token = func(shown string) bool { return matchesOne(tokens, shown) }
	}
	if keys := list(cfg.ClientSecret); len(keys) > 0 {
		p.key = func(text []byte, signature string) bool { return signedByOne(keys, text, signature) }
	}
	return p
}

// list splits a secret that may be several: while one is changed, both count.
func list(s providers.Secret) []string {
	parts := strings.FieldsFunc(s.Reveal(), func(r rune) bool { return r == ',' })
	for i := range parts {
		parts[i] = strings.TrimSpace(parts[i])
	}
	return slices.DeleteFunc(parts, func(part string) bool { return part == "" })
}

// matchesOne takes as long whatever is shown.
func matchesOne(tokens []string, shown string) bool {
	got, good := sha256.Sum256([]byte(shown)), 0
	for _, t := range tokens {
		want := sha256.Sum256([]byte(t))
		good |= subtle.ConstantTimeCompare(got[:], want[:])
	}
	return good == 1
}

// signedByOne compares digits, so that a signature in capitals is none.
func signedByOne(keys []string, text []byte, signature string) bool {
	good := false
	for _, k := range keys {
		m := hmac.New(sha256.New, []byte(k))
		m.Write(text)
		good = hmac.Equal([]byte(hex.EncodeToString(m.Sum(nil))), []byte(signature)) || good
	}
	return good
}

// admits reports whether the headers show a token that is good, or need none.
func (p proof) admits(h http.Header) bool {
	if p.token == nil {
		return true
	}
	shown := h.Values("Authorization")
	if len(shown) != 1 {
		return false
	}
	scheme, token, _ := strings.Cut(shown[0], " ")
	return strings.EqualFold(scheme, "Basic") && p.token(token)
}

// vouches reports whether an event that was admitted is genuine, and in which
// form it is signed; empty: its token vouches for it.
func (p proof) vouches(e event) (form string, ok bool) {
	signature, ok := e.signature()
	switch {
	case !ok:
		return "", false
	case signature == "":
		return "", p.token != nil && (p.key == nil || e.name != eventCompleted)
	case p.key == nil:
		return "", p.token != nil
	}
	texts := e.forms()
	for _, form := range p.forms {
		if text, there := texts[form]; there && p.key(text, signature) {
			return form, true
		}
	}
	return "", false
}

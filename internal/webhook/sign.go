package webhook

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// The headers of Standard Webhooks.
const (
	HeaderID        = "webhook-id"
	HeaderTimestamp = "webhook-timestamp"
	HeaderSignature = "webhook-signature"
)

// secretSize is the size of a secret, in bytes.
const secretSize = 32

// Secret is a key that a receiver and this side share. It shows itself as
// "[secret]" wherever it is printed.
type Secret []byte

// NewSecret makes a secret at random.
func NewSecret() Secret {
	s := make(Secret, secretSize)
	_, _ = rand.Read(s) // never fails: crypto/rand ends the process instead
	return s
}

// Reveal returns the secret as receivers are given it: "whsec_…".
func (s Secret) Reveal() string { return "whsec_" + base64.StdEncoding.EncodeToString(s) }

// String implements fmt.Stringer.
func (s Secret) String() string { return "[secret]" }

// Format implements fmt.Formatter: no verb shows the bytes.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(s.String())) }

// MarshalText implements encoding.TextMarshaler.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// sign returns the signature header of a message: one for each secret, so that
// a receiver that knows any of them can verify it.
func sign(id string, at time.Time, body []byte, secrets [][]byte) string {
	signatures := make([]string, len(secrets))
	for i, key := range secrets {
		m := hmac.New(sha256.New, key)
		m.Write([]byte(id + "." + strconv.FormatInt(at.Unix(), 10) + "."))
		m.Write(body)
		signatures[i] = "v1," + base64.StdEncoding.EncodeToString(m.Sum(nil))
	}
	return strings.Join(signatures, " ")
}

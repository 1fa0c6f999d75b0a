package webhook

import (
	"fmt"
	"net/http"
	"strconv"
	"testing"
	"time"

	standard "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// TestSignaturesVerify holds signatures against the library that receivers use.
func TestSignaturesVerify(t *testing.T) {
	t.Parallel()
	body := []byte(`{"type":"batch.done","data":{"batch":"b_1"}}`)
	older, newer, foreign := NewSecret(), NewSecret(), NewSecret()
	for name, tc := range map[string]struct {
		with   []Secret
		by     Secret
		at     time.Duration
		body   string
		verify bool
	}{
		"one secret":                 {[]Secret{newer}, newer, 0, string(body), true},
		"the newer of two":           {[]Secret{newer, older}, newer, 0, string(body), true},
		"the older of two":           {[]Secret{newer, older}, older, 0, string(body), true},
		"another secret":             {[]Secret{newer, older}, foreign, 0, string(body), false},
		"another body":               {[]Secret{newer}, newer, 0, `{"type":"batch.done","data":{"batch":"b_2"}}`, false},
		"replayed after ten minutes": {[]Secret{newer}, newer, -10 * time.Minute, string(body), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			at := time.Now().Add(tc.at)
			keys := make([][]byte, len(tc.with))
			for i, s := range tc.with {
				keys[i] = s
			}
			h := http.Header{}
			h.Set(HeaderID, "evt_1")
			h.Set(HeaderTimestamp, strconv.FormatInt(at.Unix(), 10))
			h.Set(HeaderSignature, sign("evt_1", at, body, keys))
			wh, err := standard.NewWebhook(tc.by.Reveal())
			if err != nil {
				t.Fatal(err)
			}
			if err := wh.Verify([]byte(tc.body), h); (err == nil) != tc.verify {
				t.Errorf("got %v, want it to verify: %t", err, tc.verify)
			}
		})
	}
}

func TestSecretsDoNotShow(t *testing.T) {
	t.Parallel()
	s := NewSecret()
	for _, verb := range []string{"%v", "%s", "%q", "%x", "%d", "%#v", "%+v"} {
		if got := fmt.Sprintf(verb, s); got != "[secret]" {
			t.Errorf("%s: got %s", verb, got)
		}
	}
	if text, err := s.MarshalText(); err != nil || string(text) != "[secret]" {
		t.Errorf("got %s, %v", text, err)
	}
}

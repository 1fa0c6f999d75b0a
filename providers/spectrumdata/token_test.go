package spectrumdata

import (
	"encoding/base64"
	"strings"
	"testing"
	"time"
)

func TestToken(t *testing.T) {
	t.Parallel()
	const want = "dGVzdEB0ZXN0OjE0ODM2MzQ3MjM6NTpaVGZBTzQramFDdmhWMCs2elk1dWFnPT0="
	if got := token("test@test", base64MD5("123"), 1483634723, 5); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestTokensAreDatedBack(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.FixedZone("elsewhere", 3*60*60))
	plain, err := base64.StdEncoding.DecodeString(tokens("test@test", "123")(now))
	if err != nil || !strings.HasPrefix(string(plain), "test@test:1795251540:3660:") {
		t.Errorf("got %q, %v, want a stamp of a minute ago that is good for an hour from now", plain, err)
	}
}

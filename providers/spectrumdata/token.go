package spectrumdata

import (
	"crypto/md5" //nolint:gosec // as the API has it
	"encoding/base64"
	"fmt"
	"regexp"
	"strconv"
	"time"

	"github.com/plateq/plateq/providers"
)

// A token says for how long it is good, from a little before it was made: the
// clocks of both sides need not agree to the second.
const (
	tokenAge    = time.Hour
	tokenBefore = time.Minute
)

// tokens returns a maker of tokens. The password's hash lives in the closure,
// where fmt does not find it.
func tokens(user string, password providers.Secret) func(now time.Time) string {
	hash := base64MD5(password.Reveal())
	return func(now time.Time) string {
		return token(user, hash, now.Add(-tokenBefore).Unix(), int64((tokenAge+tokenBefore)/time.Second))
	}
}

// token is base64 of "user:stamp:age:salt", where the salt proves the password
// without showing it.
func token(user, hash string, stamp, age int64) string {
	times := strconv.FormatInt(stamp, 10) + ":" + strconv.FormatInt(age, 10)
	text := fmt.Sprintf("%s:%s:%s", user, times, base64MD5(times+":"+hash))
	return base64.StdEncoding.EncodeToString([]byte(text))
}

// base64MD5 is base64 of the sixteen bytes of an MD5.
func base64MD5(s string) string {
	sum := md5.Sum([]byte(s)) //nolint:gosec // as the API has it
	return base64.StdEncoding.EncodeToString(sum[:])
}

// masker returns a function that puts "[secret]" for the password, its hash
// and every token of the user, whenever it was made. They begin alike: base64
// keeps groups of three bytes apart.
func masker(user string, password providers.Secret) func(string) string {
	head := []byte(user + ":")
	head = head[:len(head)/3*3]
	quoted := regexp.MustCompile(regexp.QuoteMeta(base64.StdEncoding.EncodeToString(head)) + "[A-Za-z0-9+/=]*")
	plain := providers.Masker(password, providers.Secret(base64MD5(password.Reveal())))
	return func(s string) string { return quoted.ReplaceAllLiteralString(plain(s), "[secret]") }
}

package web

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"net/http"
	"time"

	"github.com/plateq/plateq/internal/api"
	"github.com/plateq/plateq/store"
)

// session is one login in one browser, or a browser without one.
type session struct {
	id    string // at random
	key   string // the id of the API key; empty: nobody has logged in
	until time.Time
}

// lasts is how long a session is good that nobody uses; it is made longer
// while somebody does, an hour at the least at a time.
const (
	lasts   = 12 * time.Hour
	refresh = time.Hour
)

// sessionIDLen is that of a session's id, in bytes.
const sessionIDLen = 32

// seal writes a session as the browser keeps it: what it is, and a signature
// without which anybody could make one.
func (s *site) seal(v session) string {
	text := append([]byte(v.id), make([]byte, 8)...)
	binary.BigEndian.PutUint64(text[sessionIDLen:], uint64(v.until.UnixMilli()))
	text = append(text, v.key...)
	return base64.RawURLEncoding.EncodeToString(append(s.sign("session", text), text...))
}

// unseal is the inverse of seal. False: it was not made here, or is over.
func (s *site) unseal(text string) (session, bool) {
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || len(raw) < sha256.Size+sessionIDLen+8 {
		return session{}, false
	}
	mac, said := raw[:sha256.Size], raw[sha256.Size:]
	if !hmac.Equal(mac, s.sign("session", said)) {
		return session{}, false
	}
	v := session{
		id: string(said[:sessionIDLen]), key: string(said[sessionIDLen+8:]),
		until: time.UnixMilli(int64(binary.BigEndian.Uint64(said[sessionIDLen:]))), //nolint:gosec // seal wrote it
	}
	return v, s.Now().Before(v.until) && !s.ended.has(v)
}

func (s *site) sign(what string, text []byte) []byte {
	mac := hmac.New(sha256.New, s.Secret)
	mac.Write([]byte(what + "\x00"))
	mac.Write(text)
	return mac.Sum(nil)
}

// token is what a form of a session carries: no other site can know it.
func (s *site) token(v session) string {
	return base64.RawURLEncoding.EncodeToString(s.sign("form", []byte(v.id)))
}

// The cookie's name. That of a connection with TLS can be set by this very
// host alone.
const (
	cookieName       = "plateq"
	secureCookieName = "__Host-plateq"
)

// encrypted reports whether the browser speaks TLS, perhaps to something in
// front of us. Whoever makes that up only gets a cookie that he cannot use.
func encrypted(r *http.Request) bool {
	return r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https"
}

func cookieFor(r *http.Request) string {
	if encrypted(r) {
		return secureCookieName
	}
	return cookieName
}

// keep gives the browser a session.
func (s *site) keep(w http.ResponseWriter, r *http.Request, v session) {
	//nolint:gosec // without TLS a Secure cookie would not come back
	http.SetCookie(w, &http.Cookie{
		Name: cookieFor(r), Value: s.seal(v), Path: "/", MaxAge: int(v.until.Sub(s.Now()).Seconds()),
		HttpOnly: true, Secure: encrypted(r), SameSite: http.SameSiteLaxMode,
	})
}

// begin makes a session for the holder of a key, or with a zero one for
// nobody. It ends with the key.
func (s *site) begin(k store.APIKey) session {
	return session{id: newID(), key: k.ID, until: s.ends(k)}
}

func (s *site) ends(k store.APIKey) time.Time {
	until := s.Now().Add(lasts)
	if !k.Expires.IsZero() && k.Expires.Before(until) {
		until = k.Expires
	}
	return until
}

// errLogIn says that whoever asks has to log in first.
var errLogIn = errors.New("log in first")

// enter finds out who visits. The visit has a session in any case, so that
// forms have a token, but no key where nobody has logged in: errLogIn.
func (v *visit) enter() error {
	known := false
	if c, err := v.r.Cookie(cookieFor(v.r)); err == nil {
		v.session, known = v.unseal(c.Value)
	}
	open := v.Access == nil
	var err error
	if !open {
		if open, err = v.Access.Open(v.r.Context()); err != nil {
			return err
		}
	}
	if open && !api.Local(v.r.Host) {
		return errForeignName
	}
	v.open = open
	switch {
	case open:
		v.key = everything()
	case known && v.session.key != "":
		v.key, err = v.Access.Holder(v.r.Context(), v.session.key)
		if _, gone := errors.AsType[*api.Problem](err); gone {
			known, err = false, nil
		}
	}
	if err != nil {
		return err
	}
	if !known {
		v.session = v.begin(store.APIKey{})
		v.key.ID = ""
		v.keep(v.w, v.r, v.session)
	} else if until := v.ends(v.key); until.Sub(v.session.until) > refresh {
		v.session.until = until
		v.keep(v.w, v.r, v.session)
	}
	if !open && v.session.key == "" {
		return errLogIn
	}
	return nil
}

var errForeignName = &refusal{
	status: http.StatusForbidden, title: "Only this machine is answered",
	Detail: "There is no API key yet, so that only requests to localhost or a loopback address are answered. " +
		"Open http://localhost with the same port on the machine itself, or make a key with plateq keys create.",
}

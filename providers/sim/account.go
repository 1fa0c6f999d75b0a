package sim

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Unlimited is the credit of an account that never runs out.
const Unlimited = -1

// DefaultReset is when the provider's day begins where an account does not say.
const DefaultReset = "00:00 Asia/Kolkata"

// DefaultPageMax is the most rows of a page where an account does not say.
const DefaultPageMax = 100

// Limits are those of an account or of one of its endpoints. The zero value limits nothing.
type Limits struct {
	Rate  float64 `json:"rate,omitempty"`  // requests a second; 0: no limit
	Burst int     `json:"burst,omitempty"` // requests at once; 0: 1
	Daily int     `json:"daily,omitempty"` // requests from one reset to the next; 0: no limit
	Fixed bool    `json:"fixed,omitempty"` // Rate is counted anew with each second of the clock, and nothing is saved up
}

// Account is a customer of one provider of the stand-in.
type Account struct {
	Provider  string            `json:"provider,omitempty"`   // empty: attestr
	Name      string            `json:"name"`                 // one of its own at each provider
	Login     string            `json:"login,omitempty"`      // the public half of the credentials, where there are two; empty: DefaultLogin
	Token     string            `json:"token"`                // the secret one
	Credit    int               `json:"credit"`               // records that can still be charged; Unlimited: any number
	Free      int               `json:"free,omitempty"`       // requests that cost nothing, used before the credit: of regnum
	Disabled  bool              `json:"disabled,omitempty"`   // every call is refused
	Withheld  bool              `json:"withheld,omitempty"`   // the service is not provisioned
	IPRefused bool              `json:"ip_refused,omitempty"` // the client's address is not on the list
	Limits    Limits            `json:"limits"`               // of all its calls
	Endpoints map[string]Limits `json:"endpoints,omitempty"`  // of one endpoint each: "submit", "items", "lookup", …
	Reset     string            `json:"reset,omitempty"`      // "HH:MM Zone" of the daily limits; empty: DefaultReset
	PageMax   int               `json:"page_max,omitempty"`   // the most rows of a page, a larger $limit is cut to it; 0: DefaultPageMax
	BatchMax  int               `json:"batch_max,omitempty"`  // the most items of a submit; 0: no limit
}

// defaultAccount is the one that a provider has where the options name none.
func defaultAccount(provider string) Account {
	return Account{Provider: provider, Name: "default", Login: DefaultLogin, Token: DefaultToken, Credit: Unlimited}
}

// complete fills in what may be left out.
func (a Account) complete() Account {
	a.Provider = cmp.Or(a.Provider, attestrName)
	a.Login = cmp.Or(a.Login, DefaultLogin)
	return a
}

func (a Account) pageMax() int {
	if a.PageMax == 0 {
		return DefaultPageMax
	}
	return a.PageMax
}

func (a Account) validate(u upstream) error {
	switch {
	case u == nil:
		return fmt.Errorf("check account %s: unknown provider %q", a.Name, a.Provider)
	case a.Name == "":
		return errors.New("check account: no name")
	case a.Token == "":
		return fmt.Errorf("check account %s: no token", a.Name)
	case a.Credit < Unlimited:
		return fmt.Errorf("check account %s: credit below %d", a.Name, Unlimited)
	case a.PageMax < 0 || a.BatchMax < 0 || a.Free < 0:
		return fmt.Errorf("check account %s: negative page or batch size, or free requests", a.Name)
	}
	for endpoint, l := range a.Endpoints {
		if !slices.Contains(u.endpoints(), endpoint) {
			return fmt.Errorf("check account %s: unknown endpoint %q", a.Name, endpoint)
		}
		if err := l.validate(); err != nil {
			return fmt.Errorf("check account %s, %s: %w", a.Name, endpoint, err)
		}
	}
	if err := a.Limits.validate(); err != nil {
		return fmt.Errorf("check account %s: %w", a.Name, err)
	}
	if _, err := parseReset(a.Reset); err != nil {
		return fmt.Errorf("check account %s: %w", a.Name, err)
	}
	return nil
}

func (l Limits) validate() error {
	if l.Rate < 0 || l.Burst < 0 || l.Daily < 0 {
		return errors.New("negative limit")
	}
	return nil
}

// account is an Account and what it has used.
type account struct {
	Account
	reset reset
	all   *meter
	each  map[string]*meter // by endpoint
}

// use sets what the account is and keeps what it has used.
func (a *account) use(v Account) {
	v.Endpoints = maps.Clone(v.Endpoints)
	a.Account = v
	a.reset, _ = parseReset(v.Reset) // validated
	a.all.use(v.Limits)
	for name, m := range a.each {
		m.use(v.Endpoints[name])
	}
}

// admit takes one request to endpoint from every limit, or from none and returns the refusal.
func (a *account) admit(endpoint string, now time.Time) refusal {
	one := a.each[endpoint]
	day := a.reset.before(now)
	a.all.advance(now, day)
	one.advance(now, day)
	switch {
	case a.all.dry():
		return accountRate
	case one.dry():
		return endpointRate
	case a.all.spent():
		return accountDaily
	case one.spent():
		return endpointDaily
	}
	a.all.take()
	one.take()
	return 0
}

// meter is a token bucket and a daily count.
type meter struct {
	Limits
	tokens float64
	last   time.Time
	day    time.Time // the reset that began the count
	used   int
}

// burst is the most tokens that there can be: where windows are fixed, those of one of them.
func (m *meter) burst() float64 {
	if m.Fixed {
		return max(1, m.Rate)
	}
	return float64(max(1, m.Burst))
}

func (m *meter) use(l Limits) {
	if m.Limits == (Limits{}) || m.last.IsZero() {
		m.Limits = l
		m.tokens = m.burst()
		return
	}
	m.Limits = l
	m.tokens = min(m.tokens, m.burst())
}

// advance moves the meter to now. A clock that jumps back neither fills the bucket nor begins a day.
func (m *meter) advance(now, day time.Time) {
	switch {
	case m.last.IsZero() || !now.After(m.last):
	case !m.Fixed:
		m.tokens = min(m.burst(), m.tokens+m.Rate*now.Sub(m.last).Seconds())
	case now.Unix() > m.last.Unix():
		m.tokens = m.burst()
	}
	m.last = now
	if day.After(m.day) {
		m.day, m.used = day, 0
	}
}

// A token that is short by a rounding error counts as whole.
func (m *meter) dry() bool   { return m.Rate > 0 && m.tokens < 1-1e-9 }
func (m *meter) spent() bool { return m.Daily > 0 && m.used >= m.Daily }

func (m *meter) take() {
	m.tokens--
	m.used++
}

// reset is a time of day in a zone.
type reset struct {
	hour, minute int
	zone         *time.Location
}

func parseReset(s string) (reset, error) {
	if s == "" {
		s = DefaultReset
	}
	clock, zone, ok := strings.Cut(s, " ")
	if !ok {
		return reset{}, fmt.Errorf("parse reset %q: want HH:MM Zone", s)
	}
	t, err := time.Parse("15:04", clock)
	if err != nil {
		return reset{}, fmt.Errorf("parse reset %q: want HH:MM Zone", s)
	}
	loc, err := time.LoadLocation(zone)
	if err != nil {
		return reset{}, fmt.Errorf("parse reset %q: %w", s, err)
	}
	return reset{t.Hour(), t.Minute(), loc}, nil
}

// before returns the last reset at or before now.
func (r reset) before(now time.Time) time.Time {
	y, m, d := now.In(r.zone).Date()
	t := time.Date(y, m, d, r.hour, r.minute, 0, 0, r.zone)
	if t.After(now) {
		t = time.Date(y, m, d-1, r.hour, r.minute, 0, 0, r.zone)
	}
	return t
}

// SetAccount makes the account of that name what a says, credit included, and adds it where there is none. What it has
// used of its limits stays used. The change is journaled.
func (s *Server) SetAccount(a Account) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.setAccount(a)
}

func (s *Server) setAccount(a Account) error {
	a = a.complete()
	if err := s.checkAccount(a); err != nil {
		return err
	}
	line, err := json.Marshal(entry{Set: &a})
	if err != nil {
		return fmt.Errorf("encode account: %w", err)
	}
	if err := s.opts.Journal.Append(line); err != nil {
		return err
	}
	return s.putAccount(a)
}

// Accounts returns the accounts as they stand, with the credit that is left.
func (s *Server) Accounts() []Account {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]Account, len(s.accounts))
	for i, a := range s.accounts {
		out[i] = a.Account
		out[i].Endpoints = maps.Clone(a.Endpoints)
	}
	return out
}

func (s *Server) checkAccount(a Account) error {
	if err := a.validate(s.upstreamNamed(a.Provider)); err != nil {
		return err
	}
	same := func(b *account) bool { return b.Name != a.Name && b.Login == a.Login && b.Token == a.Token }
	if b := s.accountWhere(a.Provider, same); b != nil {
		return fmt.Errorf("check account %s: %s has the same token", a.Name, b.Name)
	}
	return nil
}

func (s *Server) putAccount(v Account) error {
	v = v.complete()
	if err := s.checkAccount(v); err != nil {
		return err
	}
	a := s.accountNamed(v.Provider, v.Name)
	if a == nil {
		a = &account{all: &meter{}, each: map[string]*meter{}}
		for _, endpoint := range s.upstreamNamed(v.Provider).endpoints() {
			a.each[endpoint] = &meter{}
		}
		s.accounts = append(s.accounts, a)
	}
	a.use(v)
	return nil
}

func (s *Server) accountNamed(provider, name string) *account {
	return s.accountWhere(provider, func(a *account) bool { return a.Name == name })
}

// accountOf returns the account of a provider that has the secret; an empty one is nobody's.
func (s *Server) accountOf(provider, token string) *account {
	return s.accountWhere(provider, func(a *account) bool { return token != "" && a.Token == token })
}

func (s *Server) accountWhere(provider string, match func(*account) bool) *account {
	is := func(a *account) bool { return a.Provider == provider && match(a) }
	if i := slices.IndexFunc(s.accounts, is); i >= 0 {
		return s.accounts[i]
	}
	return nil
}

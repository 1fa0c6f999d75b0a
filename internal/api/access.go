package api

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/plateq/plateq/store"
)

// Access says who may ask: it knows the keys, and how often each is shown.
// It is safe for concurrent use.
type Access struct {
	keys Keys
	now  func() time.Time
	// needed: a key was made once, and from then on nobody comes in without.
	needed atomic.Bool

	good *meter // of requests, by key
	bad  *meter // of keys that do not count, by the address they come from

	mu   sync.Mutex
	used map[string]time.Time // since the last Flush, by id
}

// AccessOptions say how Access is to judge.
type AccessOptions struct {
	// Needed: a key is needed even though none was ever made.
	Needed bool
	// Rate is how many requests a second one key may make, as many of them at
	// once after a pause; 0: any number.
	Rate int
	// Now is the clock; nil: time.Now.
	Now func() time.Time
}

// Wrong keys from one address: so many at once, then one every three seconds.
// Nobody finds a key by trying, but each try asks the store.
const (
	badBurst = 20
	badRate  = 20.0 / 60
)

// Keys are the keys that are kept, and the audit log.
type Keys interface {
	store.Access
	NoteAct(ctx context.Context, a store.Act) (store.Act, error)
}

// NewAccess returns who may ask, by the keys that are kept.
func NewAccess(keys Keys, o AccessOptions) *Access {
	a := &Access{keys: keys, now: o.Now, used: map[string]time.Time{}, bad: newMeter(badRate, badBurst)}
	if a.now == nil {
		a.now = time.Now
	}
	if o.Rate > 0 {
		a.good = newMeter(float64(o.Rate), o.Rate)
	}
	a.needed.Store(o.Needed)
	return a
}

// Flush writes down when keys were used. Until then it is known here alone, so
// that no request waits for it.
func (a *Access) Flush(ctx context.Context) error {
	a.mu.Lock()
	used := a.used
	a.used = map[string]time.Time{}
	a.mu.Unlock()
	if len(used) == 0 {
		return nil
	}
	err := a.keys.UsedAPIKeys(ctx, used)
	if err != nil {
		a.mu.Lock()
		maps.Copy(used, a.used) // what came meanwhile is newer
		a.used = used
		a.mu.Unlock()
	}
	return err
}

// open reports whether everybody may do everything: no key was ever made, nor
// is one needed.
func (a *Access) open(ctx context.Context) (bool, error) {
	if a == nil {
		return true, nil // who holds the handler holds the store
	}
	if a.needed.Load() {
		return false, nil
	}
	all, err := a.keys.APIKeys(ctx, "")
	if err != nil {
		return false, fmt.Errorf("look for API keys: %w", err)
	}
	a.needed.Store(len(all) > 0)
	return len(all) == 0, nil
}

// everything is what may be done where no key is needed.
func everything(ctx context.Context) store.APIKey {
	p, _ := ctx.Value(personKey{}).(person)
	return p.leaves(store.APIKey{Tenant: store.AllTenants, Scopes: store.Scopes()})
}

// identify returns the key that a request shows, or has been given by As. All
// that is no key that counts is answered alike.
func (a *Access) identify(r *http.Request) (store.APIKey, error) {
	if p, ok := r.Context().Value(personKey{}).(person); ok {
		return a.holds(r.Context(), p)
	}
	k, err := a.judge(r, bearer(r))
	if err != nil {
		return store.APIKey{}, err
	}
	return k, a.counted(k)
}

// judge returns the key of that text, which a request shows.
func (a *Access) judge(r *http.Request, text string) (store.APIKey, error) {
	id, hash, _ := store.ParseAPIKey(text)
	k, err := a.keys.APIKey(r.Context(), id) // of "" there is none, and looking takes as long
	if err != nil && !errors.Is(err, store.ErrNoKey) {
		return store.APIKey{}, fmt.Errorf("look up API key: %w", err)
	}
	now := a.now()
	if !k.Opens(hash) || err != nil || !k.Valid(now) {
		if wait, ok := a.bad.admit(addressOf(r), now); !ok {
			return store.APIKey{}, tooMany(wait)
		}
		return store.APIKey{}, unauthorised()
	}
	return k, nil
}

func tooMany(wait time.Duration) *Problem {
	return problem(http.StatusTooManyRequests, "too_many_requests", "there are too many requests; come again later").again(wait)
}

// bearer returns what a request shows as its key; "": nothing, or more than
// one thing.
func bearer(r *http.Request) string {
	shown := r.Header.Values("Authorization")
	if len(shown) != 1 {
		return ""
	}
	scheme, key, _ := strings.Cut(shown[0], " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(key)
}

// addressOf is where a request comes from, as far as the connection tells: what
// a request says of that could be made up. An IPv6 network of 64 bits is one, as
// whoever has an address there has all of them.
func addressOf(r *http.Request) string {
	from, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	addr := from.Addr().Unmap().WithZone("")
	if addr.Is4() {
		return addr.String()
	}
	return netip.PrefixFrom(addr, 64).Masked().String()
}

// callerKey is where a request keeps the key under which it is answered. It is
// in the context as every handler gets that, whatever stands between.
type callerKey struct{}

// caller returns that key. Until it is known it is one to which nothing is
// allowed and nothing belongs.
func caller(ctx context.Context) store.APIKey {
	k := store.APIKey{Tenant: nobody}
	if p, ok := ctx.Value(callerKey{}).(*store.APIKey); ok && p.Tenant != "" {
		k = *p
	}
	return k
}

// answerFor notes under which key a request is answered.
func answerFor(ctx context.Context, k store.APIKey) {
	if p, ok := ctx.Value(callerKey{}).(*store.APIKey); ok {
		*p = k
	}
}

// asNobody forgets the caller.
func asNobody(ctx context.Context) context.Context {
	return context.WithValue(ctx, callerKey{}, nil)
}

// nobody is the name of no tenant.
const nobody = "?"

// ofAll reports whether the caller sees what all tenants have.
func ofAll(ctx context.Context) bool { return caller(ctx).Tenant == store.AllTenants }

// tenantOf returns the only tenant whose things the caller sees; "": all.
func tenantOf(ctx context.Context) string {
	if ofAll(ctx) {
		return ""
	}
	return caller(ctx).Tenant
}

// sees reports whether what a tenant has is the caller's to see.
func sees(ctx context.Context, tenant string) bool {
	return ofAll(ctx) || caller(ctx).Tenant == tenant
}

// submitter is the tenant for whom the caller submits.
func submitter(ctx context.Context) string {
	if ofAll(ctx) {
		return store.DefaultTenant
	}
	return caller(ctx).Tenant
}

// requester names who decides, as it is written down.
func requester(ctx context.Context) string {
	if id := caller(ctx).ID; id != "" {
		return "key " + id
	}
	return "request"
}

// wholeOnly refuses what concerns all tenants to those of one.
func wholeOnly(ctx context.Context) error {
	if ofAll(ctx) {
		return nil
	}
	return problem(http.StatusForbidden, "not_yours", "this concerns all tenants: it needs a key whose tenant is %q", store.AllTenants)
}

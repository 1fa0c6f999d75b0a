package attestr

import "github.com/plateq/plateq/providers"

// verdict is what a code means.
type verdict struct {
	class providers.Class
	// endpoint: the code is about the endpoint that drew it, not the account.
	endpoint bool
}

// codes are the codes of the RC_MOBILE document and, after the blank line,
// those of Attestr's general list that could appear here.
var codes = map[string]verdict{
	"4001": {class: providers.InvalidInput}, // malformed data or a parameter is missing
	"4005": {class: providers.OutOfCredit},  // HTTP 400, like 4001
	"4016": {class: providers.Unauthorised}, // invalid client authorization
	"4031": {class: providers.Unauthorised}, // unauthorized access
	"4035": {class: providers.Unauthorised}, // service not provisioned
	"4039": {class: providers.Unauthorised}, // address not whitelisted
	"4291": {class: providers.RateLimited},
	"4292": {class: providers.RateLimited, endpoint: true},
	"4293": {class: providers.DailyLimited},
	"4294": {class: providers.DailyLimited, endpoint: true},
	"5001": {class: providers.ProviderError}, // could not be processed; see judge

	"4002":  {class: providers.InvalidInput},
	"4003":  {class: providers.InvalidInput},
	"40015": {class: providers.Unauthorised}, // consent: the account's matter, not the plate's
	"40051": {class: providers.Unauthorised}, // version not supported: nothing can be sent
	"40398": {class: providers.Unauthorised}, // consent invalid
	"40399": {class: providers.Unauthorised}, // consent missing
}

// judge gives the verdict on a code that op drew. A code that is not in the
// table is ProviderError: Attestr has answered, in words of its own. On items
// 5001 is Unavailable, as a poll can be repeated.
func judge(code, op string) verdict {
	v, known := codes[code]
	switch {
	case !known:
		return verdict{class: providers.ProviderError}
	case op == opItems && code == "5001":
		return verdict{class: providers.Unavailable, endpoint: true}
	}
	return v
}

// refusal makes the error of an answer that is not what op hopes for.
func (p *Provider) refusal(a *providers.Answer, op string) *providers.Error {
	f, ok := decodeFault(a.Body)
	if !ok {
		return a.Foreign(Name, op, p.now())
	}
	v := judge(f.code, op)
	e := &providers.Error{Provider: Name, Op: op, Class: v.class, Scope: Name, Code: f.code,
		Message: p.client.mask(f.message), Head: []byte(p.client.mask(string(providers.Head(a.Body))))}
	if v.endpoint {
		e.Scope = Name + "/" + op
	}
	switch v.class {
	case providers.RateLimited, providers.DailyLimited, providers.Unavailable:
		e.Until = providers.RetryAfter(a.Header, p.now())
	}
	return e
}

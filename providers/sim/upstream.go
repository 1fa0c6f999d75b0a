package sim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// upstream is the part of the stand-in that plays one provider. Its methods are called with the server's lock held,
// but for routes, endpoints, coded and name.
type upstream interface {
	// name is the provider's name in every contract: "attestr".
	name() string
	// endpoints are the provider's operations, as faults, limits and counts name them, the one that is charged first.
	// No two upstreams have one of the same name.
	endpoints() []string
	routes(mux *http.ServeMux)
	// caller returns the account that a request shows the credentials of, nil where it shows none.
	caller(c *call) *account
	// refuse writes a refusal in the provider's own envelope, where it has one for it.
	refuse(why refusal, details string) reply
	// coded returns the documented answer of that code, in the provider's own envelope. False: it has no such code.
	coded(code string) (reply, bool)
	// replay takes in a charge that was journaled with state.
	replay(c Charge, state json.RawMessage) error
}

// refusal is why a provider does not do what it is asked for.
type refusal uint8

const (
	noClient      refusal = iota + 1 // the credentials are nobody's
	disabled                         // the account is closed
	withheld                         // the service is not part of the account
	ipRefused                        // the client's address is not on the list
	noCredit                         // the account cannot pay for it
	accountRate                      // too many requests in a short time, of the account
	endpointRate                     // of this endpoint
	accountDaily                     // too many in a day, of the account
	endpointDaily                    // of this endpoint
	malformed                        // the request is not in the documented form
	broken                           // the provider's own fault
)

// upstreamsOf returns everyone that s plays. With nil they can be asked for their names, endpoints and codes.
func upstreamsOf(s *Server) []upstream {
	return []upstream{newAttestr(s), newRegnum(s), newSpectrumdata(s), resser{s}, newAOPay(s)}
}

func (s *Server) upstreamNamed(name string) upstream {
	if i := slices.IndexFunc(s.ups, func(u upstream) bool { return u.name() == name }); i >= 0 {
		return s.ups[i]
	}
	return nil
}

// places are what Fault.Where may name.
func places() []string {
	all := []string{"", "any"}
	for _, u := range upstreamsOf(nil) {
		all = append(append(all, u.name()), u.endpoints()...)
	}
	return all
}

// checkCode returns an error where nobody at the place has such a code.
func checkCode(code, where string) error {
	for _, u := range upstreamsOf(nil) {
		if _, ok := u.coded(code); ok && (where == "" || where == "any" || where == u.name() || slices.Contains(u.endpoints(), where)) {
			return nil
		}
	}
	return fmt.Errorf("no provider there answers with the code %q", code)
}

// secretOf returns what follows scheme in the Authorization header, empty where it is another.
func secretOf(r *http.Request, scheme string) string {
	if token, ok := strings.CutPrefix(r.Header.Get("Authorization"), scheme+" "); ok {
		return token
	}
	return ""
}

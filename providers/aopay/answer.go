package aopay

import (
	"errors"
	"net/http"
	"strings"

	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/providers/internal/wirejson"
)

// The codes that the document names.
const (
	codeFound     = "1"
	codeSignature = "10" // "Signature verification failed"
)

// answer is what AOPay said, in its own envelope.
type answer struct {
	code    string
	ok      bool   // status
	message string // as it came
	bill    wirejson.Object
}

// decode reads an answer. False: it is none, or it says two things at once.
func decode(body []byte) (answer, bool) {
	o, err := wirejson.Parse(body)
	if err != nil {
		return answer{}, false
	}
	code, ok := readCode(o)
	if !ok {
		return answer{}, false
	}
	a := answer{code: code, bill: o}
	said := o.Get("status")
	status, stated := readBool(said)
	if !stated && len(said) > 0 && !wirejson.IsNull(said) {
		return answer{}, false
	}
	a.ok = status
	message, worded := o.Text("message")
	a.message = message
	return a, stated || worded
}

// readCode reads the code: the document writes it in two ways.
func readCode(o wirejson.Object) (string, bool) {
	code, ok := o.Text("response_code")
	other, also := o.Text("responsecode")
	switch {
	case !ok:
		code, ok = other, also
	case also && code != other:
		return "", false
	}
	return code, ok && isCode(code)
}

// isCode reports whether s is a whole number of a code's length.
func isCode(s string) bool {
	digits := strings.TrimPrefix(s, "-")
	return digits != "" && len(digits) <= 6 && strings.Trim(digits, "0123456789") == ""
}

// outcome returns what an answer means, without a Ref.
func (p *Provider) outcome(a *providers.Answer) providers.Outcome {
	got, ok := decode(a.Body)
	found := got.ok && got.code == codeFound
	if !ok || a.Status == http.StatusTooManyRequests || found && a.Status/100 != 2 {
		foreign := a.Foreign(Name, opFetch, p.now())
		foreign.Head = p.client.maskRaw(foreign.Head)
		return providers.Outcome{Err: foreign}
	}
	if found {
		return providers.Outcome{Record: &providers.Record{Result: got.result(), Raw: p.client.raw(a.Body)}}
	}
	e := &providers.Error{Provider: Name, Op: opFetch, Scope: Name, Class: providers.ProviderError,
		Code: got.code, Message: p.client.mask(strings.Join(strings.Fields(got.message), " ")), Head: providers.Head(p.client.raw(a.Body))}
	switch {
	case got.code == codeSignature && !got.ok:
		e.Class = providers.Unauthorised
	case got.code == codeFound:
		e.Err = errors.New("the answer does not agree with itself")
	}
	return providers.Outcome{Err: e}
}

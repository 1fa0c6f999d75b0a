package spectrumdata

import (
	"context"
	"strconv"
	"strings"

	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/providers/internal/wirejson"
)

// The periods of quotas.
const (
	periodDay   = "DAY"
	periodMonth = "MONTH"
	periodTotal = "TOTAL"
)

// quota is how many reports of a type may be made in a period.
type quota struct {
	period  string
	granted int64 // at first and since; 0: there is no limit
	used    int64
}

func (q quota) limited() bool { return q.granted > 0 }

func (q quota) exhausted() bool { return q.limited() && q.used >= q.granted }

// left is how many reports are left, empty where there is no limit.
func (q quota) left() string {
	switch {
	case !q.limited():
		return ""
	case q.exhausted():
		return "0"
	default:
		return strconv.FormatInt(q.granted-q.used, 10)
	}
}

// decodeQuotas reads a balance. False: it is none.
func decodeQuotas(a *providers.Answer) ([]quota, bool) {
	l, ok := decodeList(a)
	if !ok {
		return nil, false
	}
	all := make([]quota, 0, len(l.data))
	for _, raw := range l.data {
		o, err := wirejson.Members(raw)
		if err != nil {
			return nil, false
		}
		period, _ := o.Text("balance_type")
		first, ok1 := count(o, "quote_init")
		more, ok2 := count(o, "quote_up")
		used, ok3 := count(o, "quote_use")
		if period == "" || !ok1 || !ok2 || !ok3 {
			return nil, false
		}
		all = append(all, quota{period: strings.ToUpper(period), granted: first + more, used: used})
	}
	return all, true
}

// count reads a number of reports, so small that two can be added.
func count(o wirejson.Object, key string) (int64, bool) {
	const most = 1e15
	text, _ := o.Text(key)
	n, err := strconv.ParseInt(text, 10, 64)
	return n, err == nil && n > -most && n < most
}

// Balance returns what is left of the quotas of each report type.
func (p *Provider) Balance(ctx context.Context) ([]providers.Balance, error) {
	var all []providers.Balance
	for _, t := range []struct{ name, kind string }{{"grz", p.cfg.ReportTypeGRZ}, {"vin", p.cfg.ReportTypeVIN}} {
		if t.kind == "" {
			continue
		}
		a, err := p.client.balance(ctx, t.kind)
		if err != nil {
			return nil, err
		}
		quotas, ok := decodeQuotas(a)
		if !ok {
			return nil, p.refusal(a, opBalance)
		}
		for _, q := range quotas {
			all = append(all, providers.Balance{Name: t.name + " " + strings.ToLower(q.period), Left: q.left(), Unit: "reports"})
		}
	}
	return all, nil
}

// confirmed looks the balance up where the refusal of a make speaks of a
// quota, as no document says how SpectrumData words that. A quota of the day
// that is used up is DailyLimited, another, or a balance that cannot be read,
// OutOfCredit. Where none is used up SpectrumData meant something else, which
// may pass: Unavailable.
func (p *Provider) confirmed(ctx context.Context, kind string, e *providers.Error) *providers.Error {
	if e.Class != providers.ProviderError || !p.quota(e.Code) && !p.quota(e.Message) {
		return e
	}
	e.Class = providers.OutOfCredit
	a, err := p.client.balance(ctx, kind)
	if err != nil {
		return e
	}
	quotas, ok := decodeQuotas(a)
	if !ok {
		return e
	}
	e.Class, e.Scope = providers.Unavailable, scope(opMake)
	for _, q := range quotas {
		switch {
		case !q.exhausted():
		case q.period != periodDay:
			e.Class, e.Scope = providers.OutOfCredit, Name
			return e
		default:
			e.Class = providers.DailyLimited
		}
	}
	return e
}

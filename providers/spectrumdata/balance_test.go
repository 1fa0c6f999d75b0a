package spectrumdata_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plateq/plateq/providers"
)

// balance is a balance of one quota.
func balance(period string, first, more, used int) string {
	return fmt.Sprintf(`{"state":"ok","size":1,"stamp":"2026-01-01T10:00:00.000Z","data":[%s]}`, quota(period, first, more, used))
}

func quota(period string, first, more, used int) string {
	return fmt.Sprintf(`{"report_type_uid":"t@example","balance_type":%q,"quote_init":%d,"quote_up":%d,"quote_use":%d}`, period, first, more, used)
}

func TestBalance(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(r *http.Request, _ int) (int, string) {
		if strings.Contains(r.URL.Path, kindGRZ) {
			return 200, `{"state":"ok","size":3,"data":[` + quota("DAY", 100, 20, 7) + `,` + quota("MONTH", 0, 0, 900) + `,` + quota("TOTAL", 10, 0, 12) + `]}`
		}
		return 200, strings.ReplaceAll(balance("DAY", 5, 0, 1), "5", `"5"`)
	})
	got, err := newProvider(t, config(s.URL)).Balance(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := []providers.Balance{
		{Name: "grz day", Left: "113", Unit: "reports"},
		{Name: "grz month", Left: "", Unit: "reports"},
		{Name: "grz total", Left: "0", Unit: "reports"},
		{Name: "vin day", Left: "4", Unit: "reports"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("balance (-want +got):\n%s", diff)
	}
}

func TestBalanceThatCannotBeRead(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		status int
		body   string
		want   providers.Class
	}{
		"refused":            {403, bare("Security", "SecurityAccessDenied", "", "", "{}"), providers.Unauthorised},
		"no such type":       {500, noSuch("Report_Type"), providers.Unauthorised},
		"system error":       {500, systemError(), providers.Unavailable},
		"a web page":         {200, "<html>", providers.Ambiguous},
		"no figures":         {200, `{"state":"ok","size":1,"data":[{"balance_type":"DAY"}]}`, providers.Ambiguous},
		"figures too long":   {200, `{"state":"ok","size":1,"data":[{"balance_type":"DAY","quote_init":1e99,"quote_up":0,"quote_use":0}]}`, providers.Ambiguous},
		"figures too large":  {200, `{"state":"ok","size":1,"data":[{"balance_type":"DAY","quote_init":9000000000000000000,"quote_up":0,"quote_use":0}]}`, providers.Ambiguous},
		"no period":          {200, `{"state":"ok","size":1,"data":[{"quote_init":0,"quote_up":0,"quote_use":0}]}`, providers.Ambiguous},
		"a quota said twice": {200, `{"state":"ok","size":1,"data":[{"balance_type":"DAY","quote_init":0,"quote_init":1,"quote_up":0,"quote_use":0}]}`, providers.Ambiguous},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t, always(tc.status, tc.body))
			if got, err := newProvider(t, config(s.URL)).Balance(t.Context()); got != nil || !errors.Is(err, tc.want) {
				t.Errorf("got %v, %v, want %v", got, err, tc.want)
			}
		})
	}
}

// TestQuotaErrorsAreConfirmed: a make is refused in words that may mean a
// quota, and the balance is looked up before anything is stopped.
func TestQuotaErrorsAreConfirmed(t *testing.T) {
	t.Parallel()
	const making = "spectrumdata/make"
	spent := fail("Data", "DataQuoteError", "Исчерпана квота", "", "{}")
	for name, tc := range map[string]struct {
		refusal, balance string
		want             providers.Class
		scope            string
		asks             int // requests in all
	}{
		"day used up":          {spent, balance("DAY", 10, 0, 10), providers.DailyLimited, making, 2},
		"month used up":        {spent, balance("MONTH", 10, 0, 11), providers.OutOfCredit, "spectrumdata", 2},
		"total used up":        {spent, balance("TOTAL", 10, 5, 15), providers.OutOfCredit, "spectrumdata", 2},
		"day and total":        {spent, `{"data":[` + quota("DAY", 1, 0, 1) + `,` + quota("TOTAL", 1, 0, 1) + `]}`, providers.OutOfCredit, "spectrumdata", 2},
		"nothing used up":      {spent, balance("DAY", 10, 0, 9), providers.Unavailable, making, 2},
		"no limit":             {spent, balance("DAY", 0, 0, 9), providers.Unavailable, making, 2},
		"balance not readable": {spent, "<html>", providers.OutOfCredit, "spectrumdata", 2},
		"said in its name":     {fail("Data", "Other", "Превышен лимит", "", "{}"), balance("DAY", 1, 0, 1), providers.DailyLimited, making, 2},
		"said in its message":  {fail("Data", "Other", "", "balance exhausted", "{}"), balance("DAY", 1, 0, 1), providers.DailyLimited, making, 2},
		"nothing of the kind":  {fail("Data", "Other", "", "", "{}"), balance("DAY", 1, 0, 1), providers.ProviderError, "spectrumdata", 1},
		"no quota at all":      {systemError(), balance("DAY", 1, 0, 1), providers.Ambiguous, "spectrumdata", 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t, func(r *http.Request, _ int) (int, string) {
				if r.Method == http.MethodPost {
					return 400, tc.refusal
				}
				return 200, tc.balance
			})
			e := refused(t, newProvider(t, config(s.URL)), request(nil))
			if e.Class != tc.want || e.Scope != tc.scope || len(s.got()) != tc.asks {
				t.Errorf("got %v with scope %s after %d requests, want %v with %s after %d", e, e.Scope, len(s.got()), tc.want, tc.scope, tc.asks)
			}
		})
	}
}

func TestQuotaPatternIsTheOperators(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(r *http.Request, _ int) (int, string) {
		if r.Method == http.MethodPost {
			return 400, fail("Data", "Other", "quota", "no more reports", "{}")
		}
		return 200, balance("DAY", 1, 0, 1)
	})
	for pattern, want := range map[string]providers.Class{"": providers.DailyLimited, "no more": providers.DailyLimited, "nothing": providers.ProviderError} {
		cfg := config(s.URL)
		cfg.QuotaPattern = pattern
		if e := refused(t, newProvider(t, cfg), request(nil)); e.Class != want {
			t.Errorf("pattern %q: got %v, want %v", pattern, e, want)
		}
	}
}

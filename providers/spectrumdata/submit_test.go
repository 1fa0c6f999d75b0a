package spectrumdata_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/providers/spectrumdata"
)

// refused submits and returns the error that it wants.
func refused(t *testing.T, p providers.Provider, r providers.Request) *providers.Error {
	t.Helper()
	outs, err := newSet(t, p).Submit(t.Context(), "spectrumdata", []providers.Request{r})
	if err != nil {
		t.Fatal(err)
	}
	e, ok := errors.AsType[*providers.Error](outs[0].Err)
	if !ok {
		t.Fatalf("got %+v, want an error", outs[0])
	}
	return e
}

func submitted(t *testing.T, p providers.Provider, r providers.Request) providers.Outcome {
	t.Helper()
	outs, err := newSet(t, p).Submit(t.Context(), "spectrumdata", []providers.Request{r})
	if err != nil || outs[0].Ticket == nil {
		t.Fatalf("got %+v, %v, want a ticket", outs, err)
	}
	return outs[0]
}

func TestWhatCannotBeAskedIsNotSent(t *testing.T) {
	t.Parallel()
	for code, r := range map[string]providers.Request{
		"no_vehicle":    about(providers.Subject{providers.INN: "1234567890"}),
		"no_owner":      about(providers.Subject{providers.VIN: vin, providers.LastName: "Иванов", providers.Birth: "01.01.2000"}),
		"plate_letters": about(providers.Subject{providers.INN: "1234567890", providers.Plate: "D111AA00"}),
		"bad_force":     {Ref: "r0", Subject: request(nil).Subject, Params: providers.Params{"force": "yes"}},
	} {
		s := newServer(t, always(200, madeAnswer("x@example")))
		e := refused(t, newProvider(t, config(s.URL)), r)
		if e.Class != providers.InvalidInput || e.Code != code || len(s.got()) != 0 {
			t.Errorf("got %v after %d requests, want invalid_input (%s) after none", e, len(s.got()), code)
		}
	}
}

// TestReportTypesSayWhatIsOffered: a way that no report type takes is none.
func TestReportTypesSayWhatIsOffered(t *testing.T) {
	t.Parallel()
	plate, chassis := request(nil), about(providers.Subject{providers.Body: "GX100", providers.INN: "1234567890"})
	for name, tc := range map[string]struct {
		grz, vin      string
		plate, body   bool   // can be asked about
		wanted, other string // report type
	}{
		"both":       {kindGRZ, kindVIN, true, true, "A.0076.GRZ%40example", "A.0076.VIN%40example"},
		"plates":     {kindGRZ, "", true, false, "A.0076.GRZ%40example", ""},
		"VIN, body":  {"", kindVIN, false, true, "", "A.0076.VIN%40example"},
		"one for it": {"both@x", "both@x", true, true, "both%40x", "both%40x"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t, always(200, madeAnswer("x@example")))
			cfg := config(s.URL)
			cfg.ReportTypeGRZ, cfg.ReportTypeVIN = tc.grz, tc.vin
			p := newProvider(t, cfg)
			for _, ask := range []struct {
				r    providers.Request
				can  bool
				kind string
			}{{plate, tc.plate, tc.wanted}, {chassis, tc.body, tc.other}} {
				before := len(s.got())
				if !ask.can {
					if e := refused(t, p, ask.r); e.Code != "no_vehicle" {
						t.Errorf("got %v, want no_vehicle", e)
					}
					continue
				}
				submitted(t, p, ask.r)
				if got := s.got()[before]; !strings.Contains(got, "/user/reports/"+ask.kind+"/_make\n") {
					t.Errorf("got %q, want report type %s", got, ask.kind)
				}
			}
		})
	}
}

func TestRepeatsAreFreeUnlessForced(t *testing.T) {
	t.Parallel()
	spec := newProvider(t, config("http://127.0.0.1:1")).Spec()
	for force, want := range map[string]bool{"": true, "false": true, "true": false, "yes": false, "1": false} {
		if got := spec.Repeatable(providers.Params{"force": force}); got != want {
			t.Errorf("force %q: got free %t, want %t", force, got, want)
		}
	}
	if !spec.Repeatable(nil) {
		t.Error("without parameters: got not free, want free")
	}
}

func TestPaceIsThatOfTheDocument(t *testing.T) {
	t.Parallel()
	spec := newProvider(t, config("http://127.0.0.1:1")).Spec()
	if spec.FirstPoll != 2*time.Second || spec.SteadyFor < 5*time.Second {
		t.Errorf("got a first poll after %v and a steady pace for %v, want half of the reports at the first, and most while it is steady",
			spec.FirstPoll, spec.SteadyFor)
	}
}

func TestFirstPollIsByTheProvidersClock(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		body string
		want time.Time
	}{
		"three seconds from its now": {madeAnswer("x@e"), noon.Add(3 * time.Second)},
		"no stamp":                   {`{"data":[{"uid":"x@e","suggest_get":"2026-11-21T12:00:04.000Z"}]}`, noon.Add(4 * time.Second)},
		"nothing said":               {`{"data":[{"uid":"x@e"}]}`, time.Time{}},
		"said badly":                 {`{"data":[{"uid":"x@e","suggest_get":"soon"}]}`, time.Time{}},
	} {
		s := newServer(t, always(200, tc.body))
		if got := submitted(t, newProvider(t, config(s.URL)), request(nil)).PollAfter; !got.Equal(tc.want) {
			t.Errorf("%s: got %v, want %v", name, got, tc.want)
		}
	}
}

// TestTokenRefusedOverItsTimeIsMadeAnew: a token that was refused was not
// looked behind, so one more request is no repeat. It is by SpectrumData's
// clock, and so are those after it.
func TestTokenRefusedOverItsTimeIsMadeAnew(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(_ *http.Request, n int) (int, string) {
		if n == 0 {
			return 403, lateStamp("2026-11-21T15:00:00.000Z") // three hours ahead
		}
		return 200, madeAnswer("x@example")
	})
	p := newProvider(t, config(s.URL))
	submitted(t, p, request(nil))
	submitted(t, p, request(nil))
	got := s.got()
	if len(got) != 3 {
		t.Fatalf("got %d requests, want one refused, one in its place, one more", len(got))
	}
	for i, stamp := range []string{"1795262340", "1795273140", "1795273140"} {
		if !strings.Contains(got[i], "AR-REST base64(somebody@example:"+stamp+":3660:") {
			t.Errorf("request %d: got %s, want stamp %s", i, got[i], stamp)
		}
	}
}

func TestTokenRefusedTwiceStops(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		body string
		want int // requests
	}{
		"time given":    {lateStamp("2026-11-21T15:00:00.000Z"), 2},
		"answer dated":  {lateStamp("never"), 2}, // by the event's own stamp
		"no time given": {strings.NewReplacer("stamp", "x").Replace(lateStamp("never")), 1},
		"other reason":  {bare("Security", "SecurityAuthMalformedToken", "", "", "{}"), 1},
	} {
		s := newServer(t, always(403, tc.body))
		e := refused(t, newProvider(t, config(s.URL)), request(nil))
		if e.Class != providers.Unauthorised || len(s.got()) != tc.want {
			t.Errorf("%s: got %v after %d requests, want unauthorised after %d", name, e, len(s.got()), tc.want)
		}
	}
}

// TestPriorIsWorkedOnAgain: a retry has the failed report made again, and a
// new one only where that is gone.
func TestPriorIsWorkedOnAgain(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		prior   string
		refresh string
		want    []string // the requests
		class   providers.Class
	}{
		"refreshed":       {"old@example", madeAnswer("old@example"), []string{"old%40example/_refresh"}, 0},
		"gone":            {"old@example", noSuch("Report"), []string{"old%40example/_refresh", "A.0076.GRZ%40example/_make"}, 0},
		"broken":          {"old@example", systemError(), []string{"old%40example/_refresh"}, providers.Ambiguous},
		"refused":         {"old@example", fail("Data", "Other", "", "", "{}"), []string{"old%40example/_refresh"}, providers.ProviderError},
		"a page":          {"old@example", "<html>", []string{"old%40example/_refresh"}, providers.Ambiguous},
		"no usable prior": {"..", "", []string{"A.0076.GRZ%40example/_make"}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t, func(r *http.Request, _ int) (int, string) {
				if strings.HasSuffix(r.URL.Path, "/_refresh") {
					return 200, tc.refresh
				}
				return 200, madeAnswer("new@example")
			})
			r := request(nil)
			r.Prior = &providers.Ticket{ID: tc.prior}
			p := newProvider(t, config(s.URL))
			if tc.class != 0 {
				if e := refused(t, p, r); e.Class != tc.class || tc.class == providers.Ambiguous && e.Op != "refresh" {
					t.Errorf("got %v, want %v of refresh", e, tc.class)
				}
			} else {
				submitted(t, p, r)
			}
			got := s.got()
			if len(got) != len(tc.want) {
				t.Fatalf("got %q, want %q", got, tc.want)
			}
			for i, path := range tc.want {
				if !strings.Contains(got[i], "POST /b2b/api/v1/user/reports/"+path+"\n") {
					t.Errorf("request %d: got %s, want %s", i, got[i], path)
				}
			}
		})
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		status int
		body   string
		want   providers.Class // 0: no error
	}{
		"the account":  {200, `{"state":"ok","size":1,"data":[{"login":"somebody@example"}]}`, 0},
		"bad token":    {400, bare("Security", "SecurityAuthMalformedToken", "", "", "{}"), providers.Unauthorised},
		"no rights":    {403, fail("Security", "SecurityAccessDenied", "", "", "{}"), providers.Unauthorised},
		"wrong path":   {404, spring(404), providers.Unauthorised},
		"system error": {500, systemError(), providers.Unavailable},
		"a web page":   {200, "<html>", providers.Ambiguous},
	} {
		s := newServer(t, always(tc.status, tc.body))
		err := newProvider(t, config(s.URL)).Check(t.Context())
		if (tc.want == 0) != (err == nil) || err != nil && !errors.Is(err, tc.want) {
			t.Errorf("%s: got %v, want %v", name, err, tc.want)
		}
	}
}

func TestConfigIsChecked(t *testing.T) {
	t.Parallel()
	for want, change := range map[string]func(*spectrumdata.Config){
		"BASE_URL: must be set":            func(c *spectrumdata.Config) { c.BaseURL = "" },
		"BASE_URL: must be set, to a URL":  func(c *spectrumdata.Config) { c.BaseURL = "b2b-api.example/b2b/api/v1" },
		"BASE_URL: must hold no user":      func(c *spectrumdata.Config) { c.BaseURL = "https://a:b@example/b2b/api/v1" },
		"BASE_URL: must hold no user, qu":  func(c *spectrumdata.Config) { c.BaseURL = "https://example/b2b/api/v1#" },
		"USER: must be set":                func(c *spectrumdata.Config) { c.User = "" },
		"USER: must be set, as":            func(c *spectrumdata.Config) { c.User = "somebody" },
		"USER: must be set, as name":       func(c *spectrumdata.Config) { c.User = "some:body@example" },
		"PASSWORD: must be set":            func(c *spectrumdata.Config) { c.Password = "" },
		"one must be set":                  func(c *spectrumdata.Config) { c.ReportTypeGRZ, c.ReportTypeVIN = "", "" },
		"REPORT_TYPE_GRZ: is no uid":       func(c *spectrumdata.Config) { c.ReportTypeGRZ = "a b" },
		"REPORT_TYPE_VIN: is no uid":       func(c *spectrumdata.Config) { c.ReportTypeVIN = ".." },
		"TIMEOUT: -1s":                     func(c *spectrumdata.Config) { c.Timeout = -time.Second },
		"QUOTA_PATTERN: error parsing":     func(c *spectrumdata.Config) { c.QuotaPattern = "(" },
		"PASSWORD: must be set\nREPORT_TY": func(c *spectrumdata.Config) { c.Password, c.ReportTypeVIN = "", "a b" },
	} {
		cfg := config("https://example")
		change(&cfg)
		if _, err := spectrumdata.New(cfg, spectrumdata.Options{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want an error that says %q", err, want)
		}
	}
	if _, err := spectrumdata.New(config("https://example"), spectrumdata.Options{}); err != nil {
		t.Errorf("got %v for a good one", err)
	}
}

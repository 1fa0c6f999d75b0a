package api_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plateq/plateq/client"
	"github.com/plateq/plateq/internal/api"
	"github.com/plateq/plateq/jobs"
	"github.com/plateq/plateq/store"
)

// paid has a price and a pace.
func paid(o *api.Options) {
	o.Price = func(string) store.Price { return store.Price{Each: 2_500_000, Currency: "INR"} }
	o.Pace = func(context.Context, string) (api.Pace, bool) { return api.Pace{Rate: 0.25, Learnt: true}, true }
	o.Reuse = func(string) store.Reuse { return store.Reuse{FreshFor: 1 << 50, FreshNotFoundFor: 1 << 50} }
}

func TestEstimatesAreTheSameInEveryForm(t *testing.T) {
	t.Parallel()
	w := newWorld(t, paid)
	known := w.submitted(t, "plate\nDL01AA1000\n")
	w.answer(t, known.ID)
	w.submitted(t, "plate\nDL01AA1001\n")
	before := w.batches(t)
	want := client.Estimate{
		Provider: "attestr", Rows: 6, Valid: 5, Invalid: 1, Duplicates: 1, Different: 4, Known: 1, Joined: 1, Questions: 2, Calls: 1,
		Price: new("2.50"), Currency: new("INR"), AtMost: new("5.00"), RequestsPerSecond: new(0.25), PaceLearnt: true, Seconds: new(4),
		Warnings: []client.InvalidReason{}, Budgets: []client.Budget{}, Header: []string{"plate"}, Columns: map[string]string{"plate": "plate"},
	}
	for _, tt := range []struct{ name, path, body, media string }{
		{
			"JSON", "/v1/estimates", `{"provider":"attestr","items":[{"plate":"DL01AA1000"},{"plate":"DL01AA1001"},{"plate":"DL01AA1002"},{"plate":"dl01aa1002"},{"plate":"?"},{"plate":"DL01AA1003"}]}`,
			jsonBody,
		},
		{"CSV", "/v1/estimates?provider=attestr", "plate\nDL01AA1000\nDL01AA1001\nDL01AA1002\nDL01AA1002\n?\nDL01AA1003\n", csvBody},
		{"NDJSON", "/v1/estimates?provider=attestr&limit=6", strings.Join([]string{
			`{"plate":"DL01AA1000"}`, `{"plate":"DL01AA1001"}`, `{"plate":"DL01AA1002"}`, `{"plate":"DL01AA1002"}`, `{"plate":"?"}`, `{"plate":"DL01AA1003"}`, `{"plate":"DL01AA1009"}`,
		}, "\n"), ndjson},
	} {
		rec := w.do(t, "POST", tt.path, tt.body, tt.media)
		if rec.Code != http.StatusOK {
			t.Fatalf("%s: got %d %s", tt.name, rec.Code, rec.Body)
		}
		got := decoded[client.Estimate](t, rec)
		if len(got.InvalidReasons) != 1 || got.InvalidReasons[0].Code != "plate_characters" || got.InvalidReasons[0].Rows != 1 || len(got.InvalidReasons[0].Lines) != 1 {
			t.Errorf("%s: reasons %+v", tt.name, got.InvalidReasons)
		}
		got.InvalidReasons = nil
		if len(got.Preview) != 3 || got.Preview[2].Asked["plate"] != "DL01AA1002" || len(got.Preview[2].Cells) != 1 || got.Preview[2].Line == 0 {
			t.Errorf("%s: preview %+v", tt.name, got.Preview)
		}
		got.Preview = nil
		if tt.name == "CSV" && got.ReadAs != `CSV separated by ",", in utf-8` {
			t.Errorf("it is said to be read as %q", got.ReadAs)
		}
		got.ReadAs = ""
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
	if n := w.batches(t); n != before {
		t.Errorf("%d batches were left by estimates", n-before)
	}
}

func TestEstimatesSayWhatIsNotKnown(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*api.Options){
		"nobody knows a pace": nil,
		"it is to be learnt": func(o *api.Options) {
			o.Limits = func(string) api.Limits { return api.Limits{Rate: "learn"} }
			o.Pace = func(context.Context, string) (api.Pace, bool) { return api.Pace{}, false }
		},
		"there is none": func(o *api.Options) {
			o.Pace = func(context.Context, string) (api.Pace, bool) { return api.Pace{Rate: jobs.Unlimited}, true }
		},
	} {
		rec := newWorld(t, change).do(t, "POST", "/v1/estimates?provider=attestr", "plate\nDL01AA1000\n", csvBody)
		got := decoded[client.Estimate](t, rec)
		if got.Questions != 1 || got.Price != nil || got.AtMost != nil || got.Currency != nil || got.Seconds != nil || got.RequestsPerSecond != nil {
			t.Errorf("%s: got %d %s", name, rec.Code, rec.Body)
		}
		if want := name == "it is to be learnt"; got.PaceLearnt != want {
			t.Errorf("%s: the pace is learnt: got %t, want %t", name, got.PaceLearnt, want)
		}
	}
}

func TestAPaceThatNobodyHasKeptIsTheOneThatWasTold(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(o *api.Options) {
		o.Limits = func(string) api.Limits { return api.Limits{Rate: "0.5", Daily: 1000} }
		o.Pace = func(context.Context, string) (api.Pace, bool) { return api.Pace{}, false }
	})
	got := decoded[client.Estimate](t, w.do(t, "POST", "/v1/estimates?provider=attestr", "plate\nDL01AA1000\n", csvBody))
	if got.Seconds == nil || *got.Seconds != 2 || got.PaceLearnt {
		t.Errorf("got %+v, want 2 seconds at a pace that was told", got)
	}
}

func TestListsThatAreRefusedHaveNoEstimate(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(o *api.Options) { o.MaxRows = 2 })
	for _, tt := range []struct {
		name, path, body, media string
		status                  int
		code                    string
	}{
		{"no rows", "/v1/estimates?provider=attestr", "plate\n", csvBody, 422, "empty_list"},
		{"no provider", "/v1/estimates", `{"items":[{"plate":"A"}]}`, jsonBody, 422, "bad_envelope"},
		{"unknown provider", "/v1/estimates?provider=regnum", "plate\nA\n", csvBody, 422, "unknown_provider"},
		{"too many rows", "/v1/estimates?provider=attestr", "plate\nDL1\nDL2\nDL3\n", csvBody, 413, "too_many_rows"},
		{"not UTF-8", "/v1/estimates?provider=attestr", "plate\nDL1\n\xff\xfe\xfa\n", csvBody, 422, "encoding"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			checkProblem(t, w.do(t, "POST", tt.path, tt.body, tt.media), tt.status, tt.code)
		})
	}
}

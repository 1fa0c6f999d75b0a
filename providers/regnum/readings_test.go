package regnum_test

import (
	"maps"
	"testing"

	"github.com/plateq/plateq/providers"
)

// TestReadings: which of the document's kinds of requests an answer is.
func TestReadings(t *testing.T) {
	t.Parallel()
	left := providers.Reading{Name: "free_requests_left", Value: 7, Gauge: true}
	common, decoded := providers.Reading{Name: "common", Value: 1}, providers.Reading{Name: "decoded", Value: 1}
	for name, tc := range map[string]struct {
		body string
		want []providers.Reading
	}{
		"decoded":              {body(t, "two-cars.xml"), []providers.Reading{common, decoded, {Name: "free_requests_left", Gauge: true}}},
		"processed":            {said("JSON", 404, ""), []providers.Reading{common, left}},
		"processed, no car":    {said("XML", 200, ""), []providers.Reading{common, left}},
		"zero balance":         {said("JSON", 402, ""), []providers.Reading{left}},
		"client not found":     {said("JSON", 401, ""), []providers.Reading{left}},
		"nothing said of free": {`{"status":404,"statusText":""}`, []providers.Reading{common}},
		"free is no number":    {`{"status":404,"countFREERequests":"many"}`, []providers.Reading{common}},
		"not the service":      {"<html>", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := submit(t, newProvider(t, config(answering(t, 200, tc.body))), "AB123CD")
			got, want := map[providers.Reading]bool{}, map[providers.Reading]bool{}
			for _, r := range o.Readings {
				got[r] = true
			}
			for _, r := range tc.want {
				want[r] = true
			}
			if !maps.Equal(got, want) || len(o.Readings) != len(tc.want) {
				t.Errorf("got %v, want %v", o.Readings, tc.want)
			}
		})
	}
}

package resser_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/plateq/plateq/providers"
	"github.com/plateq/plateq/providers/resser"
)

// TestPortalCredentialsAreDropped hides them wherever they could ride along,
// in answers that are read and in those that are not.
func TestPortalCredentialsAreDropped(t *testing.T) {
	t.Parallel()
	const canary = "c4n4ry"
	inside := fmt.Sprintf(`"username":%[1]q,"password":%[1]q,"Password":%[1]q,"USERNAME":%[1]q,"user_name":%[1]q,"userName":{"x":%[1]q},"pass\u0077ord":[%[1]q]`, canary)
	vehicle := func(status string) string {
		return fmt.Sprintf(`{"vin":"3N1AB7AP0KY000000",%[1]s,"plate":"ABC1230","info":[{"_id":"1",%[1]s,"resourceId":1,%[2]s
"result":[{"a":1,%[1]s,"b":[[{%[1]s}]]},{%[1]s}],"creationDateTime":"2026-01-01"}],"more":{%[1]s}}`, inside, status)
	}
	for name, body := range map[string]string{
		"found":               `{"vehicleData":[` + vehicle(`"status":{"code":2,`+inside+`},`) + `],` + inside + `}`,
		"all with errors":     `{"vehicleData":[` + vehicle("") + `]}`,
		"twice":               `{"vehicleData":[` + vehicle(`"status":1,`) + `,` + vehicle(`"status":2,`) + `]}`,
		"no list":             `{"vehicleData":[` + strings.ReplaceAll(vehicle(""), `"info":[`, `"info":{},"other":[`) + `]}`,
		"empty list":          `{"vehicleData":[{"vin":"3N1AB7AP0KY000000","plate":"ABC1230","info":[],` + inside + `}]}`,
		"vehicle unreadable":  `{"vehicleData":[{"vin":1,"plate":{},` + inside + `}]}`,
		"entry unreadable":    `{"vehicleData":[{"vin":"3N1AB7AP0KY000000","plate":"ABC1230","info":[{"a":1,"a":2,` + inside + `}]}]}`,
		"cut":                 `{"vehicleData":[` + vehicle(`"status":1,`),
		"in another form":     `{"vehicles":[` + vehicle(`"status":1,`) + `]}`,
		"beside a list":       `[` + vehicle(`"status":1,`) + `]`,
		"as a web page":       `<html>{` + inside + `}`,
		"keys without quotes": `{username: ` + canary + `}`,
	} {
		for _, status := range []int{200, 400, 401, 500} {
			for _, o := range ask(t, newProvider(t, config(answering(t, status, body))), requests(names[0])...) {
				var kept string
				if o.Record != nil {
					kept = string(o.Record.Result) + string(o.Record.Raw)
				}
				if e, ok := errors.AsType[*providers.Error](o.Err); ok {
					kept = e.Error() + string(e.Head) + e.Message
				}
				if strings.Contains(kept, canary) {
					t.Errorf("%s with %d: got %s, want no credentials", name, status, kept)
				}
			}
		}
	}
	o := ask(t, newProvider(t, config(answering(t, 200, `{"vehicleData":[`+vehicle(`"status":1,`)+`]}`))), requests(names[0])...)[0]
	const want = `{"vin":"3N1AB7AP0KY000000","plate":"ABC1230","info":[{"_id":"1","plate":null,"vin":null,"resourceId":1,"status":1,` +
		`"result":[{"a":1,"b":[[{}]]},{}],"creationDateTime":"2026-01-01","finishedDateTime":null}]}`
	if o.Record == nil || string(o.Record.Result) != want {
		t.Errorf("got %v, %v, want %s", o.Record, o.Err, want)
	}
}

func TestConfigFaultsAreNamed(t *testing.T) {
	t.Parallel()
	if err := config("").Validate(); err != nil {
		t.Errorf("the least there can be: got %v, want nil", err)
	}
	err := resser.Config{BaseURL: "api-sync-resser.azurewebsites.net", AuthHeader: "X Api", AuthValue: " hidden", BatchSize: 501, Timeout: -1}.Validate()
	if err == nil || strings.Contains(err.Error(), "hidden") {
		t.Fatalf("got %v, want faults without the key", err)
	}
	for _, want := range []string{"BASE_URL: ", "AUTH_HEADER: ", "AUTH_VALUE: ", "BATCH_SIZE: 501", "TIMEOUT: -1ns"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q in it", err, want)
		}
	}
	for _, c := range []resser.Config{
		{AuthHeader: "", AuthValue: "x"}, {AuthHeader: "X-Key"}, {AuthHeader: "content-length", AuthValue: "x"}, {AuthHeader: "Host", AuthValue: "x"},
		{AuthHeader: "X:Key", AuthValue: "x"}, {AuthHeader: "X-Key", AuthValue: "a\nb"}, {AuthHeader: "X-Key", AuthValue: "é"},
		{BaseURL: "https://x?", AuthHeader: "X-Key", AuthValue: "x"}, {BaseURL: "https://x#", AuthHeader: "X-Key", AuthValue: "x"},
	} {
		if _, err := resser.New(c, resser.Options{}); err == nil {
			t.Errorf("got no error for %+v", c)
		}
	}
}

package wirejson

import (
	"bytes"
	"encoding/json"
	"testing"
)

// FuzzObject holds our reading of an object against encoding/json's.
func FuzzObject(f *testing.F) {
	for _, s := range []string{
		`{}`, `{"a":1}`, ` { "a" : [1,{"b":"}"}] , "c":"\"x\\" ,"d":null,"e":-1.5e3 } `, `{"a":1,"a":2}`, `{"\u0061":1,"a":2}`,
		`[]`, `null`, `{"a":{"b":{"c":[[],{}]}}}`, `{"":""}`, "\ufeff{\"a\":true}", `{"a":"é\ud83d\ude00"}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		got, err := Parse(body)
		var want map[string]json.RawMessage
		bad := json.Unmarshal(bytes.TrimPrefix(body, []byte("\ufeff")), &want) != nil || want == nil
		if bad {
			if err == nil {
				t.Fatalf("%q was read", body)
			}
			return
		}
		if err != nil {
			return // says a thing twice, or is not UTF-8
		}
		if len(got) != len(want) {
			t.Fatalf("%q: %d members, want %d", body, len(got), len(want))
		}
		for k, v := range want {
			if !bytes.Equal(got[k], v) {
				t.Fatalf("%q: member %q is %q, want %q", body, k, got[k], v)
			}
		}
	})
}

package wirejson

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

func secret(key string) bool { return strings.EqualFold(key, "password") }

func TestWithout(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		`{"a":1}`:                                     `{"a":1}`,
		` {"password":1}`:                             `{}`,
		`{"password":1}`:                              `{}`,
		`{ "a" : [ 1 , { "b" : "x" } ] }`:             `{ "a" : [ 1 , { "b" : "x" } ] }`,
		`{"a":1,"PassWord":"x","b":2}`:                `{"a":1,"b":2}`,
		`{"a": [ {"password":{"c":[]}}, { "b": 1 }]}`: `{"a":[{},{"b":1}]}`,
		`{"pass\u0077ord":"x" , "a":1}`:               `{"a":1}`,
		`{"password":1,"password":2}`:                 `{}`,
		`[["password"],"password"]`:                   `[["password"],"password"]`,
		`"password"`:                                  `"password"`,
		`null`:                                        `null`,
		`[]`:                                          `[]`,
	} {
		if got := Without(json.RawMessage(in), secret); string(got) != want {
			t.Errorf("%s: got %s, want %s", in, got, want)
		}
	}
}

// FuzzWithout holds what is left against what encoding/json makes of it.
func FuzzWithout(f *testing.F) {
	for _, s := range []string{
		`{}`, `{"a":1}`, `{"password":1}`, ` [ {"PASSWORD":[{}]} , -1.5e3 , "\"x\\" ] `, `{"a":{"b":{"password":null,"c":[[],{}]}}}`,
		`{"":"","p\u0061ssword":"é\ud83d\ude00"}`, `{"a":"password","b":"{\"password\":1}"}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		body = bytes.TrimSpace(body)
		if !json.Valid(body) {
			return
		}
		got := Without(body, secret)
		left, want := decoded(t, got), pruned(decoded(t, body))
		if !reflect.DeepEqual(left, want) {
			t.Fatalf("%q became %q, want %v", body, got, want)
		}
		if again := Without(got, secret); !bytes.Equal(again, got) {
			t.Fatalf("%q became %q at the second time", got, again)
		}
	})
}

func decoded(t *testing.T, text []byte) (v any) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber() // there are some that are too large to be any other
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return v
}

func pruned(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k, inner := range v {
			if secret(k) {
				delete(v, k)
			} else {
				v[k] = pruned(inner)
			}
		}
	case []any:
		for i, inner := range v {
			v[i] = pruned(inner)
		}
	}
	return v
}

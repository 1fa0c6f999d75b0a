package export

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestFields(t *testing.T) {
	t.Parallel()
	columns := []string{"a", "list.b", "list.c.d", "list.c"}
	for name, tc := range map[string]struct{ result, want string }{
		"nothing":                 {``, ",,,"},
		"not an object":           {`[{"a":1}]`, ",,,"},
		"one entry":               {`{"list":[{"b":1,"c":"x"}]}`, ",1,,x"},
		"no entry":                {`{"a":null,"list":[]}`, ",,,"},
		"an object is one":        {`{"a":true,"list":{"b":1}}`, "true,1,,"},
		"entries agree":           {`{"list":[{"b":"x"},{"b":"x"}]}`, ",x,,"},
		"entries do not agree":    {`{"list":[{"b":1},{"b":"2"},{"b":1}]}`, ",1 | 2 | 1,,"},
		"one entry says nothing":  {`{"list":[{"b":1},{},{"b":null}]}`, ",1 |  | ,,"},
		"entries are no objects":  {`{"list":[1,[],"x",null]}`, ",,,"},
		"deeper":                  {`{"list":[{"c":{"d":1}},{"c":{"d":2}}]}`, `,,1 | 2,{"d":1} | {"d":2}`},
		"a list inside a list":    {`{"list":[{"c":[{"d":1},{"d":2}]},{"c":[{"d":3}]}]}`, `,,1 | 2 | 3,[{"d":1},{"d":2}] | [{"d":3}]`},
		"the whole name wins":     {`{"list.b":"whole","list":[{"b":"inside"}]}`, ",whole,,"},
		"also where it is first":  {`{"list":[{"b":"inside"}],"list.b":"whole"}`, ",whole,,"},
		"a name of some members":  {`{"list":{"c.d":"near","c":{"d":"far"}}}`, `,,near,{"d":"far"}`},
		"blanks and escapes":      {" { \"list\" : [ { \"b\" : \"x\\n\\\"]\" } , { \"b\" : 2 } ] } ", ",x\n\"] | 2,,"},
		"the last of two members": {`{"a":1,"a":2}`, "2,,,"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, c := range newFields(columns).appendCells(nil, json.RawMessage(tc.result)) {
				got = append(got, c.value)
			}
			if text := strings.Join(got, ","); text != tc.want {
				t.Errorf("%s: got %q, want %q", tc.result, text, tc.want)
			}
		})
	}
}

// FuzzFieldsInside wants no panic of any path through any value, and of a list
// of one what its entry says.
func FuzzFieldsInside(f *testing.F) {
	for _, s := range []string{`{"b":1}`, `[{"b":1},{"b":{"c":[]}}]`, `{"b.c":2,"b":{"c":3}}`, `[[],[[{"b":"\n"}]]]`, `"x"`, `{`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, value string) {
		names := []string{"list.b", "list.b.c", "list"}
		one := newFields(names).appendCells(nil, json.RawMessage(`{"list":`+value+`}`))
		listed := newFields(names).appendCells(nil, json.RawMessage(`{"list":[`+value+`]}`))
		if !json.Valid([]byte(value)) {
			return
		}
		for i := range names[:2] {
			if one[i] != listed[i] {
				t.Errorf("%s: got %v out of a list of it, want %v", names[i], listed[i], one[i])
			}
		}
	})
}

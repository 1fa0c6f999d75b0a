package jsonscan

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

func TestMembers(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{}`:                                "",
		` { } `:                             "",
		`{"a":1}`:                           `"a"=1`,
		"{\"a\" : 1 ,\r\n\t\"b\":\"x\"}":    `"a"=1 "b"="x"`,
		`{"":-1.5e3,"b":null,"c":true}`:     `""=-1.5e3 "b"=null "c"=true`,
		`{"a":{"b":[1,{"c":"}"}]},"d":[]}`:  `"a"={"b":[1,{"c":"}"}]} "d"=[]`,
		`{"a\"b":"\\","c":"\"\\\"","d":""}`: `"a\"b"="\\" "c"="\"\\\"" "d"=""`,
		`{"a":1,"a":2}`:                     `"a"=1 "a"=2`,
		`["a",1]`:                           "",
		`"a"`:                               "",
		`12`:                                "",
		``:                                  "",
		`{`:                                 "",
		`{"a`:                               "",
		`{"a"`:                              "",
		`{"a":`:                             "",
		`{"a":}`:                            "",
		`{"a" 1}`:                           "",
		`{a:1}`:                             "",
	} {
		var got []string
		for name, value := range Members([]byte(text)) {
			got = append(got, string(name)+"="+string(value))
		}
		if s := strings.Join(got, " "); s != want {
			t.Errorf("%q: got %s, want %s", text, s, want)
		}
	}
}

func TestElements(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`[]`:                     "",
		"[ \n]":                  "",
		`[1]`:                    `1`,
		` [ 1 , "a,]" ,[2,[3]]]`: `1 "a,]" [2,[3]]`,
		`[null,{"a":1},false]`:   `null {"a":1} false`,
		`{"a":1}`:                "",
		`[`:                      "",
		`[,1]`:                   "",
	} {
		var got []string
		for e := range Elements([]byte(text)) {
			got = append(got, string(e))
		}
		if s := strings.Join(got, " "); s != want {
			t.Errorf("%q: got %s, want %s", text, s, want)
		}
	}
}

// TestEnough wants that nobody goes on who has enough.
func TestEnough(t *testing.T) {
	t.Parallel()
	n := 0
	for range Members([]byte(`{"a":1,"b":2}`)) {
		n++
		break
	}
	for range Elements([]byte(`[1,2]`)) {
		n++
		break
	}
	if n != 2 {
		t.Errorf("got %d parts, want one of each", n)
	}
}

func TestString(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int{
		`""`: 2, `"" "`: 2, `"a"b`: 3, `"\""`: 4, `"\\"x"`: 4, `"\\\"" "`: 6, `"\"\"\"a"`: 9,
		`"`: 1, `"a`: 2, `"\"`: 3, `"\`: 2, `"a\\`: 4,
	} {
		if got := String([]byte(text)); got != want {
			t.Errorf("%s: got %d bytes, want %d", text, got, want)
		}
	}
}

func TestUnquote(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{`""`: "", `"a b"`: "a b", `"\u0061\n\\"`: "a\n\\", `"é"`: "é"} {
		if got, err := Unquote([]byte(text)); got != want || err != nil {
			t.Errorf("%s: got %q, %v, want %q", text, got, err, want)
		}
	}
	if s, err := Unquote([]byte(`"\x"`)); err == nil {
		t.Errorf("got %q of what is no string", s)
	}
}

// FuzzParts holds what is found in valid JSON against encoding/json, and wants
// of any other text that nothing is found beyond it.
func FuzzParts(f *testing.F) {
	for _, s := range []string{
		`{"a":1,"b":{"c":[true,null]}}`, ` [ "x\"]" , {} , -0.1E+2 ] `, `{"\u0061":"\\","a":""}`, `"\\\""`, `12`,
		`{"a`, `{"a":"\`, `[1,`, `{"a":1]`, `[}`, `{"a":,}`, "{\"a\":1\x00}",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		whole := bytes.Clone(text)
		var names, values, elements [][]byte
		for name, value := range Members(text) {
			names, values = append(names, name), append(values, value)
		}
		for e := range Elements(text) {
			elements = append(elements, e)
		}
		for _, part := range slices.Concat(names, values, elements) {
			if len(part) == 0 || cap(part) != len(part) || !bytes.Contains(text, part) {
				t.Fatalf("%q: got the part %q", text, part)
			}
		}
		if !bytes.Equal(text, whole) {
			t.Fatalf("got %q afterwards, want %q", text, whole)
		}
		if json.Valid(text) {
			held(t, text, names, values, elements)
		}
	})
}

// held holds the parts of valid JSON against what encoding/json reads.
func held(t *testing.T, text []byte, names, values, elements [][]byte) {
	t.Helper()
	var object map[string]json.RawMessage
	_ = json.Unmarshal(text, &object) // nothing, if it is none
	last := map[string][]byte{}
	for i := range names {
		var name string
		if err := json.Unmarshal(names[i], &name); err != nil {
			t.Fatalf("%q: got the name %q", text, names[i])
		}
		if got, err := Unquote(names[i]); err != nil || got != name && !bytes.ContainsFunc(names[i], func(r rune) bool { return r == '�' }) {
			t.Fatalf("%q: got %q of the name %q, want %q", text, got, names[i], name)
		}
		last[name] = values[i]
	}
	if len(last) != len(object) {
		t.Fatalf("%q: got %d names, want %d", text, len(last), len(object))
	}
	for name, want := range object {
		if !bytes.Equal(last[name], want) {
			t.Fatalf("%q: got %q of %q, want %q", text, last[name], name, want)
		}
	}
	var array []json.RawMessage
	_ = json.Unmarshal(text, &array)
	if !slices.EqualFunc(elements, array, func(a []byte, b json.RawMessage) bool { return bytes.Equal(a, b) }) {
		t.Fatalf("%q: got the elements %q, want %q", text, elements, array)
	}
}

package wirejson

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// object returns an object of n members, k0 and so on, and one more.
func object(n int, more string) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `"k%d":%d,`, i, i)
	}
	return "{" + b.String() + `"` + more + `":"more"}`
}

// TestTwice looks for a key that comes twice on both sides of the length from
// which keys are compared in another way.
func TestTwice(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 2, few - 2, few - 1, few, few + 1, few + 2, 10 * few} {
		o, err := Parse([]byte(object(n, "K0")))
		if err != nil || len(o) != n+1 || string(o.Get("K0")) != `"more"` {
			t.Errorf("%d members and K0: got %d, %v, want all of them", n, len(o), err)
		}
		for _, i := range []int{0, n / 2, n - 1} {
			for _, form := range []string{"k%d", `\u006b%d`} {
				if o, err := Parse([]byte(object(n, fmt.Sprintf(form, i)))); !errors.Is(err, errTwice) || o != nil {
					t.Errorf("%d members and k%d again: got %v, want that it comes twice", n, i, err)
				}
			}
		}
	}
}

func TestObject(t *testing.T) {
	t.Parallel()
	body := []byte(` {"b":1,"\u0061":null,"":"x","B":[]} `)
	o, err := Parse(body)
	if err != nil {
		t.Fatal(err)
	}
	got := ""
	for name, value := range o.All() {
		got += name + "=" + string(value) + " "
		if &o.Get(name)[0] != &value[0] || cap(value) != len(value) {
			t.Errorf("%s: got another value, or room behind it", name)
		}
	}
	if want := `b=1 a=null ="x" B=[] `; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if at := bytes.IndexByte(body, '1'); &o.Get("b")[0] != &body[at] {
		t.Error("got a copy of a value, want what is in the body")
	}
	if !o.Has("a") || o.Has("A") || o.Get("A") != nil {
		t.Errorf("got a %v, A %v, want a alone", o.Has("a"), o.Has("A"))
	}
	o.Swap("b", "none")
	o.Swap("a", "B")
	if string(o.Get("none")) != "1" || o.Has("b") || string(o.Get("a")) != "[]" || string(o.Get("B")) != "null" {
		t.Errorf("got %q after two swaps", o)
	}
	if string(body) != ` {"b":1,"\u0061":null,"":"x","B":[]} ` {
		t.Errorf("got the body %q, want it as it was", body)
	}
}

func TestEmptyObject(t *testing.T) {
	t.Parallel()
	var none Object
	if s, ok := none.Text("a"); ok || none.Has("a") || none.Get("a") != nil {
		t.Errorf("got %q of nothing", s)
	}
	for range none.All() {
		t.Error("got a member of nothing")
	}
	if o, err := Members([]byte("{ }")); o == nil || len(o) != 0 || err != nil {
		t.Errorf("got %v, %v, want an object without members", o, err)
	}
}

// saysTwice reports whether encoding/json meets a key of the object twice.
func saysTwice(t *testing.T, body []byte) bool {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(bytes.TrimPrefix(body, []byte("\ufeff"))))
	if _, err := d.Token(); err != nil {
		t.Fatal(err)
	}
	var names []string
	for d.More() {
		name, err := d.Token()
		var value json.RawMessage
		if err := errors.Join(err, d.Decode(&value)); err != nil {
			t.Fatal(err)
		}
		if slices.Contains(names, fmt.Sprint(name)) {
			return true
		}
		names = append(names, fmt.Sprint(name))
	}
	return false
}

// FuzzObject holds our reading of an object against encoding/json's.
func FuzzObject(f *testing.F) {
	for _, s := range []string{
		`{}`, `{"a":1}`, ` { "a" : [1,{"b":"}"}] , "c":"\"x\\" ,"d":null,"e":-1.5e3 } `, `{"a":1,"a":2}`, `{"\u0061":1,"a":2}`,
		object(few+8, "k"), object(few+8, "k1"), object(few+8, "k39"),
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
		if twice := saysTwice(t, body); err != nil {
			if !twice && utf8.Valid(body) {
				t.Fatalf("%q: %v", body, err)
			}
			return
		} else if twice {
			t.Fatalf("%q says a thing twice and was read", body)
		}
		if len(got) != len(want) {
			t.Fatalf("%q: %d members, want %d", body, len(got), len(want))
		}
		for k, v := range want {
			if !bytes.Equal(got.Get(k), v) {
				t.Fatalf("%q: member %q is %q, want %q", body, k, got.Get(k), v)
			}
		}
	})
}

package aopay

import "testing"

// TestRawIsTheBodyItself: nothing is copied but what has the registration in
// it, and nobody can write behind what is kept.
func TestRawIsTheBodyItself(t *testing.T) {
	t.Parallel()
	c := fuzzed(t).client
	body := []byte("\ufeff {\"a\":\"AOP-fuz\"}\n ")
	raw := c.raw(body)
	if string(raw) != `{"a":"AOP-fuz"}` || cap(raw) != len(raw) || &raw[0] != &body[4] {
		t.Errorf("got %q with room for %d, want what is in the body", raw, cap(raw))
	}
	body = []byte(`{"a":"AOP-fuzz"}`)
	if raw := c.raw(body); string(raw) != `{"a":"[secret]"}` || string(body) != `{"a":"AOP-fuzz"}` {
		t.Errorf("got %q of %q, want it masked in a copy", raw, body)
	}
}

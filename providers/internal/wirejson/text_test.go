package wirejson

import (
	"bytes"
	"encoding/json"
	"testing"
)

func TestText(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		`"a"`: "a", `""`: "", `"\u0061\n"`: "a\n", `"é\ud83d\ude00"`: "é😀", `0`: "0", `-1.50e3`: "-1.50e3",
	} {
		if got, ok := Text([]byte(in)); got != want || !ok {
			t.Errorf("%s: got %q, %v, want %q", in, got, ok, want)
		}
	}
	for _, in := range []string{"", "null", "true", "false", "{}", `["a"]`} {
		if got, ok := Text([]byte(in)); ok {
			t.Errorf("%s: got %q, want no text", in, got)
		}
	}
}

// FuzzAppendText holds what we write against encoding/json's.
func FuzzAppendText(f *testing.F) {
	for _, s := range []string{"", "ASHA RAO", `"\`, "<&>", "é\u2028\u2029", "\x00\n\x1f\x7f", "\xff", " ~"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var want bytes.Buffer
		e := json.NewEncoder(&want)
		e.SetEscapeHTML(false)
		if err := e.Encode(s); err != nil {
			t.Fatal(err)
		}
		if got := string(AppendText([]byte("before "), s)) + "\n"; got != "before "+want.String() {
			t.Fatalf("got %s, want %s behind what there was", got, &want)
		}
	})
}

package main

import (
	"strings"
	"testing"
)

func TestShellsCompleteBatchesAndProviders(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	addr, _ := p.up(t)
	p.env = append(p.env, "PLATEQ_URL="+addr)
	id, _ := p.ok(t, 0, "submit", "fleet.csv", "-p", "aopay", "--name", "March fleet", "--quiet")
	id = strings.TrimSpace(id)
	for _, tc := range []struct {
		line []string
		want string // the beginning of a line that is offered
		not  string
	}{
		{[]string{"status", ""}, id + "\t", ""},
		{[]string{"results", ""}, id + "\t", ""},
		{[]string{"diff", id, ""}, id + "\t", ""},
		{[]string{"schedule", "add", ""}, id + "\t", ""},
		{[]string{"unknown", "list", "--batch", ""}, id + "\t", ""},
		{[]string{"status", id, ""}, "", id},
		{[]string{"run", "fleet.csv", "-p", ""}, "attestr\tAttestr", ""},
		{[]string{"keys", "list", ""}, "", id},
	} {
		out, stderr := p.ok(t, 0, append([]string{"__complete"}, tc.line...)...)
		if !strings.Contains("\n"+out, "\n"+tc.want) {
			t.Errorf("%q is offered %q, want %q", tc.line, out, tc.want)
		}
		if tc.not != "" && strings.Contains(out, tc.not) {
			t.Errorf("%q is offered %q, not %q", tc.line, out, tc.not)
		}
		if strings.Contains(stderr, "warning") {
			t.Errorf("%q: a shell shows %q", tc.line, stderr)
		}
	}
}

// Where no server answers, a shell goes on without an offer.
func TestShellsAreOfferedNothingWithoutAServer(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	out, _ := p.ok(t, 0, "__complete", "status", "")
	if !strings.HasPrefix(out, ":") {
		t.Errorf("got %q, want the directive alone", out)
	}
}

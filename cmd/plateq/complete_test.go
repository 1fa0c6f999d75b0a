package main

import (
	"os"
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

// The words that a shell is offered are those that the help tells, and files
// are offered to commands that take one.
func TestShellsCompleteWordsOfAFew(t *testing.T) {
	t.Parallel()
	c := &cli{streams: streams{os.Stdin, os.Stdout, os.Stderr}, screen: &screen{w: os.Stderr}}
	root := c.root()
	for path, flags := range choices() {
		for name, words := range flags {
			at := []string{path}
			if path == "" {
				at = []string{"plateq run", "plateq submit", "plateq estimate"}
			}
			for _, command := range at {
				cmd, _, err := root.Find(strings.Fields(command)[1:])
				if err != nil || cmd.CommandPath() != command || cmd.Flags().Lookup(name) == nil {
					t.Errorf("there is no %s --%s: %v", command, name, err)
					continue
				}
				for _, w := range words {
					if help := cmd.Long + cmd.Flags().Lookup(name).Usage; !strings.Contains(help, w) {
						t.Errorf("%s --%s: its help does not tell of %s", command, name, w)
					}
				}
			}
		}
	}
	p := newPlace(t)
	const file, noFile = ":0\n", ":4\n"
	for _, tc := range []struct {
		line []string
		want string
	}{
		{[]string{"simulate", "--preset", ""}, "demo\nfast\nhostile\n" + noFile},
		{[]string{"doctor", "--format", ""}, "text\njson\n" + noFile},
		{[]string{"results", "b", "--format", ""}, "csv\nxlsx\njson\njsonl\n" + noFile},
		{[]string{"gate", "open", ""}, noFile},
		{[]string{"run", ""}, file},
		{[]string{"backup", ""}, file},
	} {
		if out, _ := p.ok(t, 0, append([]string{"__complete"}, tc.line...)...); out != tc.want {
			t.Errorf("%q is offered %q, want %q", tc.line, out, tc.want)
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

package storetest_test

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/plateq/plateq/store/storetest"
)

var try = flag.String("mutants", "", "build the SQLite store with each mutant whose rule this expression matches, and run the rule")

// root is the module's, seen from this folder.
const root = "../.."

// TestMutants holds the table of mutants against the rules and the source:
// every rule has one, and each can still be made. With -mutants it makes them,
// which takes minutes, and each must be noticed by its rule.
func TestMutants(t *testing.T) {
	t.Parallel()
	table, err := readMutants(os.DirFS("testdata/mutants"))
	if err != nil {
		t.Fatal(err)
	}
	has := map[string]int{}
	for _, m := range table {
		has[m.rule]++
		source, err := os.ReadFile(filepath.Join(root, m.file))
		if err == nil {
			_, err = m.apply(string(source))
		}
		if err != nil {
			t.Errorf("rule %q, mutant %q of %s: %v", m.rule, m.fault, m.file, err)
		}
	}
	for _, rule := range storetest.Rules() {
		if has[rule] == 0 {
			t.Errorf("rule %q has no mutant in testdata/mutants, so nobody knows what it would notice", rule)
		}
		delete(has, rule)
	}
	for rule := range has {
		t.Errorf("a mutant is for rule %q, which is not there", rule)
	}
	if *try == "" {
		return
	}
	chosen, err := regexp.Compile(*try)
	if err != nil {
		t.Fatal(err)
	}
	tryMutants(t, slices.DeleteFunc(table, func(m mutant) bool { return !chosen.MatchString(m.rule) }))
}

func TestMutantApply(t *testing.T) {
	t.Parallel()
	const source = "a\nbb\n\tif c {\nbb\nd\n"
	tests := map[string]struct{ old, new, want string }{
		"a line":                  {"\tif c {\n", "\tif true {\n", "a\nbb\n\tif true {\nbb\nd\n"},
		"the first line":          {"a\n", "", "bb\n\tif c {\nbb\nd\n"},
		"made unique by the next": {"bb\nd\n", "d\n", "a\nbb\n\tif c {\nd\n"},
		"twice":                   {"bb\n", "b\n", ""},
		"not there":               {"e\n", "f\n", ""},
		"part of a line":          {"b\n", "", ""},
	}
	for name, tt := range tests {
		got, err := (&mutant{old: tt.old, new: tt.new}).apply(source)
		if got != tt.want || (err != nil) != (tt.want == "") {
			t.Errorf("%s: got %q, %v, want %q", name, got, err, tt.want)
		}
	}
}

func TestReadMutants(t *testing.T) {
	t.Parallel()
	const entry = "rule   dead calls: they are judged\nfile   store/a.go\nfault  they are not\n \tkept\n-\told\n+\tnew\n"
	want := mutant{rule: "dead calls: they are judged", file: "store/a.go", fault: "they are not", old: "\tkept\n\told\n", new: "\tkept\n\tnew\n"}
	got, err := readMutants(fstest.MapFS{"dead-calls.txt": {Data: []byte(entry + "\n" + entry)}})
	if err != nil || !slices.Equal(got, []mutant{want, want}) {
		t.Errorf("got %+v, %v, want %+v twice", got, err, want)
	}
	for name, spoil := range map[string]string{
		"of another subject":   strings.Replace(entry, "dead calls:", "books:", 1),
		"without a rule":       strings.Replace(entry, "rule   dead calls: they are judged\n", "", 1),
		"without a fault":      strings.Replace(entry, "fault  they are not\n", "", 1),
		"that changes nothing": strings.Replace(entry, "new", "old", 1),
		"with two rules":       entry + entry,
		"with another word":    entry + "why  not\n",
	} {
		if got, err := readMutants(fstest.MapFS{"dead-calls.txt": {Data: []byte(spoil)}}); err == nil {
			t.Errorf("an entry %s was read as %+v", name, got)
		}
	}
}

func TestJudge(t *testing.T) {
	t.Parallel()
	const rule, ran = "dead calls: a worker's calls", "=== RUN   TestRules/dead_calls/a_worker's_calls\n"
	failed := errors.New("exit status 1")
	for _, tt := range []struct {
		name, out string
		err       error
		want      outcome
	}{
		{"passed", ran + "PASS\n", nil, survived},
		{"failed", ran + "        --- FAIL: TestRules/dead_calls/a_worker's_calls (0.1s)\n", failed, red},
		{"broke", ran + "panic: index out of range\n", failed, panics},
		{"hung", ran + "panic: test timed out after 2m0s\n", failed, hangs},
		{"was not there", "testing: warning: no tests to run\nPASS\n", nil, unrun},
		{"was killed", ran, errors.New("signal: killed"), unrun},
		{"another failed", ran + "        --- FAIL: TestRules/dead_calls/another (0.1s)\n", failed, unrun},
	} {
		if got := judge(rule, tt.out, tt.err); got != tt.want {
			t.Errorf("a rule that %s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

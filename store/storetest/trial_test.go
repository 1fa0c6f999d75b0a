package storetest_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	// atOnce is how many mutants are built and tried at once. The compiler
	// uses several cores for each.
	atOnce = 2
	// chances is how often a rule may run until it fails: a race is not lost
	// every time.
	chances = 5
	// patience is how long that may take before a mutant is taken for one that
	// hangs. A sound rule takes a second, all of them ten.
	patience = 5 * time.Minute
)

// outcome is what became of a mutant.
type outcome string

const (
	red      outcome = "red"
	panics   outcome = "red, panics"
	hangs    outcome = "red, hangs"
	survived outcome = "SURVIVED"
	unbuilt  outcome = "DOES NOT BUILD"
	unrun    outcome = "DID NOT RUN"
)

// noticed reports whether the rule did what it is there for.
func (o outcome) noticed() bool { return o == red || o == panics || o == hangs }

// trials tries mutants and prints what becomes of them.
type trials struct {
	t      *testing.T
	dir    string
	mu     sync.Mutex
	counts map[outcome]int
}

// tryMutants builds the store with each mutant and runs its rule, which must
// fail.
func tryMutants(t *testing.T, table []mutant) {
	r := &trials{t: t, dir: t.TempDir(), counts: map[outcome]int{}}
	r.trySound()
	var wg sync.WaitGroup
	slots := make(chan struct{}, atOnce)
	builds := sameChange(table)
	for i, mutants := range builds {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			r.try(fmt.Sprint(i), mutants)
		})
	}
	wg.Wait()
	fmt.Fprintf(t.Output(), "%d mutants, %d of them different:", len(table), len(builds))
	for _, o := range []outcome{red, panics, hangs, survived, unbuilt, unrun} {
		fmt.Fprintf(t.Output(), " %d %s;", r.counts[o], o)
	}
	fmt.Fprintln(t.Output())
}

// sameChange groups the mutants that are the same to the compiler.
func sameChange(table []mutant) [][]mutant {
	var groups [][]mutant
	place := map[mutant]int{}
	for _, m := range table {
		change := mutant{file: m.file, old: m.old, new: m.new}
		i, known := place[change]
		if !known {
			i = len(groups)
			place[change] = i
			groups = append(groups, nil)
		}
		groups[i] = append(groups[i], m)
	}
	return groups
}

// trySound runs all rules without a mutant: a rule that fails anyway would
// prove nothing.
func (r *trials) trySound() {
	b := binary{dir: filepath.Join(r.dir, "sound")}
	if err := b.build(r.t.Context(), nil); err != nil {
		r.t.Fatalf("build the store without a mutant: %v", err)
	}
	if out, err := b.run(r.t.Context(), "^TestRules$", 1); err != nil {
		r.t.Fatalf("run the rules without a mutant: %v\n%s", err, out)
	}
}

// try builds the change that the mutants have in common and runs their rules.
func (r *trials) try(name string, mutants []mutant) {
	b := binary{dir: filepath.Join(r.dir, name)}
	defer os.RemoveAll(b.dir)
	if err := b.build(r.t.Context(), &mutants[0]); err != nil {
		for _, m := range mutants {
			r.report(m, unbuilt, err.Error())
		}
		return
	}
	for _, m := range mutants {
		out, err := b.run(r.t.Context(), "^TestRules$/^"+strings.Replace(regexp.QuoteMeta(m.rule), ": ", "$/^", 1)+"$", chances)
		r.report(m, judge(m.rule, out, err), out)
	}
}

func (r *trials) report(m mutant, o outcome, details string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.counts[o]++
	fmt.Fprintf(r.t.Output(), "%-14s  %s | %s\n", o, m.rule, m.fault)
	if !o.noticed() {
		r.t.Errorf("rule %q, mutant %q: %s\n%s", m.rule, m.fault, o, details)
	}
}

// judge says what the run of a rule shows. One that did not run, or that
// something else ended, shows nothing.
func judge(rule, out string, err error) outcome {
	name := "TestRules/" + strings.NewReplacer(": ", "/", " ", "_").Replace(rule)
	switch {
	case !strings.Contains(out, "=== RUN   "+name+"\n"):
		return unrun
	case err == nil:
		return survived
	case strings.Contains(out, "panic: test timed out"):
		return hangs
	case strings.Contains(out, "--- FAIL: "+name+" "):
		return red
	case strings.Contains(out, "panic: "), strings.Contains(out, "fatal error: "):
		return panics
	default:
		return unrun
	}
}

// binary is a test binary of the SQLite store, in a folder of its own.
type binary struct{ dir string }

func (b binary) path() string { return filepath.Join(b.dir, "sqlite.test") }

// build compiles it, with a mutant unless m is nil. The source stays as it is:
// the compiler is told to read another file in place of one.
func (b binary) build(ctx context.Context, m *mutant) error {
	if err := os.Mkdir(b.dir, 0o700); err != nil {
		return err
	}
	args := []string{"test", "-c", "-ldflags=-s -w", "-o", b.path()}
	if m != nil {
		overlay, err := b.overlay(m)
		if err != nil {
			return err
		}
		args = append(args, "-overlay", overlay)
	}
	cmd := exec.CommandContext(ctx, "go", append(args, "./store/sqlite")...)
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%w\n%s", err, out)
	}
	return nil
}

// overlay writes the changed file, and the one that tells the compiler of it.
func (b binary) overlay(m *mutant) (name string, err error) {
	original, err := filepath.Abs(filepath.Join(root, m.file))
	if err != nil {
		return "", err
	}
	source, err := os.ReadFile(original)
	if err != nil {
		return "", err
	}
	text, err := m.apply(string(source))
	if err != nil {
		return "", err
	}
	changed := filepath.Join(b.dir, filepath.Base(original))
	replace, err := json.Marshal(map[string]map[string]string{"Replace": {original: changed}})
	if err != nil {
		return "", err
	}
	name = filepath.Join(b.dir, "overlay.json")
	return name, errors.Join(os.WriteFile(changed, []byte(text), 0o600), os.WriteFile(name, replace, 0o600))
}

// run runs some rules until one fails, a few times at most, and returns what
// they print.
func (b binary) run(ctx context.Context, rules string, times int) (out string, err error) {
	cmd := exec.CommandContext(ctx, b.path(), "-test.v", "-test.run="+rules, "-test.failfast",
		fmt.Sprintf("-test.count=%d", times), "-test.timeout="+patience.String())
	cmd.Dir = filepath.Join(root, "store/sqlite")
	cmd.Env = append(os.Environ(), "TMPDIR="+b.dir)
	text, err := cmd.CombinedOutput()
	return string(text), err
}

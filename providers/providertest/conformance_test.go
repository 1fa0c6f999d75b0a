package providertest_test

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plateq/plateq/providers/providertest"
)

func TestParseConformance(t *testing.T) {
	t.Parallel()
	const text = "# what it is\n\n`_id`\tan id\tTestA/a b\r\n`$skip`\tskipped \tTestB\n"
	got, err := providertest.ParseConformance([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	want := []providertest.Row{{Term: "`_id`", Says: "an id", Test: "TestA/a b"}, {Term: "`$skip`", Says: "skipped", Test: "TestB"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	for name, text := range map[string]string{
		"two cells":  "a\tb",
		"four cells": "a\tb\tc\td",
		"empty cell": "a\t \tTestA",
		"twice":      "a\tb\tTestA\na\tc\tTestA",
	} {
		if got, err := providertest.ParseConformance([]byte(text)); err == nil || got != nil {
			t.Errorf("%s: got %v, %v, want an error", name, got, err)
		}
	}
}

// recorder keeps what a check complains of.
type recorder struct {
	testing.TB
	said []string
}

func (r *recorder) Helper() {}
func (r *recorder) Errorf(format string, a ...any) {
	r.said = append(r.said, fmt.Sprintf(format, a...))
}
func (r *recorder) Fatalf(format string, a ...any) { r.Errorf(format, a...); runtime.Goexit() }
func (r *recorder) Fatal(a ...any)                 { r.said = append(r.said, fmt.Sprint(a...)); runtime.Goexit() }

func TestConformanceNotices(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ text, want string }{
		"all there":      {"a\tb\tTestConformanceNotices\nb\tb\tTestConformanceNotices/all_there\nc\td\tTestParseConformance/truncated answer is not believed", ""},
		"no such test":   {"a\tb\tTestNothing", "no test TestNothing"},
		"no such case":   {"a\tb\tTestConformanceNotices/" + strings.Repeat("x", 3), `no case "xxx"`},
		"nothing at all": {"# nothing", "no row"},
		"an empty cell":  {"a\t\tTestConformanceNotices", "empty"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "conformance.txt")
			if err := os.WriteFile(file, []byte(tc.text), 0o600); err != nil {
				t.Fatal(err)
			}
			r := &recorder{TB: t}
			done := make(chan struct{})
			go func() {
				defer close(done)
				providertest.Conformance(r, file)
			}()
			<-done
			got := strings.Join(r.said, "\n")
			if tc.want == "" && got != "" || !strings.Contains(got, tc.want) {
				t.Errorf("got %q, want %q in it", got, tc.want)
			}
		})
	}
}

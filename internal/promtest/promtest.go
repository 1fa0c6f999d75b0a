// Package promtest runs Debian's Prometheus for tests.
package promtest

import (
	"os"
	"os/exec"
	"testing"
)

// Tool runs promtool, which must end well.
func Tool(t testing.TB, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program(t, "promtool"), args...) //nolint:gosec // by the tests
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("promtool %q: %v\n%s", args, err, out)
	}
}

// program returns the path of a program of the package prometheus, or skips the
// test without it.
func program(t testing.TB, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err == nil {
		return path
	}
	if os.Getenv("CI") == "true" {
		t.Fatalf("%s is missing: tools/setup-tests.sh installs it", name)
	}
	t.Skipf("%s is missing", name)
	return ""
}

package config_test

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/plateq/plateq/internal/config"
)

// top is the root of the repository.
const top = "../.."

// units are those of deploy/systemd, each with the part that it starts.
var units = map[string]string{"plateq-serve.service": "serve", "plateq-worker@.service": "worker", "plateq-scheduler.service": "scheduler"}

func TestSystemdTakesTheUnits(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("systemd-analyze"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("systemd-analyze is missing: tools/setup-tests.sh installs it")
		}
		t.Skip("systemd-analyze is missing")
	}
	dir := t.TempDir()
	args := []string{"verify", "--man=no"}
	for _, name := range slices.Sorted(maps.Keys(units)) {
		// The program is not installed here.
		text := strings.Replace(unit(t, name), "/usr/local/bin/plateq", "/bin/true", 1)
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, path)
	}
	// It exits with 0 also where it does not know a setting.
	if out, err := exec.CommandContext(t.Context(), "systemd-analyze", args...).CombinedOutput(); err != nil || strings.Contains(string(out), dir) {
		t.Errorf("systemd-analyze: %v\n%s", err, out)
	}
}

func unit(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(top, "deploy", "systemd", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestUnitsSetVariablesThatThereAre, and differ in nothing but what they start
// and where they tell their metrics.
func TestUnitsSetVariablesThatThereAre(t *testing.T) {
	t.Parallel()
	same := map[string]string{}
	for name, part := range units {
		var environ, rest []string
		for line := range strings.Lines(unit(t, name)) {
			line = strings.TrimSpace(line)
			if variable, ok := strings.CutPrefix(line, "Environment="); ok {
				credential := filepath.Join(t.TempDir(), "credential")
				variable = strings.NewReplacer("%i", "1", "%S", t.TempDir()).Replace(variable)
				if key, _, secret := strings.Cut(variable, "_FILE=%d/credentials_"); secret {
					variable = key + "_FILE=" + credential
					writeCredential(t, credential, key)
				}
				environ = append(environ, variable)
			}
			if !strings.HasPrefix(line, "#") && !strings.Contains(line, "ADMIN_LISTEN") && !strings.HasPrefix(line, "Description=") {
				rest = append(rest, strings.Replace(line, "plateq "+part, "plateq PART", 1))
			}
		}
		if !slices.Contains(environ, "GOMEMLIMIT=400MiB") || !slices.Contains(rest, "MemoryHigh=512M") {
			t.Errorf("%s: it may grow past what it may have", name)
		}
		c, warnings, err := config.Load(environ)
		if err != nil || len(warnings) > 0 || !c.Shared() {
			t.Errorf("%s: %v, %q", name, err, warnings)
		}
		same[strings.Join(rest, "\n")] = name
	}
	if len(same) != 1 {
		t.Errorf("the units differ: %q", slices.Sorted(maps.Values(same)))
	}
}

// writeCredential writes a value that the variable takes.
func writeCredential(t *testing.T, path, variable string) {
	t.Helper()
	const key = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
	value := map[string]string{
		"PLATEQ_DATABASE_URL": "postgres://plateq@db/plateq", "PLATEQ_REDIS_URL": "redis://redis/0",
		"PLATEQ_ENCRYPTION_KEYS": "0123abcd:" + key, "PLATEQ_INDEX_KEY": key, "PLATEQ_ENQUEUE_KEY": key,
	}[variable]
	if value == "" {
		t.Errorf("%s is no credential that is known here", variable)
	}
	if err := os.WriteFile(path, []byte(value), 0o600); err != nil {
		t.Fatal(err)
	}
}

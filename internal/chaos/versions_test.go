//go:build chaos

package chaos_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// top is the root of the repository.
const top = "../.."

// git asks the repository that the tests are in.
func (t *trial) git(args ...string) string {
	t.Helper()
	out, err := exec.Command("git", append([]string{"-C", top}, args...)...).Output()
	if err != nil {
		t.unable("there is no history to build an older version from")
	}
	return strings.TrimSpace(string(out))
}

// older builds the program as it was at a commit.
func (t *trial) older(commit string) string {
	t.Helper()
	dir := t.keptDir()
	archive := filepath.Join(dir, "source.tar")
	t.git("archive", "-o", archive, commit)
	source := filepath.Join(dir, "source")
	if err := os.Mkdir(source, 0o700); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("tar", "-xf", archive, "-C", source).CombinedOutput(); err != nil {
		t.Fatalf("unpack: %v: %s", err, out)
	}
	path := filepath.Join(dir, "plateq")
	cmd := exec.Command("go", "build", "-o", path, "./cmd/plateq")
	cmd.Dir, cmd.Env = source, append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build %s: %v: %s", commit, err, out)
	}
	return path
}

// twoVersions lets workers of the oldest commit with the same tables work
// beside new ones, and then alone again.
func twoVersions(t *trial) {
	same := t.git("log", "-1", "--format=%H", "--", "store/postgres/migrations")
	old := t.older(same)
	w := t.build(ground{keysBy: old})
	start := func(program, part string) *process {
		name := part + "-old-" + time.Now().Format("150405.000")
		p := startProcess(t, w.dir, name, w.env, program, part)
		w.started = append(w.started, p)
		return p
	}
	first := start(old, "worker")
	w.scheduler = start(old, "scheduler")
	w.submit()
	w.part(0.2)
	upgraded := w.worker()
	scheduler := w.spawn("scheduler")
	w.part(0.5)
	if code := first.stop(time.Minute); code != 0 {
		t.Errorf("the old worker ended with %d", code)
	}
	w.part(0.6)
	start(old, "worker")
	upgraded.stop(time.Minute)
	scheduler.stop(time.Minute)
	w.mended = time.Now()
	w.account()
	w.nothingUnknown()
	t.more("beside %.7s", same)
}

// newTables has the version come that changes the tables, while the one before
// it works.
func newTables(t *trial) {
	last := t.git("log", "-1", "--format=%H", "--", "store/postgres/migrations")
	before := t.git("rev-parse", last+"~1")
	old := t.older(before)
	w := t.build(ground{program: old})
	w.goOn()
	w.part(0.2)
	past := w.started
	w.program = ""
	w.worker() // it changes the tables
	w.part(0.5)
	for _, p := range past {
		if code := p.stop(time.Minute); code != 0 {
			t.Errorf("%s of the old version ended with %d", p.name, code)
		}
	}
	w.open()
	w.scheduler = w.spawn("scheduler")
	w.mended = time.Now()
	w.account()
	w.nothingUnknown()
	p := startProcess(t, w.dir, "worker-after", w.env, old, "worker")
	if code := p.exit(time.Minute); code != 2 {
		t.Errorf("the old version ended with %d on the new tables, want 2: %s", code, p.said())
	}
	t.more("from %.7s; that one refuses the new tables (exit code 2)", before)
}

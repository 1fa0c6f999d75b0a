package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// A command that would write one of its files over another, or could not write
// one, says so before anybody is asked, and nothing is touched.
func TestFilesAreLookedAtFirst(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.write(t, "old.csv", "kept")
	for link, to := range map[string]string{"here": ".", "soft.csv": "fleet.csv"} {
		if err := os.Symlink(to, filepath.Join(p.dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct{ args, want string }{
		{"run fleet.csv -p attestr --simulate -o fleet.csv", "-o fleet.csv: it is the list itself"},
		{"run fleet.csv -p attestr --simulate -o soft.csv", "-o soft.csv: it is the list itself"},
		{"run fleet.csv -p attestr --simulate -o here/fleet.csv", "-o here/fleet.csv: it is the list itself"},
		{"run fleet.csv -p attestr --simulate -o x.csv --errors x.csv", "--errors x.csv: it is the file of -o"},
		{"run fleet.csv -p attestr --simulate -o old.csv --errors here/old.csv", "--errors here/old.csv: it is the file of -o"},
		{"run fleet.csv -p attestr --simulate -o x.csv --problems here/../x.csv", "--problems here/../x.csv: it is the file of -o"},
		{"run fleet.csv -p attestr --simulate -o none/x.csv", "write none/x.csv: no such file or directory"},
		{"run fleet.csv -p attestr --simulate -o x.csv --errors x.xlsx", "write x.xlsx: it must be of the same format as -o"},
		{"estimate fleet.csv -p attestr --simulate --problems fleet.csv", "--problems fleet.csv: it is the list itself"},
		{"estimate fleet.csv -p attestr --simulate --problems none/x.csv", "write none/x.csv: no such file or directory"},
		{"submit fleet.csv -p attestr --problems fleet.csv", "--problems fleet.csv: it is the list itself"},
		{"submit fleet.csv -p attestr --wait -o fleet.csv", "-o fleet.csv: it is the list itself"},
		{"submit fleet.csv -p attestr --wait -o none/x.csv", "write none/x.csv: no such file or directory"},
		{"submit fleet.csv -p attestr --wait -o x.csv --errors none/x.csv", "write none/x.csv: no such file or directory"},
		{"submit fleet.csv -p attestr --wait -o x.csv --errors y.xlsx", "write y.xlsx: it must be of the same format as -o"},
		{"submit fleet.csv -p attestr --problems none/x.csv", "write none/x.csv: no such file or directory"},
		{"submit fleet.csv -p attestr --problems .", "write .: it is a directory"},
		{"results b_1 -o y.csv --errors y.csv", "--errors y.csv: it is the file of -o"},
		{"results b_1 -o none/y.csv", "write none/y.csv: no such file or directory"},
		{"results b_1 -o x.csv --errors y.xlsx", "write y.xlsx: it must be of the same format as -o"},
		{"diff b_1 b_2 -o none/y.csv", "write none/y.csv: no such file or directory"},
	} {
		out, errs := p.ok(t, 2, strings.Fields(tt.args)...)
		if out != "" || !strings.HasPrefix(errs, "plateq: "+tt.want) || strings.Count(errs, "\n") != 1 {
			t.Errorf("plateq %s: %s%s", tt.args, out, errs)
		}
	}
	if text, err := os.ReadFile(filepath.Join(p.dir, "fleet.csv")); err != nil || string(text) != fleet {
		t.Errorf("the list holds %q, %v", text, err)
	}
	if left, _ := filepath.Glob(filepath.Join(p.dir, "*")); len(left) != 9 {
		t.Errorf("there is %s", left)
	}
}

// A list on standard input is not written over either, by whatever name its
// file has.
func TestAListOnStandardInputIsLookedAtFirst(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	if err := os.Symlink("fleet.csv", filepath.Join(p.dir, "soft.csv")); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(p.dir, "fleet.csv")
	if err := os.Link(path, filepath.Join(p.dir, "hard.csv")); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ args, what string }{
		{"run - --format csv -p attestr --simulate -y -o fleet.csv", "-o fleet.csv"},
		{"run - --format csv -p attestr --simulate -y -o soft.csv", "-o soft.csv"},
		{"run - --format csv -p attestr --simulate -y -o x.csv --errors hard.csv", "--errors hard.csv"},
		{"run - --format csv -p attestr --simulate -y -o x.csv --problems fleet.csv", "--problems fleet.csv"},
		{"estimate - --format csv -p attestr --simulate --problems fleet.csv", "--problems fleet.csv"},
		{"submit - --format csv -p attestr --wait -o fleet.csv", "-o fleet.csv"},
	} {
		list, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		cmd := p.command(t.Context(), strings.Fields(tt.args)...)
		var errs strings.Builder
		cmd.Stdin, cmd.Stderr = list, &errs
		out, _ := cmd.Output()
		_ = list.Close()
		want := "plateq: " + tt.what + ": it is the list on standard input, which would be lost: give another file\n"
		if code := cmd.ProcessState.ExitCode(); code != 2 || len(out) > 0 || errs.String() != want {
			t.Errorf("plateq %s: exit %d, %s%s", tt.args, code, out, &errs)
		}
		if text, err := os.ReadFile(path); err != nil || string(text) != fleet {
			t.Fatalf("plateq %s: the list holds %q, %v", tt.args, text, err)
		}
	}
}

// Pipes and devices may be named twice: what is written to them is not lost.
func TestPipesMayBeNamedTwice(t *testing.T) {
	t.Parallel()
	pipe := filepath.Join(t.TempDir(), "pipe.csv")
	if err := exec.Command("mkfifo", pipe).Run(); err != nil {
		t.Fatal(err)
	}
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	for _, path := range []string{pipe, os.DevNull, "-", ""} {
		if err := checkFiles(path, null, output{"-o", path}, output{"--errors", path}); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// Results that could not be written after all are still to be had.
func TestAFailedDownloadSaysWhatIsNext(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	if err := os.Symlink("/dev/full", filepath.Join(p.dir, "full.csv")); err != nil {
		t.Fatal(err)
	}
	addr, _ := p.up(t)
	p.env = append(p.env, "PLATEQ_URL="+addr)
	_, errs := p.ok(t, 1, "submit", "fleet.csv", "-p", "attestr", "--wait", "-o", "full.csv")
	if !regexp.MustCompile(`next: plateq results b_\w+ -o full.csv\n`).MatchString(errs) || !strings.Contains(errs, "write full.csv: no space left on device") {
		t.Errorf("standard error: %s", errs)
	}
}

package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// appending opens a file that holds a line, as >> does.
func (p *place) appending(t *testing.T, name string) *os.File {
	t.Helper()
	p.write(t, name, "kept\n")
	f, err := os.OpenFile(filepath.Join(p.dir, name), os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

// asNobody has a command run by a user who may write nowhere, where the test is
// run by one who may everywhere.
func asNobody(cmd *exec.Cmd) {
	if os.Geteuid() == 0 {
		// The test binary is nobody's to find, and this is it by a name that all have.
		cmd.Path, cmd.Dir = "/proc/self/exe", "/"
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	}
}

// Where standard output or standard error is a file, it can be named: rows come
// after what is in it, and whoever runs the command need not own the directory.
func TestResultsToWhatIsOpen(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	addr, _ := p.up(t)
	p.env = append(p.env, "PLATEQ_URL="+addr)
	id, _ := p.ok(t, 0, "submit", "fleet.csv", "-p", "attestr", "--wait", "--quiet")
	for _, to := range []string{"-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1", "/dev/stderr", "/dev/fd/3"} {
		for who, as := range map[string]func(*exec.Cmd){"whoever": func(*exec.Cmd) {}, "nobody": asNobody} {
			cmd := p.command(t.Context(), "results", strings.TrimSpace(id), "--format", "csv", "--quiet", "-o", to)
			as(cmd)
			all := p.appending(t, "all.csv")
			var errs bytes.Buffer
			cmd.Stderr = &errs
			switch to {
			case "/dev/stderr":
				cmd.Stderr = all
			case "/dev/fd/3":
				cmd.ExtraFiles = []*os.File{all}
			default:
				cmd.Stdout = all
			}
			err := cmd.Run()
			text, _ := os.ReadFile(all.Name())
			if err != nil || errs.Len() > 0 || !strings.HasPrefix(string(text), "kept\nbatch,row,") || strings.Count(string(text), "\n") != 5 {
				t.Errorf("-o %s by %s: %v, %s\nthere is %s", to, who, err, &errs, text)
			}
		}
	}
}

// The summary for programs does not follow the rows, by whatever name these go
// to standard output.
func TestRowsAndSummaryAreNotMixed(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	for _, to := range []string{"-", "/dev/stdout"} {
		out, _ := p.ok(t, 0, "run", "fleet.csv", "-p", "attestr", "--simulate", "--json", "--format", "csv", "-o", to)
		if strings.Contains(out, "{") || strings.Count(out, "\n") != 4 {
			t.Errorf("-o %s: %s", to, out)
		}
	}
}

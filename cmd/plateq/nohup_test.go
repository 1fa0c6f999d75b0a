package main

import (
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// heedTerminals has the processes that tests start hear of terminals that go,
// also where the tests themselves run under nohup: what is caught here, and not
// ignored, is not ignored by them either.
func heedTerminals() {
	if signal.Ignored(syscall.SIGHUP) {
		signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP)
	}
}

// Under nohup a run goes on to its end without its terminal.
func TestNohupOutlivesTheTerminal(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	asked := p.misled(t, late)
	p.write(t, "bills.csv", bills(6))
	plain := p.command(t.Context(), "run", "bills.csv", "-p", "aopay", "--set", "operator=311", "-o", "out.csv")
	cmd := exec.CommandContext(t.Context(), "nohup", plain.Args...)
	cmd.Dir, cmd.Env = plain.Dir, plain.Env
	var errs strings.Builder
	cmd.Stdout, cmd.Stderr = &errs, &errs
	ended := begun(t, cmd)
	select {
	case <-asked:
		_ = cmd.Process.Signal(syscall.SIGHUP)
	case <-ended:
	}
	<-ended
	if code := cmd.ProcessState.ExitCode(); code != 0 && code != 3 {
		t.Errorf("exit %d, want 0 or 3: %s", code, &errs)
	}
	if text, err := os.ReadFile(filepath.Join(p.dir, "out.csv")); err != nil || strings.Count(string(text), "\n") != 7 {
		t.Errorf("results: %v, %s", err, text)
	}
}

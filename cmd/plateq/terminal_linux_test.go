package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/plateq/plateq/client"
)

// onTerminal runs a command on a terminal of its own, where a person types, and
// returns what appears there.
func (p *place) onTerminal(t *testing.T, typed string, args ...string) (code int, shown string) {
	t.Helper()
	person, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer person.Close()
	n, err := unix.IoctlGetInt(int(person.Fd()), unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(int(person.Fd()), unix.TIOCSPTLCK, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	tty, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	cmd := p.command(t.Context(), args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = tty, tty, tty
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = tty.Close()
	_, _ = io.WriteString(person, typed)
	var all bytes.Buffer
	_, _ = io.Copy(&all, person) // it ends with an error once nobody has the terminal open
	_ = cmd.Wait()
	return cmd.ProcessState.ExitCode(), all.String()
}

// Only where a person can answer is a question asked: the null device is no
// terminal, though it is a device with characters as one.
func TestNobodyIsAskedAtTheNullDevice(t *testing.T) {
	t.Parallel()
	p := newPlace(t, append(priced, "PLATEQ_CONFIRM_ABOVE=10")...)
	run := []string{"run", "fleet.csv", "-p", "attestr", "--simulate", "-o", "out.csv"}
	// Without streams of its own a command has the null device.
	silently := func(args ...string) int {
		cmd := p.command(t.Context(), args...)
		_ = cmd.Run()
		return cmd.ProcessState.ExitCode()
	}
	if code := silently(run...); code != 2 {
		t.Errorf("run: exit %d, want 2", code)
	}
	if code, shown := p.onTerminal(t, "n\n", run...); code != 130 || !strings.Contains(shown, "look up 2 questions for at most 10.50 INR? [y/N]") {
		t.Errorf("on a terminal: exit %d, want 130: %s", code, shown)
	}
	p.ok(t, 4, append(run, "--max-cost", "1")...)
	var b client.Batch
	if out, _ := p.ok(t, 0, "list", "--simulate"); json.Unmarshal([]byte(out), &b) != nil {
		t.Fatal(out)
	}
	if code := silently("cancel", b.ID, "--simulate"); code != 0 {
		t.Errorf("cancel: exit %d, want 0", code)
	}
	if out, _ := p.ok(t, 0, "status", b.ID, "--simulate"); !strings.Contains(out, `"state":"cancelled"`) {
		t.Errorf("after cancel: %s", out)
	}
}

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// Every command has a page under its own title, with all its flags and the
// commands below it, and no line that man would take for a request of its own.
func TestEveryCommandHasAPage(t *testing.T) {
	t.Parallel()
	c := &cli{streams: streams{os.Stdin, os.Stdout, os.Stderr}, screen: &screen{w: os.Stderr}}
	root, dir := c.root(), t.TempDir()
	if err := writePages(root, dir, "2026-11-22"); err != nil {
		t.Fatal(err)
	}
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if n := wantPages(t, root, dir); n != len(files) || n < 50 {
		t.Errorf("%d pages for %d commands", len(files), n)
	}
}

// wantPages looks at the pages of a command and of those below it, and returns
// how many there are.
func wantPages(t *testing.T, cmd *cobra.Command, dir string) int {
	t.Helper()
	name := pageName(cmd)
	b, err := os.ReadFile(filepath.Join(dir, name+".1"))
	if err != nil {
		t.Error(err)
		return 0
	}
	text := string(b)
	want := []string{".TH " + roff(strings.ToUpper(name)) + " 1 2026-11-22 ", ".SH SYNOPSIS\n\\fB" + roff(cmd.CommandPath()) + "\\fR"}
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if !f.Hidden && f.Name != "help" {
			want = append(want, "\\fB\\-\\-"+roff(f.Name)+"\\fR")
		}
	})
	n := 1
	for _, below := range cmd.Commands() {
		if below.IsAvailableCommand() {
			want = append(want, ".TP\n\\fB"+roff(pageName(below))+"\\fR(1)\n")
			n += wantPages(t, below, dir)
		}
	}
	for _, w := range want {
		if !strings.Contains(text, w) {
			t.Errorf("%s.1 lacks %q", name, w)
		}
	}
	for line := range strings.Lines(text) {
		request, _, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch {
		case !strings.HasPrefix(line, ".") && !strings.HasPrefix(line, "'"):
		case strings.Contains(" .TH .SH .TP .PP .nf .fi ", " "+request+" "):
		default:
			t.Errorf("%s.1: man does not know %q", name, line)
		}
	}
	return n
}

func TestRoffMeansNothingElse(t *testing.T) {
	t.Parallel()
	const text, want = ".env holds a\\b\n'tis --so", "\\&.env holds a\\eb\n\\&'tis \\-\\-so"
	if got := roff(text); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

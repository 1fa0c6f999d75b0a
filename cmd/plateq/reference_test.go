package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

var update = flag.Bool("update", false, "write docs/cli.md anew")

const referenceHead = `# Command line

Written by ` + "`go generate`" + `; do not edit. It is what ` + "`plateq COMMAND --help`" + ` says. Data goes to standard output, everything else to standard
error. Settings are environment variables: [configuration.md](configuration.md).
`

// TestReference compares docs/cli.md with the commands; with -update it
// writes it.
func TestReference(t *testing.T) {
	t.Parallel()
	c := &cli{streams: streams{os.Stdin, os.Stdout, os.Stderr}, screen: &screen{w: os.Stderr}}
	var b strings.Builder
	b.WriteString(referenceHead)
	describe(&b, c.root())
	want, path := b.String(), filepath.Join("..", "..", "docs", "cli.md")
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) == want {
		return
	}
	was := strings.Split(string(got), "\n")
	for i, line := range strings.Split(want, "\n") {
		if i >= len(was) || was[i] != line {
			t.Fatalf("docs/cli.md is not what the commands say, first in line %d, which should be\n%s\nrun go generate ./cmd/plateq", i+1, line)
		}
	}
	t.Error("docs/cli.md ends with what no command says: run go generate ./cmd/plateq")
}

// describe writes a command and those below it.
func describe(b *strings.Builder, cmd *cobra.Command) {
	cmd.InitDefaultHelpFlag()
	fmt.Fprintf(b, "\n## %s\n\n%s.\n", cmd.CommandPath(), strings.TrimSuffix(cmd.Short, "."))
	if cmd.Runnable() && cmd.HasParent() {
		fmt.Fprintf(b, "\n```text\n%s\n```\n", cmd.UseLine())
	}
	for _, text := range []string{strings.TrimSpace(cmd.Long), strings.TrimRight(cmd.Example, "\n"), flags(cmd)} {
		if text != "" {
			fmt.Fprintf(b, "\n```text\n%s\n```\n", text)
		}
	}
	for _, below := range cmd.Commands() {
		if below.IsAvailableCommand() {
			describe(b, below)
		}
	}
}

// flags are those of a command itself; the root has those of all.
func flags(cmd *cobra.Command) string {
	own := cmd.NonInheritedFlags()
	if f := own.Lookup("help"); f != nil {
		f.Hidden = true
	}
	return strings.TrimRight(own.FlagUsages(), "\n")
}

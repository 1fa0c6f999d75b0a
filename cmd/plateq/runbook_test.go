package main

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// Whoever is called at night types what the runbook says: each command of it is
// there, with its flags and as many arguments.
func TestRunbookNamesCommandsThatAreThere(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/runbook.md")
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile("(?m)(?:^ +|`)(plateq [a-z][^`\n]*?)(?:   .*)?(?:`|$)").FindAllStringSubmatch(strings.ReplaceAll(string(text), "`\n", "` \n"), -1)
	if len(found) < 20 {
		t.Fatalf("%d commands: they are not found", len(found))
	}
	quoted := regexp.MustCompile(`"[^"]*"`)
	for _, m := range found {
		args := strings.Fields(quoted.ReplaceAllString(m[1], "text"))[1:]
		cmd, rest, err := (&cli{}).root().Find(args)
		if err == nil {
			err = cmd.ParseFlags(rest)
		}
		if err == nil && !cmd.HasSubCommands() {
			err = cmd.ValidateArgs(cmd.Flags().Args())
		}
		if err != nil {
			t.Errorf("%s: %v", m[1], err)
		}
	}
}

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/plateq/plateq/internal/app"
)

// manCommand writes what a release carries; people read --help.
func (c *cli) manCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "man DIR DATE",
		Short:   "Write a page of the manual for each command",
		Example: "  plateq man man1 2026-11-22",
		Hidden:  true,
		Args:    wants("DIR", "DATE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if _, err := time.Parse(time.DateOnly, args[1]); err != nil {
				return app.Usage(fmt.Errorf("DATE: %q is no day such as 2026-11-22", args[1]))
			}
			if err := os.MkdirAll(args[0], 0o755); err != nil { //nolint:gosec // pages are for everyone
				return fmt.Errorf("make directory: %w", err)
			}
			return writePages(cmd.Root(), args[0], args[1])
		},
	}
}

// writePages writes those of a command and of all below it.
func writePages(cmd *cobra.Command, dir, date string) error {
	path := filepath.Join(dir, pageName(cmd)+".1")
	if err := os.WriteFile(path, []byte(page(cmd, date)), 0o644); err != nil { //nolint:gosec // pages are for everyone
		return fmt.Errorf("write page: %w", err)
	}
	for _, below := range cmd.Commands() {
		if !below.IsAvailableCommand() {
			continue
		}
		if err := writePages(below, dir, date); err != nil {
			return err
		}
	}
	return nil
}

func pageName(cmd *cobra.Command) string { return strings.ReplaceAll(cmd.CommandPath(), " ", "-") }

// page is that of one command, as man reads it.
func page(cmd *cobra.Command, date string) string {
	var b strings.Builder
	name := pageName(cmd)
	fmt.Fprintf(&b, ".TH %s 1 %s \"plateq %s\" Plateq\n", roff(strings.ToUpper(name)), date, app.Version())
	fmt.Fprintf(&b, ".SH NAME\n%s \\- %s\n", roff(name), roff(cmd.Short))
	use := cmd.UseLine()
	if cmd.HasAvailableSubCommands() {
		use = cmd.CommandPath() + " COMMAND [flags]"
	}
	fmt.Fprintf(&b, ".SH SYNOPSIS\n\\fB%s\\fR%s\n", roff(cmd.CommandPath()), roff(strings.TrimPrefix(use, cmd.CommandPath())))
	if long := strings.TrimSpace(cmd.Long); long != "" {
		b.WriteString(".SH DESCRIPTION\n")
		b.WriteString(paragraphs(long))
	}
	if below := contents(cmd); below != "" {
		b.WriteString(".SH COMMANDS\n" + below)
	}
	b.WriteString(options("OPTIONS", cmd.NonInheritedFlags()))
	b.WriteString(options("OPTIONS OF ALL COMMANDS", cmd.InheritedFlags()))
	if example := strings.TrimRight(cmd.Example, "\n"); example != "" {
		b.WriteString(".SH EXAMPLES\n" + asWritten(example))
	}
	if cmd.HasParent() {
		fmt.Fprintf(&b, ".SH SEE ALSO\n\\fB%s\\fR(1)\n", roff(pageName(cmd.Parent())))
	}
	return b.String()
}

// contents are the commands below one, each with what it does.
func contents(cmd *cobra.Command) string {
	var b strings.Builder
	for _, below := range cmd.Commands() {
		if below.IsAvailableCommand() {
			fmt.Fprintf(&b, ".TP\n\\fB%s\\fR(1)\n%s.\n", roff(pageName(below)), roff(strings.TrimSuffix(below.Short, ".")))
		}
	}
	return b.String()
}

// options are flags as --help tells them; that of the help itself is left out.
func options(title string, flags *pflag.FlagSet) string {
	var b strings.Builder
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Hidden || f.Name == "help" {
			return
		}
		b.WriteString(".TP\n")
		if f.Shorthand != "" {
			fmt.Fprintf(&b, "\\fB\\-%s\\fR, ", f.Shorthand)
		}
		value, usage := pflag.UnquoteUsage(f)
		fmt.Fprintf(&b, "\\fB\\-\\-%s\\fR", roff(f.Name))
		if value != "" {
			fmt.Fprintf(&b, " \\fI%s\\fR", roff(value))
		}
		switch f.DefValue {
		case "", "0", "false", "[]", "0s":
		default:
			usage += " (default " + f.DefValue + ")"
		}
		b.WriteString("\n" + roff(usage) + "\n")
	})
	if b.Len() == 0 {
		return ""
	}
	return ".SH " + title + "\n" + b.String()
}

// paragraphs lets text flow; what is indented stays as it is.
func paragraphs(text string) string {
	var b strings.Builder
	for i, p := range strings.Split(text, "\n\n") {
		if i > 0 {
			b.WriteString(".PP\n")
		}
		if strings.HasPrefix(p, " ") || strings.Contains(p, "\n ") {
			b.WriteString(asWritten(p))
			continue
		}
		b.WriteString(roff(p) + "\n")
	}
	return b.String()
}

func asWritten(text string) string { return ".nf\n" + roff(text) + "\n.fi\n" }

// roff writes text so that it means nothing else: a hyphen is one that can be
// copied, and no line is a request.
func roff(text string) string {
	text = strings.NewReplacer(`\`, `\e`, "-", `\-`).Replace(text)
	lines := strings.Split(text, "\n")
	for i, l := range lines {
		if strings.HasPrefix(l, ".") || strings.HasPrefix(l, "'") {
			lines[i] = `\&` + l
		}
	}
	return strings.Join(lines, "\n")
}

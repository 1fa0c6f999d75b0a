package main

import (
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"

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
			date, err := time.Parse(time.DateOnly, args[1])
			if err != nil {
				return app.Usage(fmt.Errorf("DATE: %q is no day such as 2026-11-22", args[1]))
			}
			if err := os.MkdirAll(args[0], 0o755); err != nil { //nolint:gosec // pages are for everyone
				return fmt.Errorf("make directory: %w", err)
			}
			root := cmd.Root()
			root.DisableAutoGenTag = true
			header := &doc.GenManHeader{Title: "PLATEQ", Section: "1", Date: &date, Source: "plateq " + app.Version(), Manual: "Plateq"}
			if err := doc.GenManTree(root, header, args[0]); err != nil {
				return fmt.Errorf("write pages: %w", err)
			}
			return nil
		},
	}
}

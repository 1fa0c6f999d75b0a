package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/plateq/plateq/internal/app"
	"github.com/plateq/plateq/internal/config"
)

const doctorLong = `Look at what Plateq stands on, and say of each finding what to do about it:
configuration, disk, store and schema, Redis, clocks, certificate, and each
provider that is set up, by its cheapest harmless call. Nothing is changed, and
it may run beside everything else.

Exit codes: 0 no fault, 1 a server, disk or clock is at fault, 2 the settings,
4 credit, 5 credentials or a provider out of reach.

With --health only the process with the same settings is asked whether it
lives: exit 0 or 1. That is for containers and the like, again and again.`

type doctorFlags struct {
	health, local bool
	format        string
}

func (c *cli) doctorCommand() *cobra.Command {
	var f doctorFlags
	cmd := &cobra.Command{
		Use:   "doctor [--local] [--format json] | --health",
		Short: "Look at what Plateq stands on, and say what to do",
		Long:  doctorLong,
		Example: `  plateq doctor
  plateq doctor --format json | jq -r '.[] | select(.level == "fault") | .do'
  plateq doctor --health       does the process with these settings live?`,
		Args: wants(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if f.health {
				return c.health(cmd.Context())
			}
			if f.format != "text" && f.format != "json" {
				return app.Usage(fmt.Errorf("--format %q: choose text or json", f.format))
			}
			c.json = c.json || f.format == "json"
			return c.doctor(cmd.Context(), !f.local)
		},
	}
	cmd.Flags().BoolVar(&f.health, "health", false, "ask the process with these settings whether it lives, and nothing else")
	cmd.Flags().BoolVar(&f.local, "local", false, "ask no provider")
	cmd.Flags().StringVar(&f.format, "format", "text", "text or json")
	return cmd
}

// health says nothing where all is well: it is asked every few seconds.
func (c *cli) health(ctx context.Context) error {
	cfg, _, err := config.FromOS()
	if err == nil {
		err = app.Health(ctx, cfg)
	}
	if err != nil {
		return &app.ExitError{Code: app.ExitFailure, Err: err} // Docker knows no other
	}
	return nil
}

func (c *cli) doctor(ctx context.Context, ask bool) error {
	cfg, warnings, err := config.FromOS()
	if err != nil {
		return errors.Join(c.tell(app.ExamineFaults(err)), app.Usage(errors.New("the configuration cannot be read: nothing else was looked at")))
	}
	c.config = cfg
	found, verdict := app.Examine(ctx, c.options(), warnings, ask)
	if err := c.tell(found); err != nil {
		return err
	}
	if verdict == nil {
		c.say("no fault was found")
	}
	return verdict
}

// tell writes findings.
func (c *cli) tell(found []app.Finding) error {
	if c.json {
		enc := json.NewEncoder(c.out)
		enc.SetIndent("", "  ")
		return enc.Encode(append([]app.Finding{}, found...))
	}
	w := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	for _, f := range found {
		fmt.Fprintf(w, "%s\t%s\t%s\n", f.Level, f.Check, printable(f.Text))
		if f.Do != "" {
			fmt.Fprintf(w, "\t\t  do: %s\n", printable(f.Do))
		}
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("write findings: %w", err)
	}
	return nil
}

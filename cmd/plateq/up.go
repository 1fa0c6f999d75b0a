package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/plateq/plateq/internal/app"
)

func (c *cli) upCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "up",
		Short: "Run as a service: HTTP API, workers and scheduler in one process",
		Example: `  plateq up --simulate      a rehearsal that costs nothing
  plateq up                 asks the providers whose credentials are set`,
		Args: wants(),
		RunE: func(cmd *cobra.Command, _ []string) error { return c.up(cmd.Context()) },
	}
	c.simulated(cmd, "ask stand-ins of the providers, which cost nothing")
	return cmd
}

func (c *cli) up(ctx context.Context) (err error) {
	if err := c.configure(); err != nil {
		return err
	}
	a, err := app.Open(ctx, c.staying(), app.Worker|app.Scheduler|app.Server)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	provider := "PROVIDER"
	if names := a.Providers().Names(); len(names) > 0 {
		provider = names[0]
	} else {
		c.say("warning: no provider is set up: set credentials such as PLATEQ_ATTESTR_AUTH_TOKEN, or rehearse with --simulate")
	}
	if err := a.Held(); err != nil {
		c.say("warning: %v", err)
	}
	c.say("listening on %s", a.URL())
	where := ""
	if url := a.URL(); url != c.config.ServerURL.Reveal() {
		where = "PLATEQ_URL=" + url + " "
	}
	c.say("next: %splateq submit FILE -p %s --wait -o results.csv", where, provider)
	return a.Run(ctx)
}

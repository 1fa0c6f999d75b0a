package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/plateq/plateq/internal/app"
)

func (c *cli) schedulerCommand() *cobra.Command {
	var once bool
	cmd := &cobra.Command{
		Use:   "scheduler --once",
		Short: "Do all that is due now, send and poll, without Redis, and exit",
		Example: `  plateq scheduler --once      for instance from cron, or after Redis was lost
  plateq up                    does the same all the time`,
		Args: wants(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !once {
				return app.Usage(errors.New("scheduler: on its own it needs a store that several processes share: give --once, or run plateq up"))
			}
			return c.schedulerOnce(cmd.Context())
		},
	}
	cmd.Flags().BoolVar(&once, "once", false, "do what is due and exit")
	c.simulated(cmd, "in the store of the rehearsal, asking stand-ins")
	return cmd
}

func (c *cli) schedulerOnce(ctx context.Context) (err error) {
	if err := c.configure(); err != nil {
		return err
	}
	a, err := app.Open(ctx, c.options(), app.Worker|app.Scheduler)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	if err := a.Once(ctx); err != nil {
		return err
	}
	c.say("all that was due is done")
	c.say("next: plateq list")
	return nil
}

package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/plateq/plateq/internal/app"
)

const sharedHelp = `

Any number of serve, worker and scheduler share one PostgreSQL and one Redis:
PLATEQ_DATABASE_URL, PLATEQ_REDIS_URL and the three keys must be the same for all.
On SIGTERM no new work is taken, calls in flight end within PLATEQ_GRACE, and the
exit code is 0, or 3 where some could not.`

func (c *cli) serveCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "serve",
		Short: "Serve the HTTP API; work is done by worker and scheduler",
		Long:  "Serve the HTTP API." + sharedHelp,
		Args:  wants(),
		RunE:  func(cmd *cobra.Command, _ []string) error { return c.part(cmd.Context(), app.Server) },
	}
}

func (c *cli) workerCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "worker",
		Short: "Ask the providers, beside other workers",
		Long:  "Ask the providers." + sharedHelp,
		Args:  wants(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			collectSeldom(collectWorker, collectAt)
			return c.part(cmd.Context(), app.Worker)
		},
	}
}

func (c *cli) schedulerCommand() *cobra.Command {
	var once bool
	cmd := &cobra.Command{
		Use:   "scheduler [--once]",
		Short: "Ring for what is ready and due; with --once do it all, without Redis, and exit",
		Long:  "Ring for chunks that are ready and tickets that are due, and judge calls whose worker is gone." + sharedHelp,
		Example: `  plateq scheduler             beside serve and worker
  plateq scheduler --once      send and poll what is due now, for instance from cron`,
		Args: wants(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if once {
				return c.schedulerOnce(cmd.Context())
			}
			return c.part(cmd.Context(), app.Scheduler)
		},
	}
	cmd.Flags().BoolVar(&once, "once", false, "do what is due and exit")
	c.simulated(cmd, "with --once: in the store of the rehearsal, asking stand-ins")
	return cmd
}

// part runs one part of Plateq until it is told to end.
func (c *cli) part(ctx context.Context, parts app.Parts) (err error) {
	if err := c.configure(); err != nil {
		return err
	}
	if !c.config.Shared() {
		return app.Usage(errors.New("PLATEQ_DATABASE_URL: serve, worker and scheduler share a PostgreSQL: give its postgres:// URL, or run plateq up, which does all in one process"))
	}
	a, err := app.Open(ctx, c.staying(), parts)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	if err := a.Held(); err != nil {
		c.say("warning: %v", err)
	}
	if url := a.URL(); url != "" {
		c.say("listening on %s", url)
	}
	return a.Run(ctx)
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
	c.next("list")
	return nil
}

package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/plateq/plateq/internal/app"
)

func (c *cli) backupCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "backup FILE",
		Short: "Copy the SQLite store into a file, also while plateq runs",
		Long: `Copy the SQLite store, as it is at one moment, into a new file. Plateq may run
meanwhile. The file holds everything but the keys: keep plateq-data/keys
elsewhere, without it nothing in a backup can be read.`,
		Example: `  plateq backup /backups/plateq-$(date +%F).db`,
		Args:    wants("FILE"),
		RunE:    func(cmd *cobra.Command, args []string) error { return c.backup(cmd.Context(), args[0]) },
	}
	c.simulated(cmd, "the store of rehearsals")
	return cmd
}

func (c *cli) backup(ctx context.Context, file string) error {
	if err := c.configure(); err != nil {
		return err
	}
	if err := app.Backup(ctx, c.calmly(), file); err != nil {
		return err
	}
	c.say("%s is written and checked; the keys are not in it: keep a copy of them elsewhere", file)
	c.next("restore " + file + "      where it is needed")
	return nil
}

func (c *cli) restoreCommand() *cobra.Command {
	force := false
	cmd := &cobra.Command{
		Use:   "restore FILE",
		Short: "Put a backup into the place of the SQLite store",
		Long: `Put a backup into the place of the SQLite store. Nobody may use the store
meanwhile. No paid call starts from it until plateq check --accept-restore: what
was asked after the backup is unknown to it and would be paid for again.`,
		Example: `  plateq restore /backups/plateq-2026-11-20.db
  plateq check --accept-restore`,
		Args: wants("FILE"),
		RunE: func(cmd *cobra.Command, args []string) error { return c.restore(cmd.Context(), args[0], force) },
	}
	cmd.Flags().BoolVar(&force, "force", false, "move a store that is there aside")
	c.simulated(cmd, "the store of rehearsals")
	return cmd
}

func (c *cli) restore(ctx context.Context, file string, force bool) error {
	if err := c.configure(); err != nil {
		return err
	}
	r, err := app.Restore(ctx, c.calmly(), file, force)
	if err != nil {
		return err
	}
	if r.Aside != "" {
		c.say("what was there before is in %s", r.Aside)
	}
	c.say("restored. No paid call starts from it until you accept that what was asked after the backup may be paid for again")
	c.next("check --accept-restore")
	return nil
}

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/plateq/plateq/internal/app"
)

func (c *cli) secretsCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "secrets",
		Short: "Replace the key that seals what is personal, or destroy those of lists",
		Args:  wants(),
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(c.secretsNewCommand(), c.secretsRotateCommand(), c.secretsDestroyCommand())
	return cmd
}

func (c *cli) secretsNewCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "new",
		Short: "Print a new sealing key, to be put in front of PLATEQ_ENCRYPTION_KEYS",
		Args:  wants(),
		RunE: func(*cobra.Command, []string) error {
			if err := c.configure(); err != nil {
				return err
			}
			key, err := app.NewSealKey(c.options())
			if err != nil {
				return fmt.Errorf("make sealing key: %w", err)
			}
			if _, err := fmt.Fprintln(c.out, key); err != nil {
				return lost("key", err)
			}
			c.say("put it in front, with a comma, for every process, and keep a copy: what it seals cannot be read without it")
			c.next("secrets rotate (once every process was started with it)")
			return nil
		},
	}
}

const secretsRotateLong = `Seal everything that is personal in the store with a new key, after which
nothing needs the old one. It can be cut off at any moment: begun again, it goes
on, and all is readable in between.

Where the keys are in the data directory, with plateq stopped, it makes the new
key and moves the old one from plateq-data/keys to plateq-data/keys.retired:
backups from before can be read with it only. Where they are in the environment,
put a new key (plateq secrets new) in front of PLATEQ_ENCRYPTION_KEYS, start
every process again, and run this beside them; then take the old key out.

The index key is not replaced: by it what was asked is found again.`

func (c *cli) secretsRotateCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "rotate",
		Short: "Seal everything anew with a new key",
		Long:  secretsRotateLong,
		Args:  wants(),
		RunE:  func(cmd *cobra.Command, _ []string) error { return c.secretsRotate(cmd.Context()) },
	}
}

// rotateEvery is after how many values it is said how far it has come.
const rotateEvery = 1_000_000

func (c *cli) secretsRotate(ctx context.Context) error {
	if err := c.configure(); err != nil {
		return err
	}
	said := 0
	r, err := app.RotateKeys(ctx, c.calmly(), func(seen, changed int) {
		if seen-said >= rotateEvery {
			said = seen
			c.say("%d values, %d of them sealed anew", seen, changed)
		}
	})
	if err != nil {
		return fmt.Errorf("replace sealing key: %w", err)
	}
	if !c.table() {
		if err := json.NewEncoder(c.out).Encode(map[string]any{"changed": r.Changed, "gone": r.Gone}); err != nil {
			return fmt.Errorf("write report: %w", err)
		}
	}
	c.say("%d values were sealed anew; nothing needs %s any more", r.Changed, strings.Join(r.Gone, ", "))
	if r.Kept != "" {
		c.say("keep a copy of the new plateq-data/keys; %s is for backups from before", r.Kept)
	} else {
		c.say("take it out of PLATEQ_ENCRYPTION_KEYS of every process, and keep it apart for backups from before")
	}
	c.next("check")
	return nil
}

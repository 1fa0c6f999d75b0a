package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/plateq/plateq/internal/app"
)

const secretsDestroyLong = `Destroy the keys of lists: those that are named, or all that a tenant handed in
in a month. Nobody can read what is stored of them any more, rows, questions and
answers, neither here nor in a backup. Lists that were answered from them lose
these answers too. What is still counted of them stays: rows by state, costs.

It is for good, as soon as no copy of the keys from before is left: replace the
copy of plateq-data/keys that you keep elsewhere. Where the keys are in the
environment, it prints what PLATEQ_ENCRYPTION_KEYS must be from now on, for every
process, and old values of it must be destroyed.`

func (c *cli) secretsDestroyCommand() *cobra.Command {
	var r app.DestroyRequest
	var month string
	cmd := &cobra.Command{
		Use:   "destroy [LIST...] [--tenant NAME --month YYYY-MM] --reason TEXT",
		Short: "Destroy the keys of lists, so that nobody can read them, backups included",
		Long:  secretsDestroyLong,
		Example: `  plateq secrets destroy --tenant acme --month 2026-05 --reason "contract 17 has ended"
  plateq secrets destroy b_… --reason "asked for by the customer"`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, lists []string) (err error) {
			r.Lists = lists
			if r.Reason == "" {
				return app.Usage(errors.New("--reason is missing: it is kept in the audit log"))
			}
			if (len(lists) > 0) == (month != "") {
				return app.Usage(errors.New("name lists, or --month and perhaps --tenant"))
			}
			if month != "" {
				if r.Month, err = time.Parse("2006-01", month); err != nil {
					return app.Usage(errors.New("--month: it must be a month such as 2026-05"))
				}
			}
			return c.secretsDestroy(cmd.Context(), r)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&r.Tenant, "tenant", "default", "with --month: whose lists")
	flags.StringVar(&month, "month", "", "all lists that were handed in then, in UTC")
	flags.StringVar(&r.Reason, "reason", "", "why, for the audit log; nothing personal")
	flags.BoolVar(&r.Force, "force", false, "also lists that are still worked on")
	return cmd
}

func (c *cli) secretsDestroy(ctx context.Context, r app.DestroyRequest) error {
	if err := c.configure(); err != nil {
		return err
	}
	r.Agreed = func(lists, rows int) bool {
		return c.agreed("destroy %d lists with %d rows for good?", lists, rows)
	}
	d, err := app.DestroyLists(ctx, c.calmly(), r)
	if err != nil {
		return fmt.Errorf("destroy keys of lists: %w", err)
	}
	if d.Keys != "" {
		_, err = fmt.Fprintln(c.out, d.Keys)
	} else if !c.table() {
		err = json.NewEncoder(c.out).Encode(map[string]any{"lists": d.Lists, "rows": d.Rows, "already": d.Already})
	}
	if err != nil {
		return lost("report", err)
	}
	c.say("the keys of %d lists with %d rows were destroyed; of %d they were gone before", d.Lists, d.Rows, d.Already)
	switch {
	case d.Lists == 0:
	case d.Keys != "":
		c.say("give every process the line above as PLATEQ_ENCRYPTION_KEYS, start them all again, and destroy every copy of the old one")
	default:
		c.say("replace the copy of plateq-data/keys that you keep elsewhere: with an old one the lists could be read")
	}
	if len(d.Whole) > 0 {
		c.say("warning: keys.retired has %s, with which backups from before can still be read: delete them together", strings.Join(d.Whole, ", "))
	}
	return nil
}

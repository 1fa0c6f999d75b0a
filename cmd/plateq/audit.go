package main

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/plateq/plateq/client"
	"github.com/plateq/plateq/internal/app"
)

const auditLong = `Show and verify the audit log: who fetched or looked at what is personal, made
and revoked keys, changed budgets, hooks and schedules, opened gates, decided
about unknown calls. It holds ids, never what is personal, and is only added to.`

func (c *cli) auditCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "audit",
		Short: "Show and verify who did what",
		Long:  auditLong,
		Args:  wants(),
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(c.auditListCommand(), c.auditVerifyCommand(), c.auditIncidentCommand())
	return cmd
}

func (c *cli) auditListCommand() *cobra.Command {
	var o client.AuditOptions
	var limit int
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List who did what, newest first",
		Example: `  plateq audit list
  plateq audit list --about b_7rk2…
  plateq audit list --who 'key x5q2…' --from 2026-11-01
  plateq audit list --kind rows.exported --limit 0 --json > exports.jsonl`,
		Args: wants(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkLimit(limit); err != nil {
				return err
			}
			return c.withBooks(cmd.Context(), func(cl *client.Client) error { return c.auditList(cmd.Context(), cl, o, limit) })
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.Who, "who", "", "only what they did: 'key ID', 'user NAME'")
	f.StringVar(&o.Kind, "kind", "", "only acts of a kind, such as rows.exported")
	f.StringVar(&o.About, "about", "", "only what was about a batch, key, hook, schedule, scope or call")
	f.StringVar(&o.From, "from", "", "from a day on (UTC), or a time")
	f.StringVar(&o.To, "to", "", "up to a day, which is left out")
	f.IntVar(&limit, "limit", 50, "at most so many; 0: all")
	c.simulated(cmd, simulateUsage)
	return cmd
}

func (c *cli) auditList(ctx context.Context, cl *client.Client, o client.AuditOptions, limit int) error {
	s := c.sheet("act", "NO", "AT", "WHO", "WHAT", "TENANT", "ABOUT", "NOTE")
	err := fill(s, cl.Audit(ctx, o), limit, func(a client.Act) error {
		return s.add(a, a.No, clock(a.At), printable(a.Who), a.Kind, a.Tenant, printable(a.About), printable(a.Note))
	})
	if err != nil {
		return err
	}
	if s.n == 0 {
		c.say("there is nothing in the audit log")
	}
	c.next("audit verify")
	return nil
}

const auditVerifyLong = `Find out whether the audit log is as it was written. Each act is linked to the
one before by a keyed hash: one that was changed, taken out or moved is found.
What was cut off at the end is found by how far the log is known to have gone,
which the data directory keeps beside the store. Keep the head that this command
prints elsewhere too, and give it back with --head.`

func (c *cli) auditVerifyCommand() *cobra.Command {
	var heads []string
	cmd := &cobra.Command{
		Use:   "verify",
		Short: "Find out whether the audit log is as it was written",
		Long:  auditVerifyLong,
		Example: `  plateq audit verify
  plateq audit verify --head 1723:0f3a…`,
		Args: wants(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.withBooks(cmd.Context(), func(cl *client.Client) error { return c.auditVerify(cmd.Context(), cl, heads) })
		},
	}
	cmd.Flags().StringSliceVar(&heads, "head", nil, "how far the log is known to have gone; a comma list, or several times")
	c.simulated(cmd, simulateUsage)
	return cmd
}

func (c *cli) auditVerify(ctx context.Context, cl *client.Client, heads []string) error {
	r, err := cl.VerifyAudit(ctx, heads...)
	if err != nil {
		return err
	}
	if !c.table() {
		if err := json.NewEncoder(c.out).Encode(r); err != nil {
			return fmt.Errorf("write report: %w", err)
		}
	}
	if r.Broken != nil {
		reason := ""
		if r.Reason != nil {
			reason = *r.Reason
		}
		return &app.ExitError{Code: app.ExitFailure, Err: fmt.Errorf("the audit log is broken at act %d: %s", *r.Broken, reason)}
	}
	c.say("the audit log is whole: %d acts, up to %s", r.Acts, r.Head)
	c.next("audit list")
	return nil
}

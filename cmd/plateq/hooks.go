package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/plateq/plateq/client"
	"github.com/plateq/plateq/internal/app"
)

const hooksLong = `Say which other systems are told of what happens here. Each event is a POST of
JSON, signed as Standard Webhooks describe it, and tried for three days.

Events are batch.done, batch.paused, rows.settled, gate.closed, gate.opened,
unknown.found and budget.reached.`

func (c *cli) hooksCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "hooks",
		Short: "Have other systems told of events",
		Long:  hooksLong,
		Args:  wants(),
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(c.hooksAddCommand(), c.hooksListCommand(), c.hooksRemoveCommand(), c.hooksRotateCommand(), c.deliveriesCommand(), c.replayCommand())
	return cmd
}

func (c *cli) hooksAddCommand() *cobra.Command {
	var events []string
	cmd := &cobra.Command{
		Use:   "add URL --events EVENT",
		Short: "Have a receiver told, and show its secret, this once",
		Long: `Have a receiver told of events from now on, and show the secret with which it
verifies signatures, this once. URL is https to a public host; PLATEQ_HOOKS_ALLOW
names others.`,
		Example: "  plateq hooks add https://example.com/plateq --events batch.done,batch.paused",
		Args:    wants("URL"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(events) == 0 {
				return app.Usage(fmt.Errorf("--events is missing: see %s --help", cmd.CommandPath()))
			}
			return c.withBooks(cmd.Context(), func(cl *client.Client) error {
				h, err := cl.AddWebhook(cmd.Context(), args[0], events)
				if err != nil {
					return fmt.Errorf("add hook: %w", err)
				}
				return c.showSecret(h, h.ID, h.Secret)
			})
		},
	}
	cmd.Flags().StringSliceVar(&events, "events", nil, "of what it is told; a comma list, or several times")
	c.simulated(cmd, simulateUsage)
	return cmd
}

// showSecret writes a secret, which whoever asked for it sees this once.
func (c *cli) showSecret(whole any, id, secret string) error {
	var err error
	if c.table() {
		_, err = fmt.Fprintln(c.out, secret)
	} else {
		err = json.NewEncoder(c.out).Encode(whole)
	}
	if err != nil {
		return lost("secret", err)
	}
	c.say("this is the secret of hook %s; it is shown this once", id)
	c.next("hooks list")
	return nil
}

func (c *cli) hooksListCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List receivers, and how they answer",
		Args:  wants(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.withBooks(cmd.Context(), func(cl *client.Client) error {
				all, err := cl.Webhooks(cmd.Context())
				if err != nil {
					return err
				}
				if len(all) == 0 {
					c.say("nobody is told of anything")
				}
				if err := c.printHooks(all...); err != nil {
					return err
				}
				c.next("hooks deliveries")
				return nil
			})
		},
	}
	c.simulated(cmd, simulateUsage)
	return cmd
}

func (c *cli) printHooks(all ...client.Webhook) error {
	s := c.sheet("hooks", "ID", "TENANT", "URL", "EVENTS", "STATE", "PENDING", "MADE")
	for _, h := range all {
		events := strings.Join(h.Events, ",")
		if h.Callback {
			events = "of its batches"
		}
		if err := s.add(h, h.ID, h.Tenant, printable(h.URL), events, h.State, strconv.Itoa(h.Pending), clock(h.CreatedAt)); err != nil {
			return err
		}
	}
	return s.end()
}

func (c *cli) hooksRemoveCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "remove ID",
		Short:   "Tell a receiver nothing more",
		Example: "  plateq hooks remove hook_…",
		Args:    wants("ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.withBooks(cmd.Context(), func(cl *client.Client) error {
				h, err := cl.RemoveWebhook(cmd.Context(), args[0])
				if err != nil {
					return fmt.Errorf("remove hook: %w", err)
				}
				if err := c.printHooks(h); err != nil {
					return err
				}
				c.next("hooks list")
				return nil
			})
		},
	}
	c.simulated(cmd, simulateUsage)
	return cmd
}

func (c *cli) hooksRotateCommand() *cobra.Command {
	var overlap time.Duration
	cmd := &cobra.Command{
		Use:   "rotate ID",
		Short: "Give a receiver a new secret, and show it, this once",
		Long: `Give a receiver a new secret. The old one signs beside it for a while, so that
the receiver can change over. ID "callbacks" is the secret of all callback URLs
of batches; the first time, it is made.`,
		Example: `  plateq hooks rotate hook_…
  plateq hooks rotate callbacks --overlap 1h`,
		Args: wants("ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.withBooks(cmd.Context(), func(cl *client.Client) error {
				secret, err := cl.RotateWebhook(cmd.Context(), args[0], overlap.Hours())
				if err != nil {
					return fmt.Errorf("rotate secret: %w", err)
				}
				return c.showSecret(map[string]string{"id": args[0], "secret": secret}, args[0], secret)
			})
		},
	}
	cmd.Flags().DurationVar(&overlap, "overlap", 24*time.Hour, "how long the old secret signs too")
	c.simulated(cmd, simulateUsage)
	return cmd
}

func (c *cli) deliveriesCommand() *cobra.Command {
	var o client.DeliveriesOptions
	cmd := &cobra.Command{
		Use:     "deliveries",
		Short:   "List what receivers were sent, newest first",
		Example: "  plateq hooks deliveries --state failed",
		Args:    wants(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkLimit(o.Limit); err != nil {
				return err
			}
			return c.withBooks(cmd.Context(), func(cl *client.Client) error { return c.deliveries(cmd.Context(), cl, o) })
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&o.Webhook, "hook", "", "only those to a receiver")
	flags.StringVar(&o.Batch, "batch", "", "only those of a batch")
	flags.StringVar(&o.Event, "event", "", "only those of such events")
	flags.StringVar(&o.State, "state", "", "only those that are pending, delivered or failed")
	flags.IntVar(&o.Limit, "limit", 0, "at most so many (default: 100)")
	c.simulated(cmd, simulateUsage)
	return cmd
}

func (c *cli) deliveries(ctx context.Context, cl *client.Client, o client.DeliveriesOptions) error {
	all, err := cl.Deliveries(ctx, o)
	if err != nil {
		return err
	}
	if err := c.printDeliveries(all...); err != nil {
		return err
	}
	if len(all) == 0 {
		c.say("nothing was to be sent")
		c.next("hooks list")
		return nil
	}
	c.next("hooks replay " + all[0].ID)
	return nil
}

func (c *cli) printDeliveries(all ...client.Delivery) error {
	s := c.sheet("deliveries", "ID", "EVENT", "BATCH", "HOOK", "STATE", "ATTEMPTS", "LAST", "MADE", "DUE")
	for _, d := range all {
		batch, last, due := "-", "-", "-"
		if d.Batch != nil {
			batch = *d.Batch
		}
		switch {
		case d.Status != nil:
			last = strconv.Itoa(*d.Status)
		case d.Reason != nil:
			last = *d.Reason
		}
		if d.DueAt != nil {
			due = clock(*d.DueAt)
		}
		if err := s.add(d, d.ID, d.Event, batch, d.Webhook, d.State, strconv.Itoa(d.Attempts), last, clock(d.CreatedAt), due); err != nil {
			return err
		}
	}
	return s.end()
}

func (c *cli) replayCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "replay ID",
		Short:   "Make a delivery again, under the same webhook-id",
		Example: "  plateq hooks replay dlv_…",
		Args:    wants("ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.withBooks(cmd.Context(), func(cl *client.Client) error {
				d, err := cl.ReplayDelivery(cmd.Context(), args[0])
				if err != nil {
					return fmt.Errorf("replay delivery: %w", err)
				}
				if err := c.printDeliveries(d); err != nil {
					return err
				}
				c.next("hooks deliveries --hook " + d.Webhook)
				return nil
			})
		},
	}
	c.simulated(cmd, simulateUsage)
	return cmd
}

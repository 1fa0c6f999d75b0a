package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/plateq/plateq/client"
	"github.com/plateq/plateq/internal/app"
)

// simulateUsage explains --simulate of commands that look into a store.
const simulateUsage = "look into the store of rehearsals where no server answers"

func (c *cli) listCommand() *cobra.Command {
	var o client.BatchesOptions
	var states []string
	var limit int
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List batches, newest first",
		Example: `  plateq list
  plateq list --state running,paused
  plateq list --json | jq -r .id`,
		Args: wants(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkLimit(limit); err != nil {
				return err
			}
			for _, s := range states {
				o.States = append(o.States, client.State(s))
			}
			return c.withBooks(cmd.Context(), func(cl *client.Client) error { return c.list(cmd.Context(), cl, o, limit) })
		},
	}
	f := cmd.Flags()
	f.StringSliceVar(&states, "state", nil, "only running, paused, done or cancelled ones")
	f.StringVarP(&o.Provider, "provider", "p", "", "only those of a provider")
	f.IntVar(&limit, "limit", 50, "at most so many; 0: all")
	c.simulated(cmd, simulateUsage)
	return cmd
}

func (c *cli) list(ctx context.Context, cl *client.Client, o client.BatchesOptions, limit int) error {
	first := ""
	s := c.sheet("batch", "BATCH", "PROVIDER", "NAME", "STATE", "ROWS", "SETTLED", "CREATED", "WAITING FOR")
	err := fill(s, cl.Batches(ctx, o), limit, func(b client.Batch) error {
		if s.n == 0 {
			first = b.ID
		}
		waiting := ""
		if b.WaitingFor != nil {
			waiting = waitingWords(b.WaitingFor)
		}
		return s.add(b, b.ID, b.Provider, printable(b.Name), b.State, b.Rows, standing{counts: b.Counts}.settled(),
			b.CreatedAt.Local().Format(time.DateTime), waiting)
	})
	if err != nil {
		return err
	}
	if s.n == 0 {
		c.say("there is no batch")
		c.next("run FILE -p PROVIDER -o results.csv")
		return nil
	}
	c.next("status " + first)
	return nil
}

// printable keeps what a name holds from steering the terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 {
			return '?'
		}
		return r
	}, s)
}

func (c *cli) statusCommand() *cobra.Command {
	return c.about("status", "Show how a batch stands", "  plateq status b_…", func(ctx context.Context, cl *client.Client, id string) error {
		b, err := cl.Batch(ctx, id)
		if err != nil {
			return err
		}
		return c.status(b)
	})
}

// about makes a command about one batch.
func (c *cli) about(verb, short, example string, do func(ctx context.Context, cl *client.Client, id string) error) *cobra.Command {
	cmd := &cobra.Command{
		Use:     verb + " BATCH",
		Short:   short,
		Example: example,
		Args:    wants("BATCH"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.withBooks(cmd.Context(), func(cl *client.Client) error {
				err := do(cmd.Context(), cl, args[0])
				if errors.Is(err, &client.Problem{Code: "no_such_batch"}) {
					return fmt.Errorf("%s %s: %w: see plateq list", verb, args[0], err)
				}
				return err
			})
		},
	}
	c.simulated(cmd, simulateUsage)
	return cmd
}

// status prints a batch and says what to do next.
func (c *cli) status(b client.Batch) error {
	if err := c.printStatus(b); err != nil {
		return fmt.Errorf("write status: %w", err)
	}
	switch {
	case b.RowsDeletedAt != nil:
		c.next("ledger")
	case b.State == client.Paused && b.WaitingFor != nil:
		c.next("budget set " + b.WaitingFor.Scope + " AMOUNT")
	case b.State == client.Paused:
		c.next("resume " + b.ID)
	case b.State == client.Done && b.Counts[client.RowUnknown] > 0:
		c.next("unknown list --batch " + b.ID)
	case b.State == client.Done && b.Counts[client.RowFailed] > 0:
		c.next("retry " + b.ID + " --dry-run")
	case b.State.Finished():
		c.next("results " + b.ID + " -o results.csv")
	default:
		c.next("results " + b.ID + " (what is there so far)")
	}
	return nil
}

func (c *cli) printStatus(b client.Batch) error {
	if !c.table() {
		return json.NewEncoder(c.out).Encode(b)
	}
	w := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	line := func(name, format string, args ...any) { fmt.Fprintf(w, name+"\t"+format+"\n", args...) }
	line("batch", "%s", b.ID)
	if b.Name != "" {
		line("name", "%s", printable(b.Name))
	}
	line("provider", "%s", b.Provider)
	if b.Purpose != "" {
		line("purpose", "%s", printable(b.Purpose))
	}
	line("state", "%s", b.State)
	if b.Reason != "" {
		line("because", "%s", printable(b.Reason))
	}
	if b.WaitingFor != nil {
		line("waiting for", "%s", waitingWords(b.WaitingFor))
	}
	line("created", "%s", b.CreatedAt.Local().Format(time.DateTime))
	if b.DoneAt != nil {
		line("done", "%s", b.DoneAt.Local().Format(time.DateTime))
	}
	switch {
	case b.RowsDeletedAt != nil:
		line("rows deleted", "%s, as they were kept for %s", b.RowsDeletedAt.Local().Format(time.DateTime), *b.Retention)
	case b.KeptUntil != nil:
		line("kept until", "%s", b.KeptUntil.Local().Format(time.DateTime))
	case b.Retention != nil:
		line("kept for", "%s after its end", *b.Retention)
	}
	if b.Cost.Spent != nil {
		line("cost", "%s, at most %s", money(b.Cost.Spent, b.Cost.Currency), money(b.Cost.AtMost, b.Cost.Currency))
	}
	line("rows", "%d", b.Rows)
	for _, s := range client.Statuses() {
		if n := b.Counts[s]; n > 0 {
			line("  "+words(s), "%d", n)
		}
	}
	if b.Shared.Rows() > 0 {
		line("questions", "%d", b.Questions)
		line("paid for already", "%s", sharedWords(b.Shared))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return c.printCauses(b.Causes)
}

func (c *cli) pauseCommand() *cobra.Command {
	return c.about("pause", "Stop new calls for a batch; what is in flight ends", "  plateq pause b_…",
		c.changing((*client.Client).Pause))
}

func (c *cli) resumeCommand() *cobra.Command {
	return c.about("resume", "Go on with a paused batch", "  plateq resume b_…",
		c.changing((*client.Client).Resume))
}

func (c *cli) cancelCommand() *cobra.Command {
	cancel := c.changing((*client.Client).Cancel)
	return c.about("cancel", "End a batch; what was sent is finished and kept", "  plateq cancel b_… --yes",
		func(ctx context.Context, cl *client.Client, id string) error {
			b, err := cl.Batch(ctx, id)
			if err != nil {
				return err
			}
			if !c.agreed("cancel batch %s with %d rows that are not asked yet?", b.ID, b.Counts[client.RowQueued]) {
				return &app.ExitError{Code: app.ExitInterrupted, Err: errors.New("nothing was cancelled")}
			}
			return cancel(ctx, cl, id)
		})
}

func (c *cli) changing(change func(*client.Client, context.Context, string) (client.Batch, error)) func(context.Context, *client.Client, string) error {
	return func(ctx context.Context, cl *client.Client, id string) error {
		b, err := change(cl, ctx, id)
		if err != nil {
			return err
		}
		return c.status(b)
	}
}

// agreed asks a person, if one is there and did not say yes before.
func (c *cli) agreed(format string, args ...any) bool {
	if c.yes || !terminal(c.in) || !terminal(c.err) {
		return true
	}
	fmt.Fprintf(c.screen, format+" [y/N] ", args...)
	var word string
	_, _ = fmt.Fscanln(c.in, &word) // no answer is no
	return slices.Contains([]string{"y", "yes"}, strings.ToLower(word))
}

func (c *cli) pollCommand() *cobra.Command {
	return c.about("poll", "Ask the provider at once about what it has not finished", "  plateq poll b_…",
		func(ctx context.Context, cl *client.Client, id string) error {
			n, err := cl.Poll(ctx, id)
			if err != nil {
				return err
			}
			if c.table() {
				_, err = fmt.Fprintf(c.out, "%d tickets are asked about now\n", n)
			} else {
				err = json.NewEncoder(c.out).Encode(map[string]int{"tickets": n})
			}
			c.next("status " + id)
			return err
		})
}

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/plateq/plateq/internal/app"
)

func (c *cli) checkCommand() *cobra.Command {
	accept := false
	cmd := &cobra.Command{
		Use:   "check [--accept-restore]",
		Short: "Hold the books of the store against each other",
		Example: `  plateq check
  plateq check --simulate
  plateq check --accept-restore      after a restore: let calls start again`,
		Args: wants(),
		RunE: func(cmd *cobra.Command, _ []string) error { return c.check(cmd.Context(), accept) },
	}
	cmd.Flags().BoolVar(&accept, "accept-restore", false, "let paid calls start from a store that was restored")
	c.simulated(cmd, "check the store of rehearsals")
	return cmd
}

// acceptedRestore says what --accept-restore means.
const acceptedRestore = `accepted: calls start again with the next start of plateq. What was asked after
the copy was made is not in it: those rows are queued here, and are asked and
paid for once more. Pause or cancel lists (plateq list) that you know were
finished before you start plateq.`

func (c *cli) check(ctx context.Context, accept bool) (err error) {
	if err := c.configure(); err != nil {
		return err
	}
	if err := c.booksExist(); err != nil {
		return err
	}
	a, err := app.Open(ctx, c.calmly(), app.Books)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	report, err := a.Store().Check(ctx)
	if err != nil {
		return fmt.Errorf("check books: %w", err)
	}
	if c.json {
		err = json.NewEncoder(c.out).Encode(map[string]any{
			"batches": report.Batches, "rows": report.Rows, "asks": report.Asks, "calls": report.Calls,
			"tickets": report.Tickets, "answers": report.Answers, "problems": append([]string{}, report.Problems...),
		})
	} else {
		_, err = fmt.Fprintf(c.out, "%d batches, %d rows, %d asks, %d calls, %d tickets, %d answers\n",
			report.Batches, report.Rows, report.Asks, report.Calls, report.Tickets, report.Answers)
		for _, p := range report.Problems {
			fmt.Fprintln(c.out, "problem:", p)
		}
	}
	if err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	if n := len(report.Problems); n > 0 {
		return fmt.Errorf("the books do not balance: %d problems", n)
	}
	c.say("the books balance")
	old := a.OldCopy(ctx)
	switch {
	case old != nil && accept:
		if err := a.AcceptRestore(ctx); err != nil {
			return err
		}
		c.say(acceptedRestore)
	case old != nil:
		return old
	case accept:
		c.say("nothing to accept: the store is the newest copy that is known of here")
	}
	c.next("list")
	return nil
}

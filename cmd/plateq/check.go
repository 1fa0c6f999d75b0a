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
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Hold the books of the store against each other",
		Example: `  plateq check
  plateq check --simulate`,
		Args: wants(),
		RunE: func(cmd *cobra.Command, _ []string) error { return c.check(cmd.Context()) },
	}
	c.simulated(cmd, "check the store of rehearsals")
	return cmd
}

func (c *cli) check(ctx context.Context) (err error) {
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
	c.next("list")
	return nil
}

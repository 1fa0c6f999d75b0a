package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/plateq/plateq/client"
	"github.com/plateq/plateq/internal/app"
)

const retryLong = `Ask again about the rows of a batch that failed, all of them or those of one
class or code of error. Rows that have an answer, are invalid or unknown are
left alone. What was asked meanwhile by another list is shared. A batch that is
done runs again.

Rows that failed as provider_timeout, missing_at_provider or given_up may have
been charged already: to ask about them again may be to pay twice.`

func (c *cli) retryCommand() *cobra.Command {
	var o client.RetryOptions
	cmd := c.about("retry", "Ask again about the failed rows of a batch", `  plateq retry b_… --dry-run
  plateq retry b_… --class provider_error
  plateq retry b_… --code 5001 --yes`,
		func(ctx context.Context, cl *client.Client, id string) error { return c.retry(ctx, cl, id, o) })
	cmd.Long = retryLong
	f := cmd.Flags()
	f.StringVar(&o.Class, "class", "", "only rows with errors of a class, such as provider_error")
	f.StringVar(&o.Code, "code", "", "only rows with a code of error")
	f.BoolVar(&o.DryRun, "dry-run", false, "say what it would come to, and change nothing")
	return cmd
}

func (c *cli) retry(ctx context.Context, cl *client.Client, id string, o client.RetryOptions) error {
	asked := !o.DryRun && terminal(c.in) && !c.yes
	if asked {
		dry := o
		dry.DryRun = true
		would, err := cl.Retry(ctx, id, dry)
		if err != nil {
			return err
		}
		c.warnPaid(would)
		if would.Rows > 0 && !c.agreed("ask again about %d rows: %s?", would.Rows, c.againWords(would.Again)) {
			return &app.ExitError{Code: app.ExitInterrupted, Err: errors.New("nothing was retried")}
		}
	}
	got, err := cl.Retry(ctx, id, o)
	if err != nil {
		return err
	}
	if !asked {
		c.warnPaid(got)
	}
	if !c.table() {
		if err := json.NewEncoder(c.out).Encode(got); err != nil {
			return fmt.Errorf("write retry: %w", err)
		}
	} else if err := c.printCauses(got.Causes); err != nil {
		return err
	}
	switch {
	case got.Repeated:
		c.say("the server had heard of it before, and does not count again what it took up then; %d more rows are asked again: %s", got.Rows, c.againWords(got.Again))
		c.next("status " + id)
		return nil
	case got.Rows == 0:
		c.say("no row of batch %s failed so", id)
		c.next("status " + id)
		return nil
	case o.DryRun:
		c.say("%d rows would be asked again: %s", got.Rows, c.againWords(got.Again))
		c.next("retry " + id + retryFlags(o))
		return nil
	}
	c.say("%d rows are asked again: %s", got.Rows, c.againWords(got.Again))
	c.next("status " + id)
	return nil
}

// warnPaid says how many rows of a retry may be paid for twice.
func (c *cli) warnPaid(r client.Retried) {
	if n := r.MaybePaid(); n > 0 {
		c.say("%d of the failed rows may have been charged already, as nobody saw the provider's answer to them: they may be paid for twice", n)
	}
}

func retryFlags(o client.RetryOptions) string {
	text := ""
	if o.Class != "" {
		text += " --class " + o.Class
	}
	if o.Code != "" {
		text += " --code " + o.Code
	}
	return text
}

// againWords says what rows that are asked again come to.
func (c *cli) againWords(a client.Again) string {
	parts := []string{fmt.Sprintf("%d questions to be paid for", a.Questions)}
	if a.AtMost != nil {
		parts[0] += ", at most " + *a.AtMost + " " + *a.Currency
	}
	for _, p := range []struct {
		n    int
		what string
	}{{a.Joined, "rows share a question"}, {a.Known, "have an answer by now"}, {a.Unknown, "wait on an unknown call"}} {
		if p.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", p.n, p.what))
		}
	}
	return strings.Join(parts, "; ")
}

// sharedWords says which rows of a batch cost no question.
func sharedWords(s client.Shared) string {
	var parts []string
	for _, p := range []struct {
		n    int
		what string
	}{{s.Known, "on known answers"}, {s.Joined, "on questions of other lists"}, {s.Duplicates, "on questions of other rows"}} {
		if p.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", p.n, p.what))
		}
	}
	return fmt.Sprintf("%d rows: %s", s.Rows(), strings.Join(parts, ", "))
}

// printCauses writes why rows failed, as a table.
func (c *cli) printCauses(all []client.Cause) error {
	if len(all) == 0 {
		return nil
	}
	w := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "FAILED\tCLASS\tCODE\tMESSAGE")
	for _, cause := range all {
		fmt.Fprintf(w, "%d\t%s\t%s\t%s\n", cause.Rows, cause.Class, printable(cause.Code), printable(cause.Message))
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("write causes: %w", err)
	}
	return nil
}

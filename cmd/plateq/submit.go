package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/plateq/plateq/client"
	"github.com/plateq/plateq/internal/app"
	"github.com/plateq/plateq/internal/export"
	"github.com/plateq/plateq/internal/intake"
)

func (c *cli) submitCommand() *cobra.Command {
	var list listFlags
	var wait bool
	var callback string
	cmd := &cobra.Command{
		Use:   "submit FILE -p PROVIDER [--wait [-o OUT]]",
		Short: "Hand a list to a running server",
		Long: `Hand a list to the server at PLATEQ_URL and print the id of its batch.

With --wait, stay until it is done; with -o too, write the results.`,
		Example: `  plateq submit fleet.csv -p attestr --wait -o results.csv
  id=$(plateq submit fleet.csv -p attestr --name "March fleet" --quiet)
  plateq submit fleet.xlsx -p attestr --sheet March --column Registration`,
		Args: wants("FILE"),
		RunE: func(cmd *cobra.Command, args []string) error { return c.submit(cmd, args[0], callback, list, wait) },
	}
	list.add(cmd)
	cmd.Flags().StringVar(&callback, "callback", "", "URL that is told when the batch is done or paused")
	cmd.Flags().BoolVar(&wait, "wait", false, "stay until the batch is done")
	return cmd
}

func (c *cli) submit(cmd *cobra.Command, file, callback string, list listFlags, wait bool) error {
	if err := c.configure(); err != nil {
		return err
	}
	if err := list.check(cmd, nil); err != nil {
		return err
	}
	if list.out != "" && !wait {
		return app.Usage(errors.New("-o goes with --wait: add it, or fetch the results later with plateq results"))
	}
	o, err := list.submission(file)
	if err != nil {
		return err
	}
	o.Callback = callback
	if _, _, err := list.outputs(file, c.in); err != nil {
		return err
	}
	f, err := openList(file, c.in)
	if err != nil {
		return err
	}
	defer f.Close() //nolint:errcheck // it was only read
	ctx := cmd.Context()
	cl, err := c.server(ctx)
	if errors.Is(err, errNoServer) {
		return app.Usage(fmt.Errorf("%w: start one with plateq up, or use plateq run", err))
	}
	if err != nil {
		return err
	}
	if err := c.writeProblems(ctx, cl, list, o, f); err != nil {
		return err
	}
	if err := c.foresee(ctx, cl, o, f); err != nil {
		return fmt.Errorf("submit %s: %w", file, err)
	}
	b, err := cl.Submit(ctx, o, f)
	if err != nil {
		return fmt.Errorf("submit %s: %w", file, err)
	}
	if !wait {
		c.say("accepted %d rows", b.Rows)
		err := c.printBatch(b)
		c.next("status " + b.ID)
		return err
	}
	c.say("accepted %d rows as batch %s", b.Rows, b.ID)
	return c.await(ctx, cl, b, list)
}

// submission returns what the server is told beside the rows.
func (l *listFlags) submission(file string) (client.SubmitOptions, error) {
	in, err := l.intake(file)
	if err != nil {
		return client.SubmitOptions{}, err
	}
	o := client.SubmitOptions{
		Provider: l.provider, Name: l.title(file), Purpose: l.purpose, Weight: l.weight, MaxCost: l.maxCost, Fresh: l.fresh,
		Retention: l.keep,
		Params:    in.Set, Columns: l.columns, Limit: l.limit, Encoding: string(in.Encoding), Sheet: in.Sheet,
	}
	o.Format = map[intake.Format]client.Format{intake.CSV: client.CSV, intake.JSONL: client.NDJSON, intake.XLSX: client.XLSX}[in.Format]
	if o.Format == "" {
		o.Format = client.Any
	}
	return o, nil
}

// printBatch writes the id of a batch, or with --json all of it.
func (c *cli) printBatch(b client.Batch) error {
	var err error
	if c.json {
		err = json.NewEncoder(c.out).Encode(b)
	} else {
		_, err = fmt.Fprintln(c.out, b.ID)
	}
	if err != nil {
		return fmt.Errorf("write batch: %w", err)
	}
	return nil
}

// await stays until b is done, writes its results where that was asked for,
// and returns what the exit code has to say.
func (c *cli) await(ctx context.Context, cl *client.Client, b client.Batch, list listFlags) error {
	start := time.Now()
	b, err := c.wait(ctx, cl, b)
	if err != nil {
		return err
	}
	if list.out != "" {
		path, format, err := list.export()
		if err == nil {
			err = c.downloads(ctx, cl, b.ID, path, list.errors, format, client.ResultsOptions{Input: list.input, Plain: list.rawCells})
		}
		if err != nil {
			c.next("results " + b.ID + " -o " + list.out)
			return err
		}
	}
	c.say("%s, in %s", total(b.Rows, b.Counts), time.Since(start).Round(100*time.Millisecond))
	if list.out == "" || c.json && !export.IsStdout(list.out) {
		err = c.printBatch(b)
	}
	switch bad := unanswered(b.Counts); {
	case list.out == "":
		c.next("results " + b.ID + " -o results.csv")
	case bad > 0:
		c.next("results " + b.ID + " --status failed,invalid,unknown")
	default:
		c.next("status " + b.ID)
	}
	return errors.Join(err, verdict(b))
}

// probed is how long a batch may wait for credit or credentials before
// nobody waits for it any more.
const probed = 10 * time.Second

// wait shows how b goes on until it is done.
func (c *cli) wait(ctx context.Context, cl *client.Client, b client.Batch) (client.Batch, error) {
	m := c.meter()
	defer m.stop()
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var since time.Time
	got, err := cl.Wait(ctx, b.ID, func(now client.Batch) {
		s := standing{stage: string(app.StageLooking), rows: now.Rows, counts: now.Counts}
		patience, stopped := refused(now)
		if stopped == nil {
			since = time.Time{}
		} else if since.IsZero() {
			since = time.Now()
		} else if time.Since(since) > patience {
			stop(stopped)
		}
		switch {
		case now.WaitingFor != nil:
			s.waiting = waitingWords(now.WaitingFor)
		case now.State == client.Paused:
			s.waiting = "somebody to resume it"
		}
		m.update(s)
	})
	if stopped, ok := errors.AsType[*app.ExitError](context.Cause(ctx)); ok && err != nil {
		return got, stopped
	}
	if errors.Is(err, context.Canceled) {
		return got, &app.ExitError{Code: app.ExitInterrupted, Err: fmt.Errorf("interrupted: the batch goes on without us: plateq status %s", b.ID)}
	}
	if err != nil {
		return got, fmt.Errorf("follow batch %s, which goes on without us: %w: see plateq status %s", b.ID, err, b.ID)
	}
	return got, nil
}

// waitingWords says what a batch waits for.
func waitingWords(w *client.Waiting) string {
	text := w.Scope + ": " + strings.ReplaceAll(w.Reason, "_", " ")
	if w.Until != nil {
		text += " until " + clock(*w.Until)
	}
	return text
}

// refused returns an error with the exit code of what holds the batch up and
// will not be over by itself, or nil, and how long it must last before that is
// believed.
func refused(b client.Batch) (patience time.Duration, stopped error) {
	if b.WaitingFor == nil {
		return 0, nil
	}
	switch w := b.WaitingFor; w.Reason {
	case client.ReasonBudget:
		return 0, &app.ExitError{Code: app.ExitMoney, Err: fmt.Errorf("%s: raise it (plateq budget set %s AMOUNT), batch %s then goes on by itself", b.Reason, w.Scope, b.ID)}
	case "out_of_credit":
		return probed, &app.ExitError{Code: app.ExitMoney, Err: fmt.Errorf("%s is out of credit: top the account up, batch %s then goes on by itself", w.Scope, b.ID)}
	case "unauthorised":
		return probed, &app.ExitError{Code: app.ExitProvider, Err: fmt.Errorf("%s refuses every call, over the credentials or the set-up: plateq providers says which, batch %s goes on when it is seen to", w.Scope, b.ID)}
	case "unavailable", "ambiguous":
		return app.OutOfReach, &app.ExitError{Code: app.ExitProvider, Err: fmt.Errorf("%s is out of reach: batch %s goes on when it is back", w.Scope, b.ID)}
	}
	return 0, nil
}

// verdict is what the counts of a finished batch mean for the exit code.
func verdict(b client.Batch) error {
	if bad := unanswered(b.Counts); bad > 0 {
		return &app.ExitError{Code: app.ExitPartial, Err: fmt.Errorf("%d of %d rows have no answer: see their error", bad, b.Rows)}
	}
	return nil
}

// download writes the results of a batch to a file that is whole or not
// there, or to standard output.
func (c *cli) download(ctx context.Context, cl *client.Client, id, path string, format export.Format, o client.ResultsOptions) error {
	return export.ToFile(path, c.out, func(w io.Writer) error {
		return asMedia(format, w, func(media client.Format, w io.Writer) error { return cl.Download(ctx, id, media, o, w) })
	})
}

// downloads is download with, if it is named, a file of its own for the rows
// without an answer.
func (c *cli) downloads(ctx context.Context, cl *client.Client, id, path, bad string, format export.Format, o client.ResultsOptions) error {
	if bad == "" {
		return c.download(ctx, cl, id, path, format, o)
	}
	o.Status = client.Answered()
	if err := c.download(ctx, cl, id, path, format, o); err != nil {
		return err
	}
	o.Status = client.Unanswered()
	return c.download(ctx, cl, id, bad, format, o)
}

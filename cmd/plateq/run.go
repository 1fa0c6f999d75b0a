package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/plateq/plateq/client"
	"github.com/plateq/plateq/internal/app"
	"github.com/plateq/plateq/internal/config"
	"github.com/plateq/plateq/internal/export"
)

func (c *cli) runCommand() *cobra.Command {
	var list listFlags
	var raw bool
	var maxWait time.Duration
	cmd := &cobra.Command{
		Use:   "run FILE -p PROVIDER [-o OUT]",
		Short: "Look a list up and write the results, in one process",
		Long: `Read a list, look it up, write one row out for each row in, and exit.

The same command goes on with what it left unfinished. If it was finished less
than a day ago it writes the rows again and asks nobody; --fresh starts anew.`,
		Example: `  plateq run fleet.csv -p attestr --simulate -o results.csv   a rehearsal that costs nothing
  plateq run fleet.csv -p attestr -o results.csv
  plateq run fleet.csv -p attestr -o results.csv --max-cost 500
  plateq run fleet.csv -p attestr --column "Reg no" --limit 20 > sample.jsonl
  plateq run parc.csv.gz -p regnum --encoding windows-1252 -o results.xlsx`,
		Args: wants("FILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.run(cmd, args[0], list, app.RunOptions{Raw: raw, MaxWait: maxWait})
		},
	}
	list.add(cmd)
	cmd.Flags().BoolVar(&raw, "raw", false, "keep answers as received, and write them")
	cmd.Flags().DurationVar(&maxWait, "max-wait", 0, "end rather than wait longer for a closed gate, or for one closed by hand at all (default: wait)")
	c.simulated(cmd, "ask stand-ins of the providers, which cost nothing")
	return cmd
}

func (c *cli) run(cmd *cobra.Command, file string, list listFlags, ro app.RunOptions) error {
	if err := c.configure(); err != nil {
		return err
	}
	if err := list.check(cmd, c.config.Purposes); err != nil {
		return err
	}
	var err error
	if ro.Intake, err = list.intake(file); err != nil {
		return err
	}
	if ro.Out, ro.Export.Format, err = list.outputs(file, c.in); err != nil {
		return err
	}
	ro.Errors, ro.Problems = list.errors, list.problems
	ro.Export.Extras, ro.Export.Plain = export.Extras{Input: list.input, Raw: ro.Raw}, list.rawCells
	ro.In, ro.Stdout = file, c.out
	ro.Provider, ro.Limit, ro.Fresh = list.provider, list.limit, list.fresh
	ro.Name, ro.Purpose, ro.Weight, ro.MaxCost = list.title(file), list.purpose, list.weight, config.Amount(list.maxCost)
	ro.Kept, _ = config.ParseRetention(list.keep) // checked; empty: 0

	m := c.meter()
	ro.Progress = func(p app.Progress) {
		s := standing{stage: string(p.Stage), rows: p.Rows, waiting: p.Waiting}
		if p.Stage != app.StageReading {
			s.counts = statuses(p.Counts)
		}
		if s.waiting != "" && !p.Until.IsZero() {
			s.waiting += " until " + clock(p.Until)
		}
		m.update(s)
	}
	ro.Confirm = func(e client.Estimate) error {
		m.stop() // a bar would be drawn over the question
		defer func() { m = c.meter() }()
		return c.spend(e, list.maxCost)
	}
	sum, err := app.RunFile(cmd.Context(), c.calmly(), ro)
	m.stop()
	c.summarise(sum, ro.Out)
	if c.json && !export.IsStdout(ro.Out) && sum.Batch != "" {
		err = errors.Join(err, c.printSummary(sum))
	}
	return err
}

// title is what a batch is called.
func (l *listFlags) title(file string) string {
	if l.name != "" || file == "-" {
		return l.name
	}
	return filepath.Base(file)
}

// summarise says what a run came to, as far as it came.
func (c *cli) summarise(sum app.Summary, out string) {
	if sum.Batch == "" {
		return
	}
	counts := statuses(sum.Counts)
	switch {
	case sum.Written:
		c.say("batch %s was done before: its rows were written again and nobody was asked; --fresh starts anew", sum.Batch)
	case sum.Again:
		c.say("batch %s was left unfinished before: this went on with it", sum.Batch)
	}
	c.say("%s", total(sum.Rows, counts))
	c.say("calls that can cost: %d; polls: %d; time: %s", sum.Calls, sum.Polls, sum.Took.Round(100*time.Millisecond))
	if sum.Spent != "" {
		c.say("spent: %s (%s)", sum.Spent, c.like("ledger --batch "+sum.Batch))
	}
	if saved := client.Shared(sum.Saved); saved.Rows() > 0 {
		c.say("questions not paid for: %s", sharedWords(saved))
	}
	switch {
	case sum.HeldBy != "":
		c.next("budget set " + sum.HeldBy + " AMOUNT (then the same command goes on)")
		return
	case (standing{counts: counts}).settled() < sum.Rows:
		c.next("status " + sum.Batch)
		return
	case out != "-":
		c.say("results: %s", out)
	}
	if bad := unanswered(counts); bad > 0 {
		c.next("results " + sum.Batch + " --status failed,invalid,unknown")
	} else {
		c.next("status " + sum.Batch)
	}
}

// printSummary writes what a run came to, for programs.
func (c *cli) printSummary(sum app.Summary) error {
	err := json.NewEncoder(c.out).Encode(map[string]any{
		"batch": sum.Batch, "rows": sum.Rows, "counts": statuses(sum.Counts), "calls": sum.Calls, "polls": sum.Polls,
		"cached": sum.Saved.Known, "shared": sum.Saved.Joined + sum.Saved.Duplicates, "spent": sum.Spent, "seconds": sum.Took.Seconds(),
	})
	if err != nil {
		return fmt.Errorf("write summary: %w", err)
	}
	return nil
}

// total names the counts that everyone asks for, 0 or not, and the others
// where there are any.
func total(rows int, counts map[client.Status]int) string {
	text := fmt.Sprintf("%d rows: %d found, %d not found, %d failed, %d invalid, %d unknown", rows,
		counts[client.RowFound], counts[client.RowNotFound], counts[client.RowFailed], counts[client.RowInvalid], counts[client.RowUnknown])
	if n := counts[client.RowCancelled]; n > 0 {
		text += fmt.Sprintf(", %d cancelled", n)
	}
	if n := counts[client.RowQueued] + counts[client.RowSending] + counts[client.RowWaiting]; n > 0 {
		text += fmt.Sprintf(", %d on their way", n)
	}
	return text
}

// unanswered counts rows that are settled and have no answer.
func unanswered(counts map[client.Status]int) int {
	return counts[client.RowFailed] + counts[client.RowInvalid] + counts[client.RowUnknown] + counts[client.RowCancelled]
}

// statuses turns the store's counts into those that are shown.
func statuses[K interface {
	comparable
	String() string
}, M ~map[K]int](counts M) map[client.Status]int {
	shown := make(map[client.Status]int, len(counts))
	for state, n := range counts {
		shown[client.Status(state.String())] = n
	}
	return shown
}

// clock writes a time for people: with the day where it is not today.
func clock(t time.Time) string {
	local := t.Local()
	if local.Format(time.DateOnly) == time.Now().Format(time.DateOnly) {
		return local.Format("15:04:05")
	}
	return local.Format("2 January 15:04")
}

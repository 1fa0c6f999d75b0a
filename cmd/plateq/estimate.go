package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/plateq/plateq/client"
	"github.com/plateq/plateq/internal/app"
	"github.com/plateq/plateq/internal/config"
)

const estimateLong = `Say what looking a list up would come to: how many rows are invalid and why,
how many repeat each other or are known already, how many questions are left to
be asked, what these cost at most and how long they take at least.

Nobody is asked and nothing is kept.`

func (c *cli) estimateCommand() *cobra.Command {
	var list listFlags
	cmd := &cobra.Command{
		Use:   "estimate FILE -p PROVIDER",
		Short: "Say what looking a list up would cost, and ask nobody",
		Long:  estimateLong,
		Example: `  plateq estimate fleet.csv -p attestr
  plateq estimate fleet.csv -p attestr --fresh     as if nothing were known
  plateq estimate fleet.csv -p attestr --problems bad.csv
  plateq estimate fleet.csv -p attestr --json | jq .at_most`,
		Args: wants("FILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := list.check(cmd, nil); err != nil {
				return err
			}
			if _, _, err := list.outputs(args[0], c.in); err != nil {
				return err
			}
			// What is set up is known without books; so is what a list holds.
			return c.withProviders(cmd.Context(), func(cl *client.Client) error { return c.estimate(cmd, cl, args[0], list) })
		},
	}
	list.addReading(cmd)
	c.simulated(cmd, "estimate for the store of rehearsals")
	return cmd
}

func (c *cli) estimate(cmd *cobra.Command, cl *client.Client, file string, list listFlags) error {
	o, err := list.submission(file)
	if err != nil {
		return err
	}
	f, err := openList(file, c.in)
	if err != nil {
		return err
	}
	defer f.Close() //nolint:errcheck // it was only read
	if err := c.writeProblems(cmd.Context(), cl, list, o, f); err != nil {
		return err
	}
	e, err := cl.Estimate(cmd.Context(), o, f)
	if err != nil {
		return fmt.Errorf("estimate %s: %w", file, err)
	}
	if c.table() {
		err = printEstimate(c.out, e)
	} else {
		err = json.NewEncoder(c.out).Encode(e)
	}
	if err != nil {
		return fmt.Errorf("write estimate: %w", err)
	}
	if file != "-" {
		c.next("run " + file + " -p " + e.Provider + " -o results.csv")
	}
	return nil
}

// printEstimate writes an estimate line by line, as a sum from the rows down
// to what is asked.
func printEstimate(w io.Writer, e client.Estimate) error {
	b := &strings.Builder{}
	line := func(n int, what string) { fmt.Fprintf(b, "%9d  %s\n", n, what) }
	less := func(n int, what string) {
		if n > 0 {
			line(-n, what)
		}
	}
	fmt.Fprintf(b, "%9s  %s\n", "read as", printable(e.ReadAs+foundIn(e.Columns)))
	for _, r := range e.Preview {
		fmt.Fprintf(b, "%9s  line %d: %s\n", "such as", r.Line, printable(askedWords(r.Asked)))
	}
	line(e.Rows, "rows")
	for _, r := range e.InvalidReasons {
		less(r.Rows, "invalid, never sent: "+printable(r.Message)+" ("+whereOf(r)+")")
	}
	less(e.Duplicates, "that repeat another row")
	less(e.Known, "whose answer is known, and fresh enough")
	less(e.Joined, "that another list is asking: the answer is shared")
	less(e.Unknown, "where nobody knows what became of an earlier call: not asked again")
	line(e.Questions, "to be asked of "+e.Provider+", in "+count(e.Calls, "call"))
	for _, r := range e.Warnings {
		fmt.Fprintf(b, "%9s  %s asked all the same, though %s (%s)\n", "odd", count(r.Rows, "row"), printable(r.Message), whereOf(r))
	}
	fmt.Fprintf(b, "%9s  %s\n", "cost", costOf(e))
	for _, budget := range e.Budgets {
		fmt.Fprintf(b, "%9s  %s\n", "budget", roomFor(budget, e))
	}
	fmt.Fprintf(b, "%9s  %s\n", "time", timeOf(e))
	_, err := io.WriteString(w, b.String())
	return err
}

// askedWords writes what a row asks about: "plate DL01AA1000".
func askedWords(asked map[string]string) string {
	var parts []string
	for _, what := range slices.Sorted(maps.Keys(asked)) {
		parts = append(parts, strings.ReplaceAll(what, "_", " ")+" "+asked[what])
	}
	return strings.Join(parts, ", ")
}

// foundIn says in which columns of a list things were found, where that is not
// in their names.
func foundIn(columns map[string]string) string {
	var parts []string
	for _, what := range slices.Sorted(maps.Keys(columns)) {
		if columns[what] != what {
			parts = append(parts, fmt.Sprintf("%s from %q", what, columns[what]))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return ": " + strings.Join(parts, ", ")
}

// whereOf says where the first rows of a reason are: "lines 3, 17, 20, …".
func whereOf(r client.InvalidReason) string {
	parts := make([]string, len(r.Lines))
	for i, n := range r.Lines {
		parts[i] = strconv.Itoa(n)
	}
	if r.Rows > len(r.Lines) {
		parts = append(parts, "…")
	}
	if len(parts) == 1 {
		return "line " + parts[0]
	}
	return "lines " + strings.Join(parts, ", ")
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return strconv.Itoa(n) + " " + what + "s"
}

func costOf(e client.Estimate) string {
	if e.AtMost == nil {
		return "not known: no price is set (PLATEQ_" + strings.ToUpper(e.Provider) + "_PRICE)"
	}
	return "at most " + *e.AtMost + " " + *e.Currency + ", at " + *e.Price + " a question"
}

func timeOf(e client.Estimate) string {
	if e.Seconds == nil {
		if e.PaceLearnt {
			return "not known: the pace is still to be learnt"
		}
		return "no pace is kept"
	}
	how := "set"
	if e.PaceLearnt {
		how = "learnt so far"
	}
	pace := ""
	if e.RequestsPerSecond != nil {
		pace = fmt.Sprintf(", at %g requests a second (%s)", *e.RequestsPerSecond, how)
	}
	return "at least " + (time.Duration(*e.Seconds) * time.Second).String() + pace
}

// errDeclined says that a person did not want to pay.
var errDeclined = &app.ExitError{Code: app.ExitInterrupted, Err: errors.New("nothing was accepted, nobody was asked")}

// spend shows what a list will come to and asks a person where it may cost
// more than PLATEQ_CONFIRM_ABOVE. Where nobody can be asked it refuses. Up to
// --max-cost, if it is given, a person has agreed.
func (c *cli) spend(e client.Estimate, maxCost string) error {
	if !c.quiet {
		if err := printEstimate(c.screen, e); err != nil {
			return fmt.Errorf("write estimate: %w", err)
		}
	}
	cost, decimal := count(e.Questions, "question"), strconv.Itoa(e.Questions)
	if e.AtMost != nil {
		cost, decimal = *e.AtMost+" "+*e.Currency, *e.AtMost
	}
	if maxCost != "" {
		if config.Amount(maxCost).Exceeded(decimal) {
			c.say("it may cost %s: the list pauses before it costs more than %s (--max-cost)", cost, maxCost)
		}
		return nil
	}
	if c.yes || !c.config.ConfirmAbove.Exceeded(decimal) {
		return nil
	}
	if !terminal(c.in) || !terminal(c.err) {
		return app.Usage(fmt.Errorf("it may cost %s, more than PLATEQ_CONFIRM_ABOVE=%s, and nobody is here to ask: add --yes, or --max-cost AMOUNT", cost, c.config.ConfirmAbove))
	}
	if !c.agreed("look up %s for at most %s?", count(e.Questions, "question"), cost) {
		return errDeclined
	}
	return nil
}

// foresee shows what the server makes of a list before it is handed over. A
// pipe can be read only once, so that where it may cost too much it needs a word
// beforehand.
func (c *cli) foresee(ctx context.Context, cl *client.Client, o client.SubmitOptions, f *os.File) error {
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		if c.config.ConfirmAbove == "" || c.yes || o.MaxCost != "" {
			return nil
		}
		return app.Usage(errors.New("a pipe can be read only once, so nobody knows beforehand whether it costs more than PLATEQ_CONFIRM_ABOVE: add --yes or --max-cost, or give a file"))
	}
	e, err := cl.Estimate(ctx, o, f)
	if err != nil {
		return err
	}
	if err := c.spend(e, o.MaxCost); err != nil {
		return err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("read the list again: %w", err)
	}
	return nil
}

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/plateq/plateq/client"
	"github.com/plateq/plateq/internal/app"
)

const unknownLong = `A call is unknown when it was sent and no answer that can be understood came
back: it may have been charged. It is never sent again by itself, unless
PLATEQ_NAME_ON_UNKNOWN=resend says so, once for each question.

Look at the provider's own pages first. If the batch is there, adopt its
ticket: its answers count and nothing is paid twice.`

func (c *cli) unknownCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "unknown",
		Short: "See and settle calls of which nobody knows the outcome",
		Long:  unknownLong,
		Args:  wants(),
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(c.unknownListCommand(), c.unknownResendCommand(), c.unknownGiveUpCommand(), c.unknownAdoptCommand())
	return cmd
}

func (c *cli) unknownListCommand() *cobra.Command {
	var o client.UnknownOptions
	var decided bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List unknown calls with their rows and the money at risk, oldest first",
		Example: `  plateq unknown list
  plateq unknown list --batch b_… --json
  plateq unknown list --decided        what was decided, by whom and why`,
		Args: wants(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.withBooks(cmd.Context(), func(cl *client.Client) error {
				if decided {
					return c.decisions(cmd.Context(), cl)
				}
				return c.unknownList(cmd.Context(), cl, o)
			})
		},
	}
	f := cmd.Flags()
	f.StringVarP(&o.Provider, "provider", "p", "", "only calls of a provider")
	f.StringVar(&o.Batch, "batch", "", "only calls that a batch waits for")
	f.BoolVar(&o.Resent, "resent", false, "also calls whose rows were all asked again")
	f.BoolVar(&decided, "decided", false, "the decisions instead, newest first")
	c.simulated(cmd, simulateUsage)
	return cmd
}

func (c *cli) unknownList(ctx context.Context, cl *client.Client, o client.UnknownOptions) error {
	var first client.UnknownCall
	questions, rows := 0, 0
	s := c.sheet("unknown call", "CALL", "PROVIDER", "SENT", "REASON", "QUESTIONS", "ROWS", "AT RISK", "CANDIDATES")
	for u, err := range cl.Unknown(ctx, o) {
		if err != nil {
			return err
		}
		if s.n == 0 {
			first = u
		}
		questions, rows = questions+u.Questions, rows+u.Rows
		risk := "no price set"
		if u.AtRisk != nil {
			risk = money(u.AtRisk, u.Currency)
		}
		if err := s.add(u, u.Call, u.Provider, u.SentAt.Local().Format(time.DateTime), printable(u.Reason+" "+u.Code), u.Questions, u.Rows,
			risk, candidateWords(u.Candidates)); err != nil {
			return err
		}
	}
	if err := s.end(); err != nil {
		return err
	}
	if s.n == 0 {
		c.say("of every call it is known what became of it")
		c.next("list")
		return nil
	}
	c.say("%d calls, %d questions that may have been charged, %d rows that wait", s.n, questions, rows)
	row := ""
	if first.NeedsRow {
		row = " --row N"
	}
	c.next(fmt.Sprintf("unknown adopt %d TICKET%s, or unknown resend %d --reason …, or unknown give-up %d --reason …", first.Call, row, first.Call, first.Call))
	return nil
}

func candidateWords(all []client.Candidate) string {
	words := make([]string, len(all))
	for i, k := range all {
		words[i] = fmt.Sprintf("%s (%d plates)", printable(k.Ticket), k.Plates)
	}
	return strings.Join(words, ", ")
}

func (c *cli) decisions(ctx context.Context, cl *client.Client) error {
	all, err := cl.Decisions(ctx)
	if err != nil {
		return err
	}
	if !c.table() {
		return json.NewEncoder(c.out).Encode(all)
	}
	w := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "WHEN\tWHAT\tCALL\tQUESTIONS\tBY\tREASON")
	for _, d := range all {
		fmt.Fprintf(w, "%s\t%s\t%d\t%d\t%s\t%s\n", d.At.Local().Format(time.DateTime), d.What, d.Call, d.Questions, d.By, printable(d.Reason))
	}
	return w.Flush()
}

// deciding makes a command about one unknown call, those of a batch, or all of
// a provider.
func (c *cli) deciding(verb, short, long string, do func(context.Context, *client.Client, client.Decision) error) *cobra.Command {
	var d client.Decision
	cmd := &cobra.Command{
		Use:     verb + " CALL | --batch BATCH | --all -p PROVIDER",
		Short:   short,
		Long:    long,
		Example: fmt.Sprintf("  plateq unknown %s 17 --reason \"…\"\n  plateq unknown %s --all -p attestr --reason \"…\"", verb, verb),
		Args:    atMostOne("CALL"),
		RunE: func(cmd *cobra.Command, args []string) error {
			d := d
			if err := choose(&d, args); err != nil {
				return err
			}
			return c.withBooks(cmd.Context(), func(cl *client.Client) error { return do(cmd.Context(), cl, d) })
		},
	}
	f := cmd.Flags()
	f.StringVar(&d.Batch, "batch", "", "all unknown calls that a batch waits for")
	f.BoolVar(&d.All, "all", false, "all unknown calls of a provider; goes with -p")
	f.StringVarP(&d.Provider, "provider", "p", "", "the provider of --all")
	f.StringVar(&d.Reason, "reason", "", "why; it is kept")
	c.simulated(cmd, simulateUsage)
	return cmd
}

// choose checks that exactly one way to name calls was used, and that there is
// a reason.
func choose(d *client.Decision, args []string) error {
	chosen := 0
	for _, given := range []bool{len(args) > 0, d.Batch != "", d.All} {
		if given {
			chosen++
		}
	}
	switch {
	case chosen != 1:
		return app.Usage(errors.New("name one of CALL, --batch BATCH, or --all -p PROVIDER"))
	case d.All && d.Provider == "":
		return app.Usage(errors.New("-p PROVIDER is missing: it goes with --all"))
	case d.Reason == "":
		return app.Usage(errors.New("--reason is missing: say why, it is kept"))
	case len(args) == 0:
		return nil
	}
	var err error
	d.Call, err = callNumber(args[0])
	return err
}

func callNumber(text string) (int64, error) {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 1 {
		return 0, app.Usage(fmt.Errorf("%q is no call: see plateq unknown list", text))
	}
	return n, nil
}

func (c *cli) unknownResendCommand() *cobra.Command {
	return c.deciding("resend", "Send unknown calls again, and perhaps pay twice", `Ask the provider again about every row that waits on unknown calls. If the first
call was charged, this pays for it a second time; the ledger keeps both. An
answer to the first one that comes later is kept, and the rows follow the new.`,
		func(ctx context.Context, cl *client.Client, d client.Decision) error {
			if !c.agreed("send again what may have been charged already?") {
				return &app.ExitError{Code: app.ExitInterrupted, Err: errors.New("nothing was sent again")}
			}
			got, err := cl.Resend(ctx, d)
			if err != nil {
				return fmt.Errorf("resend: %w", err)
			}
			if !c.table() {
				err = json.NewEncoder(c.out).Encode(got)
			}
			if got.Repeated {
				c.say("the server had heard of it before, and does not count again what it took up then; what was left:")
			}
			c.say("%d calls, %d rows are asked again: %s", got.Calls, got.Rows, c.againWords(got.Again))
			c.next("list --state running")
			return err
		})
}

func (c *cli) unknownGiveUpCommand() *cobra.Command {
	return c.deciding("give-up", "Fail what is unknown, as nobody will know any more", `Fail the rows that wait on unknown calls as given_up. Nothing is asked again. An
answer that comes later still counts.`,
		func(ctx context.Context, cl *client.Client, d client.Decision) error {
			got, err := cl.GiveUp(ctx, d)
			if err != nil {
				return fmt.Errorf("give up: %w", err)
			}
			return c.settledUnknown(got, "given up", "unknown list")
		})
}

func (c *cli) unknownAdoptCommand() *cobra.Command {
	var a client.Adoption
	cmd := &cobra.Command{
		Use:   "adopt CALL TICKET",
		Short: "Say which ticket of the provider an unknown call has",
		Long: `Have the rows of an unknown call wait on a ticket that the provider shows, on its
own pages or in a webhook (see the candidates of plateq unknown list). The
ticket is asked about, which is free. Rows that it holds get their answers;
those that it does not hold are unknown again.

Where a ticket answers one row, as at SpectrumData, and several questions of the
call are unknown, --row says which row it answers: plateq results BATCH
--status unknown shows their numbers. The others stay unknown, each until it is
adopted with a ticket of its own.`,
		Example: "  plateq unknown adopt 17 6729f0c1a2b3\n  plateq unknown adopt 18 TYPE_x@domain --row 3 --batch b_…",
		Args:    wants("CALL", "TICKET"),
		RunE: func(cmd *cobra.Command, args []string) error {
			a, err := adoption(a, args, cmd.Flags().Changed("row"))
			if err != nil {
				return err
			}
			return c.withBooks(cmd.Context(), func(cl *client.Client) error {
				got, err := cl.Adopt(cmd.Context(), a)
				if err != nil {
					return fmt.Errorf("adopt: %w", err)
				}
				return c.settledUnknown(got, "waiting on the ticket now", "unknown list")
			})
		},
	}
	f := cmd.Flags()
	f.IntVar(&a.Row, "row", 0, "the number of the row that the ticket answers, where it answers one")
	f.StringVar(&a.Batch, "batch", "", "the batch of that row, where rows of several wait on the call")
	f.StringVar(&a.Reason, "reason", "", "how it is known; it is kept")
	c.simulated(cmd, simulateUsage)
	return cmd
}

// adoption completes what flags say of a ticket by the arguments.
func adoption(a client.Adoption, args []string, row bool) (client.Adoption, error) {
	var err error
	switch a.Ticket = args[1]; {
	case row && a.Row < 1:
		return a, app.Usage(errors.New("--row must be the number of a row, from 1"))
	case a.Batch != "" && !row:
		return a, app.Usage(errors.New("--row is missing: it goes with --batch"))
	}
	a.Call, err = callNumber(args[0])
	return a, err
}

func (c *cli) settledUnknown(got client.Settled, what, next string) error {
	c.say("%d questions of %d calls are %s", got.Questions, got.Calls, what)
	c.next(next)
	if c.table() {
		return nil
	}
	return json.NewEncoder(c.out).Encode(got)
}

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/plateq/plateq/client"
	"github.com/plateq/plateq/internal/app"
)

const providersLong = `Show what each provider answers and how it stands: whether it is set up, its
limits, how fast it is asked at present, gates that are closed, work that is
open, and figures that came with its answers. With --balance those that tell are asked for their credit.`

func (c *cli) providersCommand() *cobra.Command {
	balance := false
	cmd := &cobra.Command{
		Use:   "providers [NAME]",
		Short: "Show what providers answer and how they stand",
		Long:  providersLong,
		Example: `  plateq providers
  plateq providers spectrumdata --balance
  plateq providers --json | jq 'select(.set_up)'`,
		Args: atMostOne("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.withProviders(cmd.Context(), func(cl *client.Client) error {
				return c.providers(cmd.Context(), cl, args, balance)
			})
		},
	}
	cmd.Flags().BoolVar(&balance, "balance", false, "ask those that tell for credit and quotas")
	c.simulated(cmd, simulateUsage)
	return cmd
}

// atMostOne checks that a command got one argument, which name names, or none.
func atMostOne(name string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) < 2 {
			return nil
		}
		return wants(name)(cmd, args)
	}
}

// withProviders is withBooks that needs no store: what providers can do is
// known without one.
func (c *cli) withProviders(ctx context.Context, do func(*client.Client) error) error {
	if err := c.configure(); err != nil {
		return err
	}
	if c.booksExist() == nil {
		return c.withBooks(ctx, do)
	}
	if !c.simulate {
		if cl, err := c.server(ctx); !errors.Is(err, errNoServer) {
			if err != nil {
				return err
			}
			return do(cl)
		}
	}
	h, err := app.Describe(c.calmly())
	if err != nil {
		return err
	}
	cl, err := client.New("http://localhost", client.Options{HTTPClient: &http.Client{Transport: inProcess{h}}})
	if err != nil {
		return err
	}
	return do(cl)
}

func (c *cli) providers(ctx context.Context, cl *client.Client, only []string, balance bool) error {
	all, err := cl.Providers(ctx, balance)
	if err != nil {
		return err
	}
	if len(only) > 0 {
		var known []string
		for _, p := range all {
			known = append(known, p.Name)
		}
		all = slices.DeleteFunc(all, func(p client.Provider) bool { return p.Name != only[0] })
		if len(all) == 0 {
			return app.Usage(fmt.Errorf("there is no provider %q: there is %s", only[0], strings.Join(known, ", ")))
		}
	}
	if c.table() {
		err = printProviders(c.out, all, len(only) == 0)
	} else {
		for _, p := range all {
			err = errors.Join(err, json.NewEncoder(c.out).Encode(p))
		}
	}
	if err != nil {
		return fmt.Errorf("write providers: %w", err)
	}
	c.next(afterProviders(all))
	return nil
}

// afterProviders is the command that helps most.
func afterProviders(all []client.Provider) string {
	for _, p := range all {
		for _, g := range p.Gates {
			if g.Until == nil || g.Probe {
				return "gate open " + g.Scope + " (once its cause is gone)"
			}
		}
	}
	for _, p := range all {
		if p.SetUp {
			return "run FILE -p " + p.Name + " -o results.csv"
		}
	}
	return "config (what sets a provider up)"
}

// printProviders writes a table of all, and then each by itself.
func printProviders(to io.Writer, all []client.Provider, table bool) error {
	if table {
		w := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "PROVIDER\tSET UP\tCOUNTRY\tA CALL\tANSWERS\tQUEUED\tWAITING\tGATES")
		for _, p := range all {
			fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%s\t%d\t%d\t%s\n", p.Name, yesNo(p.SetUp), strings.Join(p.Countries, " "), p.MaxBatch,
				when(p), p.Open.Queued, p.Open.Sending+p.Open.Waiting, gates(p))
		}
		if err := w.Flush(); err != nil {
			return err
		}
	}
	for i, p := range all {
		if i > 0 || table {
			fmt.Fprintln(to)
		}
		if err := printProvider(to, p); err != nil {
			return err
		}
	}
	return nil
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

func when(p client.Provider) string {
	if p.Later {
		return "later"
	}
	return "at once"
}

func gates(p client.Provider) string {
	if n := len(p.Gates); n > 0 {
		return strconv.Itoa(n) + " closed"
	}
	return "open"
}

// printProvider writes a provider in lines of a name and what there is to say.
func printProvider(w io.Writer, p client.Provider) error {
	setUp := "set up"
	if !p.SetUp {
		setUp = "not set up"
	}
	_, err := fmt.Fprintf(w, "%s: %s (%s), %s\n", p.Name, p.Title, strings.Join(p.Countries, ", "), setUp)
	line := func(name, text string) {
		if text != "" {
			err = errors.Join(err, wrapped(w, name, text))
		}
	}
	line("answers", p.Answers+", "+when(p))
	line("a call", questions(p.MaxBatch))
	line("repeatable", p.Repeats)
	line("a row has", needs(p))
	for _, param := range p.Params {
		line("parameter", parameter(param))
	}
	line("documented", p.DocumentedLimits)
	if l := p.Limits; l != nil && p.SetUp {
		line("limits", limits(*l))
	}
	if p.Pace != nil {
		line("pace", pace(*p.Pace))
	}
	for _, g := range p.Gates {
		line("closed", closed(g))
	}
	line("open", open(p.Open))
	line("readings", readings(p.Readings))
	for _, b := range p.Balances {
		line("balance", balance(b))
	}
	if p.BalanceError != nil {
		line("balance", "not told: "+printable(*p.BalanceError))
	}
	return err
}

func questions(n int) string {
	if n == 1 {
		return "one question"
	}
	return fmt.Sprintf("up to %d questions", n)
}

// needs says which columns a row must fill: "plate; vin or body".
func needs(p client.Provider) string {
	parts := []string{}
	if len(p.Needs) > 0 {
		parts = append(parts, strings.Join(p.Needs, ", "))
	}
	for _, c := range p.Choices {
		var ways []string
		for _, w := range c.Ways {
			ways = append(ways, strings.Join(w.Needs, " + "))
		}
		parts = append(parts, strings.Join(ways, " or "))
	}
	return strings.Join(parts, "; ")
}

func parameter(p client.Param) string {
	text := p.Name + ": " + p.Usage
	switch {
	case p.Default != "":
		text += "; " + p.Default + " where nobody says"
	case p.Required:
		text += "; it must be given"
	}
	return text
}

func limits(l client.Limits) string {
	text := fmt.Sprintf("rate %s, burst %d, %d at once", l.Rate, l.Burst, l.Concurrency)
	if l.Daily > 0 {
		text += fmt.Sprintf(", %d a day", l.Daily)
	}
	return text
}

// pace says how fast a provider is asked. A rate that was told is among its
// limits.
func pace(p client.Pace) string {
	var parts []string
	if p.Learnt && p.Rate != nil {
		if *p.Rate > 0 {
			parts = append(parts, fmt.Sprintf("%.3g a second, as learnt so far", *p.Rate))
		} else {
			parts = append(parts, "to be learnt: nothing was asked yet")
		}
	}
	if p.Limit != nil {
		parts = append(parts, fmt.Sprintf("the limit was measured at %.3g", *p.Limit))
	}
	if p.PausedUntil != nil {
		parts = append(parts, "paused until "+clock(*p.PausedUntil))
	}
	if p.Workers > 0 {
		parts = append(parts, fmt.Sprintf("%d in flight at %s", p.InFlight, workers(p.Workers)))
	}
	if p.DayEnds != nil {
		parts = append(parts, fmt.Sprintf("%d used of the day that ends %s", p.UsedToday, clock(*p.DayEnds)))
	}
	return strings.Join(parts, ", ")
}

func workers(n int) string {
	if n == 1 {
		return "one worker"
	}
	return fmt.Sprintf("%d workers", n)
}

func closed(g client.Gate) string {
	reason := strings.ReplaceAll(g.Reason, "_", " ")
	if g.Code != "" {
		reason += " (" + printable(g.Code) + ")"
	}
	text := fmt.Sprintf("%s since %s: %s, ", g.Scope, clock(g.Since), reason)
	switch {
	case g.Until == nil:
		return text + "until a person opens it"
	case g.Probe:
		return text + "next probe " + clock(*g.Until)
	}
	return text + "until " + clock(*g.Until)
}

func open(b client.Backlog) string {
	var parts []string
	part := func(n int, what string) {
		if n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, what))
		}
	}
	part(b.Queued, "queued")
	part(b.Sending, "sending")
	part(b.Waiting, "waiting")
	part(b.Tickets, "tickets")
	part(b.LateTickets, "tickets asked about late answers")
	return strings.Join(parts, ", ")
}

func readings(all []client.Reading) string {
	parts := make([]string, len(all))
	for i, r := range all {
		parts[i] = fmt.Sprintf("%s %d", strings.ReplaceAll(r.Name, "_", " "), r.Value)
		if r.Gauge {
			parts[i] += " at " + clock(r.At)
		}
	}
	return strings.Join(parts, ", ")
}

func balance(b client.Balance) string {
	text := printable(b.Name) + ": no limit"
	if b.Left != "" {
		text = printable(b.Name) + ": " + printable(strings.TrimSpace(b.Left+" "+b.Unit)) + " left"
	}
	if b.Until != nil {
		text += " until " + b.Until.Local().Format(time.DateTime)
	}
	return text
}

// The width of what people read, and of the names in it.
const (
	pageWidth = 80
	nameWidth = 14
)

// wrapped writes a name and text beside it, broken between words.
func wrapped(w io.Writer, name, text string) error {
	indent, line := "  "+name, ""
	for word := range strings.FieldsSeq(text) {
		if line != "" && nameWidth+len([]rune(line))+1+len([]rune(word)) > pageWidth {
			if _, err := fmt.Fprintf(w, "%-*s%s\n", nameWidth, indent, line); err != nil {
				return err
			}
			indent, line = "", ""
		}
		line = strings.TrimPrefix(line+" "+word, " ")
	}
	_, err := fmt.Fprintf(w, "%-*s%s\n", nameWidth, indent, line)
	return err
}

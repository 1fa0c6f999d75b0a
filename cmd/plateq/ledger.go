package main

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/plateq/plateq/client"
	"github.com/plateq/plateq/internal/app"
)

const ledgerLong = `Show every call that could cost: when, for which batch, how many questions it
carried, and how many of these are charged, free or unknown by the provider's
own rules. Amounts are what is expected; no provider tells.

With --by, sums; beside sums by provider stand the provider's own figures.
With --csv, all calls for accounting: docs/money.md says what the columns mean.`

// ledgerGroups are what sums can be over.
var ledgerGroups = []string{"batch", "day", "month", "provider", "currency"}

func (c *cli) ledgerCommand() *cobra.Command {
	var o client.LedgerOptions
	var by string
	var limit int
	var asCSV, balance bool
	cmd := &cobra.Command{
		Use:   "ledger",
		Short: "Show what every call cost",
		Long:  ledgerLong,
		Example: `  plateq ledger
  plateq ledger --by month
  plateq ledger --by provider --balance
  plateq ledger --from 2026-11-01 --to 2026-12-01 --csv > november.csv`,
		Args: wants(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx := cmd.Context()
			if err := checkLimit(limit); err != nil {
				return err
			}
			switch {
			case by != "" && !slices.Contains(ledgerGroups, by):
				return app.Usage(fmt.Errorf("--by %q: it must be one of %s", by, strings.Join(ledgerGroups, ", ")))
			case by != "" && asCSV:
				return app.Usage(errors.New("--csv writes calls, --by sums: give one of them"))
			case balance && by != "provider":
				return app.Usage(errors.New("--balance goes with --by provider"))
			}
			return c.withBooks(ctx, func(cl *client.Client) error {
				switch {
				case asCSV:
					return c.ledgerCSV(ctx, cl, o)
				case by != "":
					return c.ledgerTotals(ctx, cl, o, by, balance)
				}
				return c.ledger(ctx, cl, o, limit)
			})
		},
	}
	f := cmd.Flags()
	f.StringVar(&by, "by", "", "sums by batch, day, month, provider or currency")
	f.StringVar(&o.Batch, "batch", "", "only calls that a batch pays for")
	f.StringVarP(&o.Provider, "provider", "p", "", "only calls of a provider")
	f.StringVar(&o.From, "from", "", "from a day on (UTC), or a time")
	f.StringVar(&o.To, "to", "", "up to a day, which is left out")
	f.IntVar(&limit, "limit", 50, "at most so many calls; 0: all")
	f.BoolVar(&asCSV, "csv", false, "write all calls as CSV")
	f.BoolVar(&balance, "balance", false, "ask those that tell for credit and quotas")
	c.simulated(cmd, simulateUsage)
	return cmd
}

func (c *cli) ledger(ctx context.Context, cl *client.Client, o client.LedgerOptions, limit int) error {
	s := c.sheet("call", "CALL", "AT", "PROVIDER", "BATCH", "OUTCOME", "QUESTIONS", "CHARGED", "FREE", "UNKNOWN", "SPENT", "AT RISK")
	err := fill(s, cl.Ledger(ctx, o), limit, func(l client.Call) error {
		return s.add(l, l.Call, l.At.Local().Format(time.DateTime), l.Provider, l.Batch, strings.ReplaceAll(l.Outcome, "_", " "),
			l.Questions, l.Charged, l.Free, l.Unknown, money(l.Spent, l.Currency), money(l.AtRisk, l.Currency))
	})
	if err != nil {
		return err
	}
	if s.n == 0 {
		c.say("there is no call")
	}
	c.next("ledger --by provider")
	return nil
}

// money writes an amount in a table; "-": it is not known.
func money(amount, currency *string) string {
	if amount == nil || currency == nil {
		return "-"
	}
	return *amount + " " + *currency
}

func (c *cli) ledgerTotals(ctx context.Context, cl *client.Client, o client.LedgerOptions, by string, balance bool) error {
	totals, err := cl.LedgerTotals(ctx, o, by)
	if err != nil {
		return err
	}
	s := c.sheet("total", strings.ToUpper(by), "CALLS", "QUESTIONS", "CHARGED", "FREE", "OPEN", "SPENT", "AT RISK")
	for _, t := range totals {
		if err := s.add(t, t.Group, t.Calls, t.Questions, t.Charged, t.Free, t.Open, money(t.Spent, t.Currency), money(t.AtRisk, t.Currency)); err != nil {
			return err
		}
	}
	if err := s.end(); err != nil || !c.table() {
		return err
	}
	if by == "provider" {
		if err := c.ownFigures(ctx, cl, balance); err != nil {
			return err
		}
	}
	c.next("ledger --csv > ledger.csv")
	return nil
}

// ownFigures prints what the providers themselves say, beside our books.
func (c *cli) ownFigures(ctx context.Context, cl *client.Client, balance bool) error {
	all, err := cl.Providers(ctx, balance)
	if err != nil {
		return err
	}
	for _, p := range all {
		for _, line := range figures(p) {
			if _, err := fmt.Fprintf(c.out, "%s itself: %s\n", p.Name, line); err != nil {
				return fmt.Errorf("write figures: %w", err)
			}
		}
	}
	return nil
}

// figures are what a provider says of itself, a line each.
func figures(p client.Provider) []string {
	var lines []string
	if text := readings(p.Readings); text != "" {
		lines = append(lines, printable(text))
	}
	for _, b := range p.Balances {
		lines = append(lines, balance(b))
	}
	if p.BalanceError != nil {
		lines = append(lines, "its balance cannot be read: "+printable(*p.BalanceError))
	}
	return lines
}

// ledgerColumns are the columns of the export, a contract.
var ledgerColumns = []string{
	"call", "at", "settled_at", "provider", "tenant", "batch", "outcome", "questions", "charged", "free", "unknown", "under_way",
	"price", "currency", "expected", "spent", "at_risk", "class", "code",
}

// ledgerCSV writes all calls, newest first.
func (c *cli) ledgerCSV(ctx context.Context, cl *client.Client, o client.LedgerOptions) error {
	w := csv.NewWriter(c.out)
	if err := w.Write(ledgerColumns); err != nil {
		return fmt.Errorf("write ledger: %w", err)
	}
	for l, err := range cl.Ledger(ctx, o) {
		if err != nil {
			return err
		}
		if err := w.Write(record(l)); err != nil {
			return fmt.Errorf("write ledger: %w", err)
		}
	}
	w.Flush()
	if err := w.Error(); err != nil {
		return fmt.Errorf("write ledger: %w", err)
	}
	return nil
}

func record(l client.Call) []string {
	const utc = "2006-01-02T15:04:05.000Z"
	settled := ""
	if l.SettledAt != nil {
		settled = l.SettledAt.UTC().Format(utc)
	}
	some := func(s *string) string {
		if s == nil {
			return ""
		}
		return *s
	}
	return []string{
		strconv.FormatInt(l.Call, 10), l.At.UTC().Format(utc), settled, l.Provider, l.Tenant, l.Batch, l.Outcome,
		strconv.Itoa(l.Questions), strconv.Itoa(l.Charged), strconv.Itoa(l.Free), strconv.Itoa(l.Unknown), strconv.Itoa(l.UnderWay),
		some(l.Price), some(l.Currency), some(l.Expected), some(l.Spent), some(l.AtRisk), l.Class, l.Code,
	}
}

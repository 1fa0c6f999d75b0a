package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/plateq/plateq/client"
	"github.com/plateq/plateq/internal/app"
	"github.com/plateq/plateq/internal/config"
)

const budgetLong = `Show what may be spent, and what is spent, held and left of it. Held is what
calls under way, and unknown ones, may still cost.

A list that a budget has no room for is paused; nothing fails. It goes on by
itself once there is room: the budget is raised, its day or month (UTC) is over,
or what was held turns out to be free.

Budgets are set here, by --max-cost of a list, and by PLATEQ_BUDGET_DAY,
PLATEQ_BUDGET_MONTH and PLATEQ_NAME_BUDGET_DAY, over which the others win.`

const scopesHelp = `SCOPE is one of
  batch:BATCH              what one list may cost in all
  tenant:default:day       what all lists of a tenant may cost in a day, or :month
  provider:attestr:day     what a provider may cost in a day, or :month`

func (c *cli) budgetCommand() *cobra.Command {
	var o client.BudgetOptions
	cmd := &cobra.Command{
		Use:   "budget",
		Short: "Show and set what may be spent",
		Long:  budgetLong,
		Example: `  plateq budget
  plateq budget --batch b_…                      those that bound one list
  plateq budget set tenant:default:day 5000
  plateq budget --json | jq 'select(.left | tonumber < 100)'`,
		Args: wants(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.withBooks(cmd.Context(), func(cl *client.Client) error { return c.budgets(cmd.Context(), cl, o) })
		},
	}
	cmd.Flags().StringVar(&o.Batch, "batch", "", "only budgets that bound a batch")
	c.simulated(cmd, simulateUsage)
	cmd.AddCommand(c.budgetSetCommand(), c.budgetUnsetCommand())
	return cmd
}

func (c *cli) budgets(ctx context.Context, cl *client.Client, o client.BudgetOptions) error {
	all, err := cl.Budgets(ctx, o)
	if err != nil {
		return err
	}
	if err := c.printBudgets(all...); err != nil {
		return err
	}
	scope := "tenant:default:day"
	if len(all) == 0 {
		c.say("no budget bounds what is spent")
	} else {
		scope = all[0].Scope
	}
	c.next("budget set " + scope + " AMOUNT")
	return nil
}

func (c *cli) printBudgets(all ...client.Budget) error {
	s := c.sheet("budget", "BUDGET", "LIMIT", "SPENT", "HELD", "LEFT", "UNTIL", "SET BY")
	for _, b := range all {
		until, by := "-", "configuration"
		if b.Until != nil {
			until = clock(*b.Until)
		}
		if b.SetBy != nil {
			by = printable(*b.SetBy)
		}
		if err := s.add(b, b.Scope, inUnits(b.Amount, b.Currency), b.Spent, b.Held, b.Left, until, by); err != nil {
			return err
		}
	}
	return s.end()
}

// inUnits says in which currency an amount is, or that it counts questions.
func inUnits(amount string, currency *string) string {
	if currency == nil {
		return amount + " questions"
	}
	return amount + " " + *currency
}

func (c *cli) budgetSetCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "set SCOPE AMOUNT [CURRENCY]",
		Short: "Set what may be spent",
		Long: `Set a budget in place of the one that is there. Lists that it holds go on at once
if there is room for them now. Where no price is set, AMOUNT is a number of
questions.

` + scopesHelp,
		Example: `  plateq budget set tenant:default:day 5000
  plateq budget set provider:attestr:month 100000 INR
  plateq budget set batch:b_… 250.50`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 3 {
				return nil
			}
			return wants("SCOPE", "AMOUNT")(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if _, err := config.ParseAmount(args[1]); err != nil {
				return app.Usage(err)
			}
			currency := strings.Join(args[2:], "")
			return c.withBooks(cmd.Context(), func(cl *client.Client) error {
				got, err := cl.SetBudget(cmd.Context(), args[0], args[1], currency)
				if err != nil {
					return fmt.Errorf("set budget %s: %w", args[0], err)
				}
				return c.changedBudget(got)
			})
		},
	}
	c.simulated(cmd, simulateUsage)
	return cmd
}

func (c *cli) budgetUnsetCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "unset SCOPE",
		Short: "Take back a budget that was set",
		Long: `Take back a budget that was set. Where the settings have one for the same scope,
it counts again; otherwise nothing bounds it any more.

` + scopesHelp,
		Example: "  plateq budget unset tenant:default:day",
		Args:    wants("SCOPE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.withBooks(cmd.Context(), func(cl *client.Client) error {
				got, err := cl.UnsetBudget(cmd.Context(), args[0])
				if err != nil {
					return fmt.Errorf("unset budget %s: %w", args[0], err)
				}
				return c.changedBudget(got)
			})
		},
	}
	c.simulated(cmd, simulateUsage)
	return cmd
}

// changedBudget says what bounds a scope now, and which lists go on.
func (c *cli) changedBudget(got client.BudgetChange) error {
	var err error
	switch {
	case !c.table():
		err = json.NewEncoder(c.out).Encode(got)
	case got.Budget != nil:
		err = c.printBudgets(*got.Budget)
	}
	if err != nil {
		return fmt.Errorf("write budget: %w", err)
	}
	if got.Budget == nil {
		c.say("no budget of that scope is left")
	} else if left, _ := config.Amount(got.Budget.Left).Money(); left == 0 {
		c.say("nothing is left of it: lists that it bounds pause")
	}
	if len(got.Resumed) == 0 {
		c.next("budget")
		return nil
	}
	c.say("there is room again: batch %s goes on", strings.Join(got.Resumed, ", batch "))
	c.next("status " + got.Resumed[0])
	return nil
}

// roomFor says what a budget has left for a list.
func roomFor(b client.Budget, e client.Estimate) string {
	text := b.Scope + ": " + b.Left + " of " + inUnits(b.Amount, b.Currency) + " left"
	if b.Until != nil {
		text += " until " + clock(*b.Until)
	}
	cost := fmt.Sprint(e.Questions)
	if e.AtMost != nil {
		cost = *e.AtMost
	}
	switch {
	case (b.Currency == nil) != (e.Currency == nil) || b.Currency != nil && *b.Currency != *e.Currency:
		text += "; nothing is asked of " + e.Provider + " with it, whose price is not counted so"
	case config.Amount(b.Left).Exceeded(cost):
		text += "; the list pauses there"
	}
	return text
}

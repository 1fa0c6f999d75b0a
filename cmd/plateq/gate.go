package main

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/plateq/plateq/client"
)

func (c *cli) gateCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "gate",
		Short: "Open gates that hold calls back",
		Args:  wants(),
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(c.gateOpenCommand())
	return cmd
}

const gateOpenLong = `Open a gate that holds calls back, once its cause is gone: new credit, other
credentials. SCOPE is a provider, for all its gates, or one of them as plateq
providers names it. If the cause is still there, the next call closes it again.`

func (c *cli) gateOpenCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "open SCOPE",
		Short: "Open a gate, once its cause is gone",
		Long:  gateOpenLong,
		Example: `  plateq gate open attestr
  plateq gate open attestr/submit`,
		Args: wants("SCOPE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.withBooks(cmd.Context(), func(cl *client.Client) error {
				opened, err := cl.OpenGate(cmd.Context(), args[0])
				if err != nil {
					return fmt.Errorf("open gate %s: %w", args[0], err)
				}
				return c.gatesOpened(args[0], opened)
			})
		},
	}
	c.simulated(cmd, simulateUsage)
	return cmd
}

func (c *cli) gatesOpened(scope string, opened []string) error {
	if !c.table() {
		if err := json.NewEncoder(c.out).Encode(map[string][]string{"opened": opened}); err != nil {
			return fmt.Errorf("write gates: %w", err)
		}
	}
	for _, g := range opened {
		c.say("%s is open", g)
	}
	if len(opened) == 0 {
		c.say("no gate of %s was closed", scope)
	}
	c.next("providers")
	return nil
}

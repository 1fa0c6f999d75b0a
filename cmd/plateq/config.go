package main

import (
	"encoding/json"
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/plateq/plateq/internal/app"
)

func (c *cli) configCommand() *cobra.Command {
	var makeKeys bool
	cmd := &cobra.Command{
		Use:   "config",
		Short: "Show every variable with its value, secrets masked",
		Example: `  plateq config
  plateq config --json | jq -r '.[] | select(.set) | .name'
  plateq config --make-keys > keys.env      once, for processes that share a store`,
		Args: wants(),
		RunE: func(*cobra.Command, []string) error {
			if makeKeys {
				return c.makeKeys()
			}
			return c.showConfig()
		},
	}
	cmd.Flags().BoolVar(&makeKeys, "make-keys", false, "print new keys for a store that processes share, and show nothing else")
	return cmd
}

func (c *cli) makeKeys() error {
	if _, err := fmt.Fprint(c.out, app.NewKeys()); err != nil {
		return lost("keys", err)
	}
	c.say("keep these: without them the store cannot be read")
	return nil
}

func (c *cli) showConfig() error {
	if err := c.configure(); err != nil {
		return err
	}
	variables := c.config.Variables()
	if c.json {
		enc := json.NewEncoder(c.out)
		enc.SetIndent("", "  ")
		return enc.Encode(variables)
	}
	w := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "VARIABLE\tVALUE\tDEFAULT\tMEANING")
	for _, v := range variables {
		mark := ""
		if v.Set {
			mark = "*"
		}
		fmt.Fprintf(w, "%s%s\t%s\t%s\t%s\n", v.Name, mark, v.Value, v.Default, v.About)
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("write settings: %w", err)
	}
	c.say("* set in the environment")
	c.next("up")
	return nil
}

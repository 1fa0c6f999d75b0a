package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/plateq/plateq/client"
	"github.com/plateq/plateq/internal/app"
	"github.com/plateq/plateq/internal/intake"
)

// atOnce is how long a look-up waits for the answer before it follows the
// batch of its one row: as long as the server lets anybody wait.
const atOnce = 30 * time.Second

func (c *cli) lookupCommand() *cobra.Command {
	var o client.SubmitOptions
	var set []string
	cmd := &cobra.Command{
		Use:   "lookup PLATE -p PROVIDER",
		Short: "Look one plate up, and wait for the answer",
		Long: `Look one plate up through the server at PLATEQ_URL, before lists that wait, and
print its row as JSON. An answer that is known and fresh costs nothing.

Providers that answer later are waited for as long as it takes. Ctrl-C ends the
waiting, not the question: plateq results BATCH has the answer.`,
		Example: `  plateq lookup DL01AA1000 -p attestr
  plateq lookup A123BC77 -p spectrumdata --set inn=7707083893
  plateq lookup DL01AA1000 -p aopay --quiet | jq .result.amount`,
		Args: wants("PLATE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			var err error
			if o.Params, err = intake.ParseSet(set); err != nil {
				return app.Usage(err)
			}
			if o.Provider == "" {
				return app.Usage(fmt.Errorf("-p PROVIDER is missing: see %s --help", cmd.CommandPath()))
			}
			return c.lookUp(cmd.Context(), o, args[0])
		},
	}
	f := cmd.Flags()
	f.StringVarP(&o.Provider, "provider", "p", "", "who is asked, such as attestr")
	f.StringArrayVar(&set, "set", nil, "KEY=VALUE: a parameter of the provider, or something else that it needs of the vehicle")
	f.StringVar(&o.Purpose, "purpose", "", "what the answer is for")
	f.StringVar(&o.MaxCost, "max-cost", "", "ask only if it costs no more than this amount")
	f.BoolVar(&o.Fresh, "fresh", false, "ask also where the answer is known")
	return cmd
}

func (c *cli) lookUp(ctx context.Context, o client.SubmitOptions, plate string) error {
	if err := c.configure(); err != nil {
		return err
	}
	cl, err := c.server(ctx)
	if errors.Is(err, errNoServer) {
		return app.Usage(fmt.Errorf("%w: start one with plateq up", err))
	}
	if err != nil {
		return err
	}
	l, err := cl.LookUp(ctx, o, client.Item{"plate": plate}, atOnce)
	if err != nil {
		return fmt.Errorf("look up: %w", err)
	}
	if !l.Settled() {
		c.say("no answer yet: waiting for batch %s", l.Batch.ID)
		if l.Batch, err = c.wait(ctx, cl, l.Batch); err != nil {
			return err
		}
		if l.Row, err = onlyRow(ctx, cl, l.Batch.ID); err != nil {
			return err
		}
	}
	if err := c.printRow(l.Row); err != nil {
		return err
	}
	c.next("status " + l.Batch.ID)
	return verdict(l.Batch)
}

// onlyRow returns the row of a batch that has one.
func onlyRow(ctx context.Context, cl *client.Client, id string) (row client.Row, err error) {
	for row, err = range cl.Results(ctx, id, client.ResultsOptions{}) {
		return row, err
	}
	return row, fmt.Errorf("read batch %s: it has no row", id)
}

// printRow writes a row, over several lines where people read it.
func (c *cli) printRow(row client.Row) error {
	e := json.NewEncoder(c.out)
	e.SetEscapeHTML(false)
	if c.table() {
		e.SetIndent("", "  ")
	}
	if err := e.Encode(row); err != nil {
		return fmt.Errorf("write row: %w", err)
	}
	return nil
}

package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/plateq/plateq/client"
	"github.com/plateq/plateq/internal/app"
	"github.com/plateq/plateq/internal/export"
)

func (c *cli) resultsCommand() *cobra.Command {
	var o client.ResultsOptions
	var out, format, bad string
	var as export.Format
	var statuses []string
	cmd := c.about("results", "Write the rows of a batch, as far as they are known",
		`  plateq results b_… -o results.csv
  plateq results b_… --status failed,invalid,unknown
  plateq results b_… | jq -r 'select(.status == "found") | .result.contact'`,
		func(ctx context.Context, cl *client.Client, id string) error {
			for _, s := range statuses {
				o.Status = append(o.Status, client.Status(s))
			}
			if err := c.downloads(ctx, cl, id, out, bad, as, o); err != nil {
				return err
			}
			if out != "-" {
				c.say("results: %s", out)
			}
			c.next("status " + id)
			return nil
		})
	cmd.Use = "results BATCH [-o OUT]"
	cmd.PreRunE = func(*cobra.Command, []string) (err error) {
		if out == "" {
			out = "-"
		}
		if bad != "" && (out == "-" || len(statuses) > 0) {
			return app.Usage(errors.New("--errors goes with -o FILE, and without --status"))
		}
		if as, err = outFormat(out, format); err != nil {
			return err
		}
		if err := sameFormat(bad, as); err != nil {
			return err
		}
		return checkFiles("", nil, output{"-o", out}, output{"--errors", bad})
	}
	f := cmd.Flags()
	f.StringVarP(&out, "out", "o", "", "file to write, .csv, .xlsx, .json or .jsonl (default: JSON Lines on standard output)")
	f.StringVar(&format, "format", "", "csv, xlsx, json or jsonl, on standard output or of a file whose name does not tell")
	f.StringSliceVar(&statuses, "status", nil, "only rows of these statuses, such as failed,unknown")
	addOutFlags(cmd, &bad, &o.Plain)
	f.BoolVar(&o.Input, "input", false, "write the lines as they were given too")
	f.BoolVar(&o.Raw, "raw", false, "write answers as received too, where they were kept")
	return cmd
}

package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/plateq/plateq/client"
	"github.com/plateq/plateq/internal/export"
)

const diffLong = `Compare two lists of the same provider, such as a fleet this month and last:
what was added, what was removed, and of what the answer has changed, field by
field.

Rows are the same if the provider was asked the same about them: the canonical
plate or other subject, and the parameters. A row that has an answer in one of
the lists only is unclear, not changed.`

func (c *cli) diffCommand() *cobra.Command {
	var o client.ChangesOptions
	var out, format string
	cmd := &cobra.Command{
		Use:   "diff OLDER NEWER [-o OUT]",
		Short: "Say what changed from one batch to another",
		Long:  diffLong,
		Example: `  plateq diff b_… b_…
  plateq diff b_… b_… -o changes.xlsx
  plateq diff b_… b_… --ignore transaction_id | jq -r 'select(.change == "changed") | .plate'`,
		Args: wants("OLDER", "NEWER"),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Since = args[0]
			var as export.Format
			if out != "" || format != "" || !c.table() {
				if out == "" {
					out = "-"
				}
				var err error
				if as, err = outFormat(out, format); err != nil {
					return err
				}
			}
			if err := checkFiles("", nil, output{"-o", out}); err != nil {
				return err
			}
			return c.withBooks(cmd.Context(), func(cl *client.Client) error {
				err := c.diff(cmd.Context(), cl, args[1], o, out, as)
				if errors.Is(err, &client.Problem{Code: "no_such_batch"}) {
					return fmt.Errorf("diff %s %s: %w: see plateq list", args[0], args[1], err)
				}
				return err
			})
		},
	}
	f := cmd.Flags()
	f.StringVarP(&out, "out", "o", "", "file to write, .csv, .xlsx, .json or .jsonl (default: a table, or JSON Lines where programs read)")
	f.StringVar(&format, "format", "", "csv, xlsx, json or jsonl, on standard output or of a file whose name does not tell")
	f.StringSliceVar(&o.Ignore, "ignore", nil, "fields of the result that make no difference, with all inside of them")
	f.BoolVar(&o.Plain, "raw-cells", false, "leave cells of CSV as they are that a spreadsheet takes for formulas")
	c.simulated(cmd, simulateUsage)
	return cmd
}

// diff writes what changed to out or, where no format is given, as a table.
func (c *cli) diff(ctx context.Context, cl *client.Client, id string, o client.ChangesOptions, out string, as export.Format) error {
	write := func(w io.Writer) error {
		return asMedia(as, w, func(media client.Format, w io.Writer) error { return cl.Changes(ctx, id, o, media, w) })
	}
	var err error
	if as == "" {
		err = c.diffTable(ctx, cl, id, o)
	} else {
		err = export.ToFile(out, c.out, write)
	}
	if err != nil {
		return err
	}
	if c.quiet {
		return nil
	}
	n, err := cl.CountChanges(ctx, id, o)
	if err != nil {
		return err
	}
	c.say("%d added, %d removed, %d changed, %d unclear, %d the same%s", n.Added, n.Removed, n.Changed, n.Unclear, n.Same, fieldWords(n.Fields))
	if out != "" && out != "-" {
		c.say("changes: %s", out)
	}
	c.next("results " + id + " -o results.csv")
	return nil
}

// fieldWords says which fields changed how often, the most frequent first.
func fieldWords(fields map[string]int) string {
	names := slices.SortedFunc(maps.Keys(fields), func(a, b string) int {
		if d := fields[b] - fields[a]; d != 0 {
			return d
		}
		return strings.Compare(a, b)
	})
	var parts []string
	for _, name := range names {
		parts = append(parts, fmt.Sprintf("%s %d", printable(name), fields[name]))
	}
	if len(parts) == 0 {
		return ""
	}
	return " (" + strings.Join(parts, ", ") + ")"
}

// diffTable shows changes to people, a line for each field.
func (c *cli) diffTable(ctx context.Context, cl *client.Client, id string, o client.ChangesOptions) error {
	read, write := io.Pipe()
	go func() { write.CloseWithError(cl.Changes(ctx, id, o, client.NDJSON, write)) }()
	defer read.Close() //nolint:errcheck // a pipe in memory
	s := c.sheet("change", "CHANGE", "ROW", "PLATE OR VIN", "FIELD", "BEFORE", "AFTER")
	dec := json.NewDecoder(bufio.NewReader(read))
	for {
		var x client.Change
		if err := dec.Decode(&x); errors.Is(err, io.EOF) {
			return s.end()
		} else if err != nil {
			return fmt.Errorf("read changes: %w", err)
		}
		fields := x.Fields
		if len(fields) == 0 {
			fields = []client.ChangedField{{}}
		}
		for _, f := range fields {
			if err := s.add(x, x.Change, rowOf(x), aboutOf(x), printable(f.Field), shortJSON(f.Before), shortJSON(f.After)); err != nil {
				return err
			}
		}
	}
}

// rowOf names the row in the newer list or, in brackets, in the older one.
func rowOf(x client.Change) string {
	switch {
	case x.Row != nil:
		return strconv.Itoa(*x.Row)
	case x.BeforeRow != nil:
		return "(" + strconv.Itoa(*x.BeforeRow) + ")"
	}
	return ""
}

func aboutOf(x client.Change) string {
	for _, s := range []*string{x.Plate, x.VIN, x.ID} {
		if s != nil {
			return printable(*s)
		}
	}
	return ""
}

// shortJSON writes a value for a cell of a table that people see.
func shortJSON(v json.RawMessage) string {
	const most = 40
	if string(v) == "null" {
		return ""
	}
	var s string
	if json.Unmarshal(v, &s) != nil {
		s = string(v)
	}
	if r := []rune(s); len(r) > most {
		s = string(r[:most]) + "…"
	}
	return printable(s)
}

package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/plateq/plateq/client"
	"github.com/plateq/plateq/internal/app"
	"github.com/plateq/plateq/internal/config"
	"github.com/plateq/plateq/internal/export"
	"github.com/plateq/plateq/internal/intake"
)

// listFlags are what run and submit are told about a list.
type listFlags struct {
	provider string
	out      string
	errors   string
	problems string
	rawCells bool
	format   string
	encoding string
	sheet    string
	columns  []string
	set      []string
	name     string
	purpose  string
	weight   float64
	maxCost  string
	keep     string
	limit    int
	fresh    bool
	input    bool
}

// addReading adds what decides on how a list is read, and what is asked.
func (l *listFlags) addReading(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVarP(&l.provider, "provider", "p", "", "who is asked, such as attestr")
	f.StringVar(&l.format, "format", "", "csv, xlsx, json or jsonl, of a pipe or a file whose name does not tell")
	f.StringVar(&l.encoding, "encoding", "", "of a list that is not UTF-8: windows-1251, koi8-r, cp866, windows-1252, utf-16le, utf-16be")
	f.StringVar(&l.sheet, "sheet", "", "sheet of a spreadsheet, where several hold something")
	f.StringArrayVar(&l.columns, "column", nil, "column that holds the plates, or vin=NAME and the like (default: found by header)")
	f.StringArrayVar(&l.set, "set", nil, "KEY=VALUE: a parameter of the provider, or a column for every row")
	f.IntVar(&l.limit, "limit", 0, "only the first N rows, as a rehearsal")
	f.BoolVar(&l.fresh, "fresh", false, "ignore known answers")
	f.StringVar(&l.problems, "problems", "", "file for every row that is invalid or odd, with its column and reason, written before anybody is asked")
}

func (l *listFlags) add(cmd *cobra.Command) {
	l.addReading(cmd)
	f := cmd.Flags()
	f.StringVarP(&l.out, "out", "o", "", "file for the results, .csv, .xlsx, .json or .jsonl; - for standard output")
	f.StringVar(&l.name, "name", "", "what the batch is called (default: the name of the file)")
	f.StringVar(&l.purpose, "purpose", "", "what the answers are for")
	f.Float64Var(&l.weight, "weight", 0, fmt.Sprintf("share of the pace among batches, at most %d (default 1)", client.MaxWeight))
	f.StringVar(&l.maxCost, "max-cost", "", "pause the list before it costs more than this amount, and do not ask whether it may cost so much")
	f.StringVar(&l.keep, "retention", "", "how long rows are kept after the end of the list, such as 30d or 12h (default: as PLATEQ_RETENTION says)")
	f.BoolVar(&l.input, "input", false, "write the lines as they were given too")
	addOutFlags(cmd, &l.errors, &l.rawCells)
}

// addOutFlags adds what can be said of files of results.
func addOutFlags(cmd *cobra.Command, errors *string, rawCells *bool) {
	f := cmd.Flags()
	f.StringVar(errors, "errors", "", "file for the rows without an answer, which -o then leaves out")
	f.BoolVar(rawCells, "raw-cells", false, "leave cells of CSV as they are that a spreadsheet takes for formulas")
}

// check finds the faults that need nobody else. The provider is not among
// them: who there is, is known to those who ask.
func (l *listFlags) check(cmd *cobra.Command, purposes []string) error {
	switch {
	case l.provider == "":
		return app.Usage(fmt.Errorf("-p PROVIDER is missing: see %s --help", cmd.CommandPath()))
	case l.errors != "" && (l.out == "" || l.out == "-"):
		return app.Usage(errors.New("--errors goes with -o FILE: say where the other rows go"))
	case cmd.Flags().Changed("weight") && !(l.weight > 0 && l.weight <= client.MaxWeight):
		return app.Usage(fmt.Errorf("--weight %g: it must be more than 0 and at most %d", l.weight, client.MaxWeight))
	case len(purposes) > 0 && !slices.Contains(purposes, l.purpose):
		return app.Usage(fmt.Errorf("--purpose %q: it must be one of %s (PLATEQ_PURPOSES)", l.purpose, strings.Join(purposes, ", ")))
	}
	if err := checkLimit(l.limit); err != nil {
		return err
	}
	if cmd.Flags().Changed("limit") && l.limit == 0 {
		return app.Usage(fmt.Errorf("--limit 0: an empty list is nothing to look up"))
	}
	if cmd.Flags().Changed("retention") {
		if _, err := config.ParseRetention(l.keep); err != nil {
			return app.Usage(fmt.Errorf("--retention %q: it %w", l.keep, err))
		}
	}
	if cmd.Flags().Changed("max-cost") {
		if _, err := config.ParseAmount(l.maxCost); err != nil {
			return app.Usage(fmt.Errorf("--max-cost: %w", err))
		}
	}
	return nil
}

// checkLimit refuses a --limit below 0.
func checkLimit(n int) error {
	if n < 0 {
		return app.Usage(fmt.Errorf("--limit %d: it cannot be negative", n))
	}
	return nil
}

// intake returns how the list at path is to be read.
func (l *listFlags) intake(path string) (o intake.Options, err error) {
	o.Name = path
	if path == "-" {
		o.Name = "standard input"
	}
	if o.Format, err = intake.FormatOf(path, ""); l.format != "" && (err != nil || o.Format == intake.Auto) {
		o.Format, err = intake.FormatOf(path, l.format)
	}
	if err == nil {
		o.Columns, err = intake.ParseColumns(l.columns)
	}
	if err == nil {
		o.Set, err = intake.ParseSet(l.set)
	}
	if err == nil {
		o.Encoding, err = intake.ParseEncoding(l.encoding)
	}
	o.Sheet = l.sheet
	if err != nil {
		return o, app.Usage(err)
	}
	return o, nil
}

// export returns where the results go and how they are written.
func (l *listFlags) export() (string, export.Format, error) {
	if l.out == "" {
		return "-", export.JSONL, nil
	}
	format, err := outFormat(l.out, l.format)
	return l.out, format, err
}

// outputs is export, once it is certain that the files can be written and that
// none of them replaces another, or the list, which "-" has come on stdin.
func (l *listFlags) outputs(list string, stdin *os.File) (string, export.Format, error) {
	path, format, err := l.export()
	if err == nil {
		err = sameFormat(l.errors, format)
	}
	if err == nil {
		err = checkFiles(list, stdin, output{"-o", l.out}, output{"--errors", l.errors}, output{"--problems", l.problems})
	}
	return path, format, err
}

// outFormat returns the format of a file by its name or, where that does not
// tell, the one that was named.
func outFormat(path, named string) (export.Format, error) {
	format, err := export.FormatOf(path, "")
	if named != "" && (path == "-" || err != nil) {
		format, err = export.FormatOf(path, named)
	}
	if err != nil {
		return "", app.Usage(fmt.Errorf("write %s: %w", path, err))
	}
	return format, nil
}

// sameFormat demands that the file of the rows without an answer is written
// like the other one, if there is one.
func sameFormat(path string, format export.Format) error {
	if path == "" {
		return nil
	}
	got, err := export.FormatOf(path, "")
	if err == nil && got != format {
		err = fmt.Errorf("write %s: it must be of the same format as -o (%s)", path, format)
	}
	if err != nil {
		return app.Usage(err)
	}
	return nil
}

// openList opens a list that is to be read.
func openList(path string, stdin *os.File) (*os.File, error) {
	if path == "-" {
		return stdin, nil
	}
	f, err := os.Open(path) //nolint:gosec // the caller's own file
	if err != nil {
		return nil, app.Usage(fmt.Errorf("read list: %w", err))
	}
	if info, err := f.Stat(); err == nil && info.IsDir() {
		_ = f.Close()
		return nil, app.Usage(fmt.Errorf("read list: %s is a directory", path))
	}
	return f, nil
}

package main

import (
	"encoding/json"
	"fmt"
	"iter"
	"strings"
	"text/tabwriter"
)

// sheet writes what a command lists: a table for people, JSON Lines for
// programs.
type sheet struct {
	what  string            // what a line of it is, for errors
	table *tabwriter.Writer // nil: programs read it
	lines *json.Encoder
	n     int // lines so far
}

// sheet begins a list. Only people see its columns.
func (c *cli) sheet(what string, columns ...string) *sheet {
	s := &sheet{what: what, lines: json.NewEncoder(c.out)}
	if c.table() {
		s.table = tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
		fmt.Fprintln(s.table, strings.Join(columns, "\t"))
	}
	return s
}

// add writes v, of which people see the cells.
func (s *sheet) add(v any, cells ...any) error {
	s.n++
	if s.table == nil {
		return s.failed(s.lines.Encode(v))
	}
	for i, cell := range cells {
		if i > 0 {
			fmt.Fprint(s.table, "\t")
		}
		fmt.Fprint(s.table, cell)
	}
	fmt.Fprintln(s.table)
	return nil
}

// fill writes up to limit things, of which add writes one, or all if that is
// 0, and ends the sheet.
func fill[T any](s *sheet, all iter.Seq2[T, error], limit int, add func(T) error) error {
	for one, err := range all {
		if err != nil {
			return err
		}
		if err := add(one); err != nil {
			return err
		}
		if s.n == limit {
			break
		}
	}
	return s.end()
}

// end writes out what a table holds back to find out how wide it is.
func (s *sheet) end() error {
	if s.table == nil {
		return nil
	}
	return s.failed(s.table.Flush())
}

func (s *sheet) failed(err error) error {
	if err != nil {
		return fmt.Errorf("write %s: %w", s.what, err)
	}
	return nil
}

package export

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/plateq/plateq/store"
)

// Format is how rows are written.
type Format string

// The formats that are written.
const (
	CSV   Format = "csv"
	JSONL Format = "jsonl"
	JSON  Format = "json" // one array
	XLSX  Format = "xlsx"
)

// formats lists what can be written, by name and by the endings of file names.
var formats = []struct {
	format  Format
	endings []string
	open    func(io.Writer, store.Batch, Options) (Writer, error)
}{
	{CSV, []string{".csv"}, newCSV},
	{JSONL, []string{".jsonl", ".ndjson"}, newJSONL},
	{JSON, []string{".json"}, newArray},
	{XLSX, []string{".xlsx"}, newXLSX},
}

// FormatError says that rows are not written in a format.
type FormatError struct {
	What  string // the name of the format, or the ending of the file
	Known []string
}

// Error names the formats that there are.
func (e *FormatError) Error() string {
	what := "to a file without an ending"
	if e.What != "" {
		what = "as " + e.What
	}
	return fmt.Sprintf("rows are not written %s: give one of %s, or name the format with --format", what, strings.Join(e.Known, ", "))
}

// FormatOf returns the format of a file: the one that is named, else the one
// that the ending of path tells, JSON Lines for "" and "-". The error is a
// *FormatError.
func FormatOf(path, name string) (Format, error) {
	name = strings.ToLower(name)
	ending := strings.ToLower(filepath.Ext(path))
	if name == "" && isStdout(path) {
		return JSONL, nil
	}
	e := &FormatError{What: name}
	if name == "" {
		e.What = ending
	}
	for _, f := range formats {
		if name == string(f.format) {
			return f.format, nil
		}
		for _, known := range f.endings {
			if name == "" && known == ending {
				return f.format, nil
			}
		}
		e.Known = append(e.Known, string(f.format))
	}
	return "", e
}

// Options say how rows are written.
type Options struct {
	Format Format // empty: JSON Lines
	Extras
	// Results are the fields of a result, which become the columns of a table
	// in this order; "owner.name" is a field inside of one. Other fields are
	// left out of tables, JSON Lines has them all. Without Results a table has
	// one column "result" with the JSON.
	Results []string
	// Plain leaves cells of CSV as they are that a spreadsheet would take for
	// formulas. Otherwise they get a ' in front. For machines.
	Plain bool
}

// Writer writes rows of one batch. It is for one goroutine.
type Writer interface {
	Write(r store.Row) error
	// Close writes what is still held back. It leaves the stream open that
	// the Writer writes to.
	Close() error
}

// New returns a Writer of rows of b to w.
func New(w io.Writer, b store.Batch, o Options) (Writer, error) {
	if o.Format == "" {
		o.Format = JSONL
	}
	var known []string
	for _, f := range formats {
		if f.format == o.Format {
			return f.open(w, b, o)
		}
		known = append(known, string(f.format))
	}
	return nil, &FormatError{What: string(o.Format), Known: known}
}

// Stream writes the rows of b that f chooses to w and returns how many.
func Stream(ctx context.Context, w io.Writer, st store.Reader, b store.Batch, f store.RowFilter, o Options) (int, error) {
	out, err := New(w, b, o)
	if err != nil {
		return 0, err
	}
	n := 0
	err = st.Rows(ctx, b.No, f, func(r store.Row) error {
		if err := out.Write(r); err != nil {
			return err
		}
		n++
		return nil
	})
	if err != nil {
		return n, err
	}
	return n, out.Close()
}

const bufferSize = 64 << 10

type jsonlWriter struct {
	w      *bufio.Writer
	batch  store.Batch
	extras Extras
	line   []byte
}

func newJSONL(w io.Writer, b store.Batch, o Options) (Writer, error) {
	return &jsonlWriter{w: bufio.NewWriterSize(w, bufferSize), batch: b, extras: o.Extras}, nil
}

// Write is Writer.Write.
func (j *jsonlWriter) Write(r store.Row) error {
	j.line = append(FromStore(j.batch, r, j.extras).AppendJSON(j.line[:0]), '\n')
	if _, err := j.w.Write(j.line); err != nil {
		return fmt.Errorf("write row %d: %w", r.Number, err)
	}
	return nil
}

// Close is Writer.Close.
func (j *jsonlWriter) Close() error {
	if err := j.w.Flush(); err != nil {
		return fmt.Errorf("write rows: %w", err)
	}
	return nil
}

package intake

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"maps"
	"slices"
	"strconv"

	"github.com/plateq/plateq/providers"
)

// Options say how a list is to be read. The zero value, with a Spec, finds out
// the format by the first bytes and the columns by their names.
type Options struct {
	// Name is what the list is called in errors: the name of its file.
	Name string
	// Format of the list; Auto tells by its first bytes.
	Format Format
	// Encoding of its letters; "" is UTF-8, or UTF-16 that is marked as such.
	Encoding Encoding
	// Sheet of a spreadsheet; "" is the one that is not empty.
	Sheet string
	// Spec of the provider that is to be asked: its Needs, Uses and Params.
	Spec providers.Spec
	// Columns name the column of the list that holds something, where its own
	// name does not tell. Keys are providers.Columns, CallerID and the names
	// of the provider's parameters. See ParseColumns.
	Columns map[providers.Column]string
	// Set are values for all rows, by the name of a parameter of the provider
	// or of a column. What a row says itself wins. See ParseSet.
	Set map[string]string
	// Limit ends the list after so many rows; 0: it does not.
	Limit int
	// Items says that the rows are items of a request: one that lacks what the
	// provider needs is invalid, and so are all where none has it. Of any other
	// list it is taken for a mistake.
	Items bool
}

// Reader reads the rows of one list. It is for one goroutine.
type Reader struct {
	name   string
	shape  Shape
	src    source
	layout *layout
	build  *builder
	sum    hash.Hash
	spec   providers.Spec
	limit  int
	rows   int
	first  *Row  // read to see that there is one
	err    error // that ended the list

	warnings Reasons // what is odd about rows; nil: nobody asks
}

// Open reads the header of the list in r, and its first row. An error is an
// *InputError (with ErrEmptyList where there is no row) unless r itself failed.
// The Reader reads from r with a buffer of its own and does not close it.
func Open(r io.Reader, o Options) (*Reader, error) {
	shape, src, err := openText(r, o)
	if err != nil {
		return nil, inFile(o.Name, err)
	}
	return open(shape, src, o)
}

// openText peels off what a list is wrapped in and finds out its format.
func openText(r io.Reader, o Options) (Shape, source, error) {
	var shape Shape
	inner, packing, err := unpack(bufio.NewReader(r))
	if err != nil {
		return shape, nil, err
	}
	shape.Packing = packing
	raw := bufio.NewReader(inner)
	if isZIP(raw) {
		shape.Format = XLSX
		src, sheet, err := openXLSX(raw, o)
		shape.Sheet = sheet
		return shape, src, err
	}
	if o.Format == XLSX {
		return shape, nil, &InputError{Code: CodeUnknownFormat, Reason: "it is no XLSX file", Hint: "name the format that it has with --format"}
	}
	text, encoding, err := decode(raw, o.Encoding)
	if err != nil {
		return shape, nil, err
	}
	shape.Encoding = encoding
	l, head, err := newLines(text)
	if err != nil {
		return shape, nil, err
	}
	format, bad := sniff(head, o.Format)
	if bad != nil {
		return shape, nil, bad
	}
	shape.Format = format
	src, err := openSource(format, l, o)
	if c, ok := src.(*csvSource); ok && err == nil {
		shape.Format, shape.Separator = CSV, string(c.sep)
	}
	return shape, src, err
}

// Shape is how a list turned out to be written.
type Shape struct {
	Format    Format
	Packing   string   // gzip, zstd, or none
	Encoding  Encoding // of text
	Separator string   // of CSV
	Sheet     string   // of a spreadsheet
}

// String says it in words.
func (s Shape) String() string {
	words := map[Format]string{CSV: "CSV", JSONL: "JSON Lines", JSON: "a JSON array", XLSX: "XLSX"}[s.Format]
	switch s.Separator {
	case "":
	case "\t":
		words += " separated by tabs"
	default:
		words += " separated by \"" + s.Separator + `"`
	}
	if s.Sheet != "" {
		words += fmt.Sprintf(", sheet %q", s.Sheet)
	}
	if s.Encoding != "" {
		words += ", in " + string(s.Encoding)
	}
	if s.Packing != "" {
		words += ", packed by " + s.Packing
	}
	return words
}

// OpenItems is Open for rows that are JSON values already, in the body of a
// request. Lines in errors count the items.
func OpenItems(items []json.RawMessage, o Options) (*Reader, error) {
	n := 0
	src, err := openJSONL(func() ([]byte, int, error) {
		if n == len(items) {
			return nil, n, io.EOF
		}
		n++
		if len(items[n-1]) > MaxLine {
			return nil, n, tooLong(n)
		}
		return items[n-1], n, nil
	})
	if err != nil {
		return nil, inFile(o.Name, err)
	}
	return open(Shape{Format: JSONL}, src, o)
}

// openSource is the list of formats.
func openSource(f Format, l *lines, o Options) (source, error) {
	switch f {
	case JSONL:
		return openJSONL(func() ([]byte, int, error) {
			line, err := l.next()
			return line, l.n, err
		})
	case JSON:
		return openJSON(l)
	case CSV, Auto: // of an empty list nothing can be told
		return openCSV(l, func(name string) bool {
			return columnNamed(name) != "" || slices.Contains(slices.Collect(maps.Values(o.Columns)), name)
		})
	default:
		return nil, &InputError{Code: CodeUnknownFormat, Reason: fmt.Sprintf("there is no format %q", string(f))}
	}
}

func open(shape Shape, src source, o Options) (*Reader, error) {
	names := src.columns()
	objects, perRow := src.(*jsonlSource)
	if len(names) == 0 && (!perRow || !o.Items) { // objects without a member are items too
		return nil, inFile(o.Name, &InputError{Code: CodeEmptyList, Reason: ErrEmptyList.Error(), Err: ErrEmptyList})
	}
	l, err := newLayout(names, o, perRow)
	if err == nil {
		err = l.fitParams()
	}
	if err != nil {
		return nil, inFile(o.Name, err)
	}
	if perRow {
		objects.means = l.means
	}
	r := &Reader{name: o.Name, shape: shape, src: src, layout: l, build: newBuilder(o.Spec, l), spec: o.Spec, limit: o.Limit}
	r.sum = l.fingerprint()
	row, err := r.read()
	if errors.Is(err, io.EOF) {
		err = &InputError{Code: CodeEmptyList, Reason: ErrEmptyList.Error(), Err: ErrEmptyList}
	}
	if err != nil {
		return nil, inFile(o.Name, err)
	}
	r.first = &row
	return r, nil
}

// inFile gives an *InputError the name of the list.
func inFile(name string, err error) error {
	if e, ok := errors.AsType[*InputError](err); ok && e.File == "" {
		e.File = name
	}
	return err
}

// Next returns the next row, io.EOF behind the last one, or why the list
// cannot be read further. It looks at ctx before it reads; a read that has
// begun it does not interrupt.
func (r *Reader) Next(ctx context.Context) (Row, error) {
	if err := ctx.Err(); err != nil {
		return Row{}, context.Cause(ctx)
	}
	if r.first != nil {
		row := *r.first
		r.first = nil
		return row, nil
	}
	return r.read()
}

func (r *Reader) read() (Row, error) {
	if r.err != nil {
		return Row{}, r.err
	}
	if r.limit > 0 && r.rows == r.limit {
		r.err = io.EOF
		return Row{}, r.err
	}
	var rec record
	if err := r.src.next(&rec); err != nil {
		r.err = inFile(r.name, err)
		return Row{}, r.err
	}
	r.rows++
	r.sum.Write(rec.raw)
	r.sum.Write([]byte{'\n'})
	return r.build.build(&rec), nil
}

// Shape returns how the list is written.
func (r *Reader) Shape() Shape { return r.shape }

// Columns returns the names of the caller's columns, as NewRow.Line has them:
// those of the list in its order, then those that were set for all rows.
func (r *Reader) Columns() []string { return slices.Clone(r.layout.names) }

// Found returns the name of the column in which each thing was found: of
// objects, the first one.
func (r *Reader) Found() map[providers.Column]string {
	m := make(map[providers.Column]string, len(r.layout.at))
	for c, i := range r.layout.at {
		m[c] = r.layout.names[i]
	}
	return m
}

// Params returns the parameters of the batch: those of Options.Set that are
// parameters of the provider.
func (r *Reader) Params() providers.Params { return maps.Clone(r.layout.batch) }

// Sum returns the fingerprint of what was read so far: the rows, byte for
// byte but for the ends of lines, and how columns were found in them. Behind
// the last row two lists have the same exactly if they are the same work.
// It tells nothing of the list to those who do not have it only if it is
// keyed: plates can be guessed.
func (r *Reader) Sum() [sha256.Size]byte {
	return [sha256.Size]byte(r.sum.Sum(nil))
}

// fingerprint returns a hash that knows where everything stands.
func (l *layout) fingerprint() hash.Hash {
	h := sha256.New()
	part := func(s string) { h.Write([]byte(strconv.Itoa(len(s)) + ":" + s)) }
	for _, name := range l.names {
		part(name)
	}
	for _, c := range slices.Sorted(maps.Keys(l.at)) {
		part(fmt.Sprintf("%s@%d", c, l.at[c]))
	}
	for _, k := range slices.Sorted(maps.Keys(l.given)) {
		part(k)
		part(l.given[k])
	}
	return h
}

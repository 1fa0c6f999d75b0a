package intake

import (
	"errors"
	"fmt"
	"strings"
)

// ErrEmptyList says that there is no row in a list. It comes wrapped in an
// *InputError.
var ErrEmptyList = errors.New("there is no row in it")

// Code says what is wrong with a list. Codes are stable.
type Code string

// What a list is refused for.
const (
	CodeEmptyList       Code = "empty_list"
	CodeEncoding        Code = "encoding"         // not UTF-8, nor what was named
	CodePacked          Code = "packed"           // compressed, and not to be unpacked
	CodeSheet           Code = "sheet"            // a spreadsheet of which nobody can say which sheet is meant
	CodeUnknownFormat   Code = "unknown_format"   // a name or a content that is not read
	CodeLineTooLong     Code = "line_too_long"    // more than MaxLine bytes
	CodeQuotes          Code = "quotes"           // CSV whose quotes cannot be followed
	CodeJSON            Code = "json"             // an array whose end nobody can tell
	CodeMissingColumn   Code = "missing_column"   // what the provider needs is nowhere
	CodeRepeatedColumn  Code = "repeated_column"  // two columns for one thing
	CodeUnknownColumn   Code = "unknown_column"   // named by the caller, not in the list
	CodeMissingParam    Code = "missing_param"    // a parameter that the provider needs
	CodeUnknownSubject  Code = "unknown_subject"  // a column name that means nothing here
	CodeMalformedOption Code = "malformed_option" // not KEY=VALUE, or a value that cannot be sent
)

// InputError says why a list is refused as a whole. Its text is one line: what
// is wrong, where, and what to do.
type InputError struct {
	Code   Code
	File   string // as the caller named it; may be empty
	Line   int    // from 1; 0: it is about the list as a whole
	Column string // the column it is about; may be empty
	Reason string // what is wrong, without a value of any row
	Hint   string // what to do about it, in the words of the command line; may be empty
	Err    error  // the cause; may be nil
}

// Error returns "read fleet.csv: line 3: REASON; HINT".
func (e *InputError) Error() string {
	var b strings.Builder
	b.WriteString("read ")
	if e.File == "" {
		b.WriteString("list")
	} else {
		b.WriteString(e.File)
	}
	if e.Line > 0 {
		fmt.Fprintf(&b, ": line %d", e.Line)
	}
	b.WriteString(": " + e.Reason)
	if e.Hint != "" {
		b.WriteString("; " + e.Hint)
	}
	return b.String()
}

// Unwrap returns the cause.
func (e *InputError) Unwrap() error { return e.Err }

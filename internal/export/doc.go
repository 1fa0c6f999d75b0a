// Package export turns rows of a batch into files and streams, in the shape
// that everyone who reads results relies on.
//
// # Shape
//
// A Row has the same names in every format. JSON Lines holds one object on
// each line. CSV holds the same flattened: "result." before a field of the
// result, "error." before a field of the error, and behind them the columns
// of the customer's own list.
//
// # Promise
//
// Rows come out in the order in which they went in, each exactly once. A file
// is whole or not there (ToFile). Memory does not grow with the rows.
package export

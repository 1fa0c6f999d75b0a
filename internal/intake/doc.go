// Package intake turns files and streams into rows of a batch: it finds out
// what a list is written in, finds the columns, writes plates in their one
// form and says of each row whether it can be asked.
//
// # What refuses a list and what refuses a row
//
// A list is refused, with an *InputError, where nobody can say any more what
// its rows are: another encoding, quotes that do not close, a line without
// end, no column with what the provider needs. Everything else is the fault
// of one row. Such a row is kept as invalid with its reason, is never sent
// and costs nothing.
//
// # Memory
//
// A list is read as a stream; a Reader holds one line of at most MaxLine
// bytes (and of JSON Lines a sample of 1 MB), whatever the length of the list.
//
// # Personal data
//
// Texts of errors never hold a value of a row. They may hold names of columns.
package intake

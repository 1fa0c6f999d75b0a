// Package store owns the truth: which rows were accepted, what was asked, by
// which call, and what came back. Redis only says where to look.
//
// # Model
//
// A Batch is a list of rows for one provider. A row wants one ask; rows with
// the same question share it, inside a list and across lists. Asks are
// claimed by calls, in chunks: runs of asks of the batch that first wanted
// them. Rows and asks are written once and answers appended; what changes is
// small: the marks of a chunk, a call, a ticket, a gate, the tallies.
//
// An ask is named by its home batch and its place in it (AskID), a chunk by
// its first ask, so that no table is needed to find one from the other.
//
// # Claim and settle
//
// Claim records a call and takes its asks in one transaction; only when it has
// returned may the first byte leave. Settle writes outcomes of asks that still
// belong to the call and refuses the rest, so that an answer which comes late,
// twice or from a worker long given up changes nothing that is settled.
//
// # Personal data
//
// Subjects, the customer's lines, answers and tickets are sealed before they
// are written (Sealer), with the column and the id they belong to as
// associated data; equality is by keyed hash.
//
// # Time
//
// Times are UTC, whole milliseconds.
package store

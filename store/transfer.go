package store

import (
	"fmt"
	"iter"
	"strings"
	"time"
)

// Dump is all that a store holds, read from one snapshot for another kind of
// store. What is sealed stays sealed and every record keeps its numbers, as a
// sealed value can be opened under its own number only. Workers are left out:
// those of the old store are dead to the new one.
type Dump interface {
	// Facts returns what the store keeps about itself.
	Facts() Facts
	// Count returns how many records a table has.
	Count(t Table) (int64, error)
	// Last returns the highest number that a numbered table ever gave out.
	Last(t Table) (int64, error)
	// Records reads a table in the order of its key. A record is valid until
	// the next one is asked for.
	Records(t Table) iter.Seq2[[]any, error]
}

// Table is one kind of record in a Dump.
type Table struct {
	Name    string
	Columns []Column
	// Key is how many of the first columns tell records apart.
	Key int
	// Numbered: the first column is given out by the table and never again.
	Numbered bool
}

// Column is one value of a record: nil, or of the type that its Kind says.
type Column struct {
	Name string
	Kind Kind
}

// Kind is the type of a value in a record.
type Kind int

// The kinds of values. Times are whole milliseconds since 1970, 0: none.
const (
	Integer  Kind = iota // int64
	Truth                // bool
	Fraction             // float64
	Text                 // string
	Bytes                // []byte
)

// Tables returns the tables of a Dump in the order in which they are moved.
func Tables() []Table {
	return []Table{
		{Name: "batches", Key: 1, Numbered: true, Columns: join(
			integers("no"), texts("id tenant provider state reason"), fractions("weight"), truths("keep_raw fresh"),
			integers("fresh_ms none_ms"), truths("resend"), integers("rows asks"), blobs("identity"),
			integers("created_at done_at"), blobs("meta"), integers("known joined doubles renewals"), texts("held_by"), integers("callback"),
			integers("keep_ms ended_at expired_at gone"), texts("traceparent"))},
		{Name: "cuts", Key: 1, Columns: integers("batch cut")},
		{Name: "tallies", Key: 2, Columns: integers("batch state n")},
		{Name: "rows", Key: 1, Columns: join(integers("id ask"), truths("cached"), blobs("line"))},
		{Name: "asks", Key: 1, Columns: join(integers("id prev"), blobs("question"), truths("found_before"), integers("resends prior"), texts("service"))},
		{Name: "ask_keys", Key: 1, Columns: join(blobs("key"), integers("ask"))},
		{Name: "wants", Key: 2, Columns: join(integers("ask batch rows"), truths("has_left"))},
		{Name: "batch_homes", Key: 2, Columns: integers("batch home")},
		{Name: "chunks", Key: 1, Columns: join(integers("id n queued open claims part retry_at fresh"), blobs("marks"))},
		{Name: "calls", Key: 1, Numbered: true, Columns: join(
			integers("id chunk"), texts("provider scope owner"), integers("state n unknown requests"), blobs("open"),
			integers("sent_at expires_at settled_at"), texts("class code"), blobs("note"), integers("resent_at"),
			integers("payer price"), texts("currency"), integers("charged free"))},
		{Name: "costs", Key: 2, Columns: join(integers("batch"), texts("currency"), integers("held spent"))},
		{Name: "budgets", Key: 1, Columns: join(texts("scope"), integers("amount"), texts("currency by_whom"), integers("at"))},
		{Name: "spends", Key: 3, Columns: join(texts("scope period currency"), integers("held spent"))},
		{Name: "tickets", Key: 1, Numbered: true, Columns: join(
			integers("id call chunk"), texts("provider"), blobs("open"), integers("waiting"), blobs("handle handle_key"),
			integers("due_at deadline_at interval_ms claims polls lease lease_until claimed_at"), texts("owner"),
			truths("late closed"), integers("created_at hinted_at"), truths("adopted"))},
		{Name: "ticket_names", Key: 1, Columns: join(blobs("key"), integers("ticket"))},
		{Name: "orphans", Key: 1, Numbered: true, Columns: join(integers("id"), texts("provider"), integers("at"), blobs("key body"))},
		{Name: "orphan_names", Key: 2, Columns: join(blobs("key"), integers("orphan"))},
		{Name: "answers", Key: 1, Columns: join(integers("ask at call"), blobs("body"), texts("class code"))},
		{Name: "renewals", Key: 2, Columns: join(integers("batch ask next"), truths("cached"), integers("at"))},
		{Name: "decisions", Key: 1, Numbered: true, Columns: join(
			integers("id at"), texts("what"), integers("call asks"), texts("by_whom"), blobs("reason"))},
		{Name: "gates", Key: 1, Columns: join(
			texts("scope"), truths("closed"), texts("class code by_whom"), integers("since until"), truths("probe"),
			integers("strikes probe_until"), texts("prober closer"))},
		{Name: "hooks", Key: 1, Numbered: true, Columns: join(
			integers("no"), texts("id tenant"), integers("role"), blobs("key"), integers("kinds"), blobs("body"),
			integers("created_at disabled_at failures retry_at asked_at"))},
		{Name: "events", Key: 1, Numbered: true, Columns: join(integers("no"), texts("id kind"), integers("batch at"), blobs("data"))},
		{Name: "deliveries", Key: 1, Numbered: true, Columns: join(
			integers("no"), texts("id"), integers("event hook state attempts lease created_at due_at until_at out_until tried_at ended_at status"),
			texts("reason"))},
		{Name: "told", Key: 1, Columns: join(integers("batch stale"), texts("settled"), integers("unknown at"))},
		{Name: "readings", Key: 2, Columns: join(texts("provider name"), integers("value"), truths("gauge"), integers("at"))},
		{Name: "history", Key: 1, Numbered: true, Columns: join(
			integers("no at"), texts("what"), integers("batch"), texts("provider scope reason code"), integers("until"), texts("by_whom"))},
		{Name: "series", Key: 4, Columns: join(integers("span at"), texts("provider measure"), integers("n"))},
		{Name: "once_keys", Key: 1, Columns: join(blobs("key said"), integers("batch at"), texts("made"))},
		{Name: "schedules", Key: 1, Columns: join(
			texts("id tenant"), integers("list"), texts("cron zone"), truths("may_overlap known"), integers("amount"), texts("currency"),
			truths("paused"), integers("next_at asked_at lease lease_until created_at"))},
		{Name: "schedule_runs", Key: 2, Columns: join(texts("schedule"), integers("due_at at batch"), texts("reason"))},
		{Name: "api_keys", Key: 1, Columns: join(
			texts("id name tenant scopes"), blobs("hash"), integers("created_at expires_at used_at revoked_at"))},
		{Name: "erasures", Key: 1, Numbered: true, Columns: join(integers("no"), texts("id"), blobs("body"))},
		{Name: "erased_asks", Key: 1, Columns: integers("ask")},
		{Name: "suppressed", Key: 2, Columns: join(texts("kind"), blobs("key"), integers("at"))},
		{Name: "allowed", Key: 2, Columns: join(texts("kind"), blobs("key"), integers("at"))},
		{Name: "acts", Key: 1, Columns: join(integers("no at"), texts("who kind tenant about note"), blobs("hash"))},
	}
}

func join(parts ...[]Column) []Column {
	var all []Column
	for _, p := range parts {
		all = append(all, p...)
	}
	return all
}

func integers(names string) []Column  { return columns(names, Integer) }
func truths(names string) []Column    { return columns(names, Truth) }
func fractions(names string) []Column { return columns(names, Fraction) }
func texts(names string) []Column     { return columns(names, Text) }
func blobs(names string) []Column     { return columns(names, Bytes) }

func columns(names string, k Kind) []Column {
	all := []Column{}
	for name := range strings.FieldsSeq(names) {
		all = append(all, Column{Name: name, Kind: k})
	}
	return all
}

// Departure says that a store was, or is being, moved to another kind of store. It
// is kept in the store itself, which is then not to be used.
type Departure struct {
	At time.Time // zero: it was not moved
	// Done: the other store is complete. Otherwise it may be.
	Done bool
}

// Words of the fact that keeps a Departure.
const (
	moveBegun = "begun "
	moveDone  = "done "
)

// Departure returns what the facts say of a move.
func (f Facts) Departure() Departure {
	m := Departure{}
	text, done := strings.CutPrefix(f[factMove], moveDone)
	m.Done = done
	m.At, _ = time.Parse(time.RFC3339, strings.TrimPrefix(text, moveBegun)) // the zero time where there is none
	return m
}

// Fact returns the name under which facts keep a departure, and its text.
func (m Departure) Fact() (name, text string) {
	text = moveBegun
	if m.Done {
		text = moveDone
	}
	return factMove, text + m.At.UTC().Format(time.RFC3339)
}

// Staying returns the facts as the other store keeps them.
func (f Facts) Staying() Facts {
	rest := Facts{}
	for name, text := range f {
		if name != factMove {
			rest[name] = text
		}
	}
	return rest
}

// MovedError says that a store was moved to another kind of store and must not
// be used any more: what is paid for from then on is written down there.
type MovedError struct{ Departure }

func (e *MovedError) Error() string {
	day := e.At.Format(time.DateOnly)
	if e.Done {
		return "the store was moved to PostgreSQL on " + day
	}
	return "a move of the store to PostgreSQL was begun on " + day + " and not ended"
}

// OccupiedError says that a store is not empty, and so cannot take in another
// one.
type OccupiedError struct{ What string }

func (e *OccupiedError) Error() string {
	return fmt.Sprintf("the database is not empty: it holds %s", e.What)
}

// Transfer is what a store took in.
type Transfer struct {
	// Again: it had been taken in before, and nothing was done.
	Again bool
	// Records counts what was taken in, by table.
	Records map[string]int64
	// Report is of the new store.
	Report Report
}

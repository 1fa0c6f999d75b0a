package store

import "encoding/json"

// SweepRequest says who is looked for, and from where on.
type SweepRequest struct {
	Keys []PersonKey
	From SweepPlace
	// Erasure is the id of the one whose record says what was erased, in the same
	// transaction; empty: none does.
	Erasure string
	// Dry changes nothing.
	Dry bool
	// Asks are those that were found before, by a dry pass: rows on them are
	// found too.
	Asks map[AskID]bool
}

// SweepPlace is how far a pass has come.
type SweepPlace struct {
	column int
	after  int64
}

// Swept is what a step of a pass did.
type Swept struct {
	Next SweepPlace
	Done bool // the pass has come to its end
	Seen int
	// Damaged are values that cannot be opened. Nobody is found in them.
	Damaged int
	Erased  EraseCounts
	// Found are keys of vehicles and hashes that what was erased was about, Asks
	// and Rows the numbers of it; these two of a dry step only.
	Found []PersonKey
	Asks  []AskID
	Rows  []RowID
}

// SweptColumn is a sealed column that is searched.
type SweptColumn struct {
	SealedColumn
	// Ask: the record's key is that of an ask.
	Ask bool
}

// sweptColumns are in the order in which they are searched: questions before
// rows, so that those of an erased question are found in the same pass. URLs of
// webhooks are the operator's own and are left out.
func sweptColumns() []SweptColumn {
	all := map[string]SealedColumn{}
	for _, c := range sealedColumns() {
		all[c.sealed] = c
	}
	return []SweptColumn{
		{all[columnQuestion], true}, {all[columnAnswer], true}, {all[columnLine], false}, {all[columnMeta], false},
		{all[columnHandle], false}, {all[columnNote], false}, {all[columnOrphan], false}, {all[columnReason], false},
	}
}

// sweepSize is how many values are searched at a time.
const sweepSize = 2_000

// SweepStep is one step of a pass, for a store to carry out: it reads up to
// Limit values of Column whose key is above After, in that order, and has each
// looked at by Value.
type SweepStep struct {
	Column SweptColumn
	After  int64
	Limit  int
	// Hits are the keys of the values that are about who is looked for.
	Hits []int64
	// Named are those of Hits that name them themselves; the others are rows on
	// a question that does.
	Named map[int64]bool
	// Erasure is that of the request.
	Erasure string
	Done    Swept

	sealer *Sealer
	seeker *Seeker
	asks   map[AskID]bool
	place  SweepPlace
}

// NewSweepStep begins a step. False: there is nothing more.
func (s *Sealer) NewSweepStep(r SweepRequest) (*SweepStep, bool) {
	all := sweptColumns()
	if r.From.column >= len(all) {
		return nil, false
	}
	return &SweepStep{
		Column: all[r.From.column], After: r.From.after, Limit: sweepSize, Named: map[int64]bool{}, Erasure: r.Erasure,
		sealer: s, seeker: NewSeeker(s, r.Keys), asks: r.Asks, place: r.From,
	}, true
}

// Is reports whether the step is over the table.
func (w *SweepStep) Is(table string) bool { return w.Column.Table == table }

// Value looks at a value. ask is the question of a row, 0: there is none; gone
// says that this was erased.
func (w *SweepStep) Value(key int64, sealed []byte, ask AskID, gone bool) {
	w.Done.Seen++
	w.place.after = key
	text, err := w.sealer.Open(w.Column.sealed, key, sealed)
	if destroyed(err) {
		return // nobody can be found in it by anyone
	}
	if err == nil {
		err = w.seeker.gather(w.Column.sealed, text)
	}
	if err != nil {
		w.Done.Damaged++
		return
	}
	empty := len(w.seeker.words) == 0 || w.Is("rows") && isErasedLine(text)
	named := w.seeker.found()
	if named || (gone || ask != 0 && w.asks[ask]) && !empty {
		w.Hits = append(w.Hits, key)
		w.Named[key] = named
	}
}

// Count counts what a dry step has found of what is neither a question nor a
// row, which Search counts.
func (w *SweepStep) Count(n int) {
	counts := map[string]*int{
		columnAnswer: &w.Done.Erased.Answers, columnMeta: &w.Done.Erased.Lists, columnHandle: &w.Done.Erased.Tickets,
		columnNote: &w.Done.Erased.Notes, columnOrphan: &w.Done.Erased.Hints, columnReason: &w.Done.Erased.Reasons,
	}
	if count := counts[w.Column.sealed]; count != nil {
		*count = n
	}
}

// Trace notes what a dry step has found. asksOf lists the asks that a row was
// ever on, asked passes one that would be erased to Asked.
func (w *SweepStep) Trace(asksOf func(RowID) ([]AskID, error), asked func(AskID) error) error {
	var asks []AskID
	for _, key := range w.Hits {
		switch {
		case w.Column.Ask:
			asks = append(asks, AskID(key))
		case w.Is("rows"):
			w.Done.Rows = append(w.Done.Rows, RowID(key))
			if !w.Named[key] {
				continue
			}
			of, err := asksOf(RowID(key))
			if err != nil {
				return err
			}
			asks = append(asks, of...)
		}
	}
	w.Count(len(w.Hits))
	for _, a := range asks {
		if err := asked(a); err != nil {
			return err
		}
	}
	w.Done.Asks = asks
	return nil
}

// End returns what the step did.
func (w *SweepStep) End() Swept {
	if w.Done.Seen < w.Limit {
		w.place = SweepPlace{column: w.place.column + 1}
	}
	w.Done.Next = w.place
	w.Done.Done = w.place.column >= len(sweptColumns())
	return w.Done
}

// Asked notes what an erased question was about, and returns the key by which
// it is asked again. False: it was erased before.
func (w *SweepStep) Asked(a AskID, sealed []byte, tenant, provider string) (AskKey, bool) {
	q, err := w.sealer.OpenQuestion(a, sealed)
	if err != nil || len(q.Subject) == 0 {
		return AskKey{}, false
	}
	w.Done.Found = append(w.Done.Found, w.sealer.vehicles(q.Subject)...)
	return w.sealer.Key(tenant, provider, q), true
}

// gather takes the words out of an opened value.
func (k *Seeker) gather(column string, text []byte) error {
	k.words = k.words[:0]
	switch column {
	case columnQuestion:
		q, err := DecodeQuestion(text)
		k.subject(q.Subject)
		for _, p := range sortedKeys(q.Params, nil) {
			k.text(q.Params[p])
		}
		return err
	case columnLine:
		return k.line(text)
	case columnAnswer:
		a, err := DecodeAnswer(text)
		k.json(a.Result)
		k.json(a.Raw)
		if a.Failure != nil {
			k.text(a.Failure.Message)
		}
		return err
	case columnMeta:
		var m batchMeta
		err := decode("batch", text, &m)
		k.text(m.Name)
		k.text(m.Purpose)
		k.json(m.Metadata)
		return err
	case columnHandle:
		h, err := DecodeTicket(text)
		for _, part := range []string{h.ID, h.Number, string(h.Cursor), string(h.Plan)} {
			k.text(part)
		}
		return err
	case columnOrphan:
		hints, err := DecodeHints(text)
		for _, h := range hints {
			k.text(h.Ticket)
			k.text(h.Record)
			k.subject(h.Subject)
		}
		return err
	}
	if json.Valid(text) {
		k.json(text)
	} else {
		k.text(string(text))
	}
	return nil
}

func (k *Seeker) line(text []byte) error {
	var r Row
	err := DecodeLine(text, &r)
	k.text(r.CallerID)
	k.subject(r.Subject)
	for _, cell := range r.Line {
		k.text(cell)
	}
	if r.Problem != nil {
		k.text(r.Problem.Message)
	}
	return err
}

// isErasedLine reports whether a row holds nothing any more.
func isErasedLine(text []byte) bool {
	var r Row
	err := DecodeLine(text, &r)
	return err == nil && len(r.Subject) == 0 && len(r.Line) == 0 && r.Problem != nil && r.Problem.Class == ClassSuppressed
}

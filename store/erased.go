package store

import "slices"

// What is left of a record that was erased. It is sealed like any other, so that
// nothing tells it from one that was not.

// ErasedLine is what is left of a row.
func (s *Sealer) ErasedLine(id RowID) ([]byte, error) { return s.emptyLine(id, erasedFailure()) }

func (s *Sealer) emptyLine(id RowID, why *Failure) ([]byte, error) {
	line, err := EncodeLine(NewRow{Problem: why})
	return s.Seal(columnLine, int64(id), line), err
}

// ErasedQuestion is what is left of an ask.
func (s *Sealer) ErasedQuestion(a AskID) []byte { return s.SealQuestion(a, EncodeQuestion(Question{})) }

// Tells reports whether there is anything in an answer to be erased.
func (s *Sealer) Tells(a AskID, sealed []byte) bool {
	text, err := s.Open(columnAnswer, int64(a), sealed)
	if err != nil {
		return !destroyed(err)
	}
	answer, err := DecodeAnswer(text)
	return err != nil || answer.Result != nil || answer.Raw != nil || answer.Failure != nil && answer.Failure.Message != ""
}

// ErasedAnswer is what is left of an answer: why there was none, if so.
func (s *Sealer) ErasedAnswer(a AskID, class, code string) ([]byte, error) {
	left := Answer{}
	if class != "" {
		left.Failure = &Failure{Class: ErrorClass(class), Code: code}
	}
	return s.sealAnswer(a, left)
}

// Erased returns the answer without what the provider said.
func (a Answer) Erased() Answer {
	left := Answer{At: a.At}
	if a.Failure != nil {
		left.Failure = &Failure{Class: a.Failure.Class, Code: a.Failure.Code}
	}
	return left
}

// ErasedMeta is what is left of what a batch says of itself: its columns and
// parameters, as its rows need them, and its purpose unless that names who is
// looked for.
func (w *SweepStep) ErasedMeta(no BatchNo, sealed []byte) ([]byte, error) {
	b := Batch{No: no}
	if err := w.sealer.OpenMeta(sealed, &b); err != nil {
		return nil, err
	}
	if w.seeker.text(b.Purpose); w.seeker.found() {
		b.Purpose = ""
	}
	return w.sealer.SealMeta(no, NewBatch{Purpose: b.Purpose, Columns: b.Columns, Params: b.Params, Reuse: Reuse{Fresh: b.Fresh}})
}

// Suppress makes the queued ask at offset i one that is never asked. It reports
// false and does nothing where the ask is not queued.
func (c *Chunk) Suppress(i int) (Move, bool) {
	if c.State(i) != Queued {
		return Move{}, false
	}
	c.marks[i*markSize] = byte(Invalid)
	return Move{Ask: c.Ask(i), From: Queued, To: Invalid}, true
}

// Forget takes out of a ruling what was said about asks that were erased while
// they were asked. What they cost stays.
func (r *Ruling) Forget(erased map[AskID]bool) {
	for i := range r.Answers {
		if a := &r.Answers[i]; erased[a.Ask] {
			a.Answer, a.By = a.Answer.Erased(), -1
		}
	}
}

// SuppressErased suppresses those erased asks of the chunk that are queued, as
// they are once a call gave them back.
func (c *Chunk) SuppressErased(erased map[AskID]bool, in *Interest, moved Tally) int {
	n := 0
	for i := range c.Len() {
		if !erased[c.Ask(i)] {
			continue
		}
		if m, ok := c.Suppress(i); ok {
			moved.Follow(m, in)
			n++
		}
	}
	return n
}

// Ends is the verdict on an ask that waits and was erased: nobody wants to know
// any more.
func Ends(a AskID) Verdict {
	return Verdict{Ask: a, To: Failed, Answer: &Answer{Failure: &Failure{Class: ClassSuppressed, Code: CodeErased}}}
}

// ended is Ends in the place of a verdict that an ask waits. It costs what that
// one says.
func (v Verdict) ended(a AskID) Verdict {
	end := Ends(a)
	v.To, v.Answer = end.To, end.Answer
	return v
}

// Noted returns what is kept of an answer that was not understood: nothing where
// one of the asks that the call held was erased, as nobody knows of which of
// them it tells. Where no ask moves it may tell of any that the call had once;
// erased are all of its chunk.
func (r *Ruling) Noted(note []byte, held []AskID, erased map[AskID]bool) []byte {
	if len(erased) > 0 && len(r.Moves) == 0 {
		return nil
	}
	if slices.ContainsFunc(held, func(a AskID) bool { return erased[a] }) {
		return nil
	}
	return note
}

// Without leaves an offset out.
func (o Offsets) Without(i int) Offsets {
	var left Offsets
	for _, offset := range o {
		if offset != i {
			left = append(left, offset)
		}
	}
	return left
}

package store

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/plateq/plateq/providers"
)

// Columns that are sealed, as they enter the associated data. Changing a name
// makes what is stored unreadable. They are the same in every database, so
// that sealed values can move between them.
const (
	columnMeta     = "batches.meta"
	columnLine     = "rows.line"
	columnQuestion = "asks.question"
	columnAnswer   = "answers.body"
	columnHandle   = "tickets.handle"
	columnNote     = "calls.note"
	columnOrphan   = "orphans.body"
	columnReason   = "decisions.reason"
	columnHook     = "hooks.body"
	columnErasure  = "erasures.body"
)

// SealMeta seals what is personal about a batch.
func (s *Sealer) SealMeta(no BatchNo, b NewBatch) ([]byte, error) {
	text, err := EncodeMeta(b)
	if err != nil {
		return nil, err
	}
	return s.Seal(columnMeta, int64(no), text), nil
}

// OpenMeta fills in what SealMeta sealed, unless that was destroyed. It reads
// b.No.
func (s *Sealer) OpenMeta(sealed []byte, b *Batch) error {
	text, err := s.Open(columnMeta, int64(b.No), sealed)
	if b.Destroyed = destroyed(err); b.Destroyed {
		return nil
	}
	if err != nil {
		return err
	}
	return DecodeMeta(text, b)
}

// SealQuestion seals a question as EncodeQuestion wrote it.
func (s *Sealer) SealQuestion(a AskID, text []byte) []byte {
	return s.Seal(columnQuestion, int64(a), text)
}

// OpenQuestion is the inverse of SealQuestion.
func (s *Sealer) OpenQuestion(a AskID, sealed []byte) (Question, error) {
	text, err := s.Open(columnQuestion, int64(a), sealed)
	if err != nil {
		return Question{}, err
	}
	return DecodeQuestion(text)
}

// SealHandle seals a provider's ticket.
func (s *Sealer) SealHandle(id TicketID, h providers.Ticket) ([]byte, error) {
	text, err := EncodeTicket(h)
	if err != nil {
		return nil, err
	}
	return s.Seal(columnHandle, int64(id), text), nil
}

// OpenHandle is the inverse of SealHandle.
func (s *Sealer) OpenHandle(id TicketID, sealed []byte) (providers.Ticket, error) {
	text, err := s.Open(columnHandle, int64(id), sealed)
	if err != nil {
		return providers.Ticket{}, err
	}
	return DecodeTicket(text)
}

// OpenPrior opens the handle of the ticket that an ask is to go on with; nil
// for ticket 0: there is none. One whose name was deleted is empty.
func (s *Sealer) OpenPrior(id TicketID, sealed []byte) (*providers.Ticket, error) {
	if id == 0 {
		return nil, nil
	}
	h, err := s.OpenHandle(id, sealed)
	return &h, err
}

// UsablePrior is OpenPrior for who is to go on with the ticket: nil where its
// name was deleted. Who judges a call must know of it all the same.
func (s *Sealer) UsablePrior(id TicketID, sealed []byte) (*providers.Ticket, error) {
	h, err := s.OpenPrior(id, sealed)
	if err == nil && h != nil && h.ID == "" {
		return nil, nil
	}
	return h, err
}

// HandleKey is the keyed hash by which a provider's ticket is found again, by
// any call or, where tickets are shared, by the one that brought it.
func (s *Sealer) HandleKey(provider string, n NewTicket, by CallID) []byte {
	if n.Shared {
		return s.Hash("shared ticket", provider, n.Handle.ID, strconv.FormatInt(int64(by), 10))
	}
	return s.NameKey(provider, n.Handle.ID)
}

// NameKey is the keyed hash of a name by which a provider may call a ticket
// that is not shared.
func (s *Sealer) NameKey(provider, name string) []byte { return s.Hash("ticket", provider, name) }

// HintKeys are the keys of the names in a hint, in the order in which they are
// to be tried.
func (s *Sealer) HintKeys(r HintRequest) [][]byte {
	var keys [][]byte
	known := map[string]bool{"": true}
	for _, h := range r.Hints {
		for _, name := range []string{h.Ticket, h.Record} {
			if !known[name] {
				known[name] = true
				keys = append(keys, s.NameKey(r.Provider, name))
			}
		}
	}
	return keys
}

// HintedAsk is the key of the ask that a hint is about by its subject. False:
// it names a ticket, or no subject.
func (s *Sealer) HintedAsk(r HintRequest) (AskKey, bool) {
	for _, h := range r.Hints {
		if len(h.Subject) > 0 && h.Ticket == "" {
			return s.Key(DefaultTenant, r.Provider, Question{Subject: h.Subject}), true
		}
	}
	return AskKey{}, false
}

// SealOrphan seals a hint about no ticket that is known.
func (s *Sealer) SealOrphan(id int64, text []byte) []byte { return s.Seal(columnOrphan, id, text) }

// OpenOrphan fills in what SealOrphan sealed.
func (s *Sealer) OpenOrphan(id int64, sealed []byte, o *Orphan) error {
	text, err := s.Open(columnOrphan, id, sealed)
	if err != nil {
		return err
	}
	o.Hints, err = DecodeHints(text)
	return err
}

// SealReason seals why a person decided something.
func (s *Sealer) SealReason(id int64, reason string) []byte {
	return s.Seal(columnReason, id, []byte(reason))
}

// OpenReason is the inverse of SealReason.
func (s *Sealer) OpenReason(id int64, sealed []byte) (string, error) {
	text, err := s.Open(columnReason, id, sealed)
	return string(text), err
}

// OrphanKey is the keyed hash by which a hint is known that came before.
func (s *Sealer) OrphanKey(provider string, text []byte) []byte {
	return s.Hash("orphan", provider, string(text))
}

// IdentityKey is what is kept of an identity, which may be a plain hash of a
// customer's list; nil: none.
func (s *Sealer) IdentityKey(identity []byte) []byte {
	if identity == nil {
		return nil
	}
	return s.Hash("identity", string(identity))
}

// SealNote seals the head of an answer that was not understood; nil: none.
func (s *Sealer) SealNote(id CallID, note []byte) []byte {
	if len(note) == 0 {
		return nil
	}
	return s.Seal(columnNote, int64(id), note)
}

// SealedAnswers are the bodies of the answers of a settlement, by verdict.
type SealedAnswers [][]byte

// SealAnswers seals the answers that verdicts bring, so that a transaction
// need not wait for it.
func (s *Sealer) SealAnswers(verdicts []Verdict) (SealedAnswers, error) {
	bodies := make(SealedAnswers, len(verdicts))
	for i, v := range verdicts {
		if v.Answer == nil {
			continue
		}
		var err error
		if bodies[i], err = s.sealAnswer(v.Ask, *v.Answer); err != nil {
			return nil, err
		}
	}
	return bodies, nil
}

// SealedAnswer returns the body of an answer, sealing it where no verdict of
// its own brought it.
func (s *Sealer) SealedAnswer(bodies SealedAnswers, a Answered) ([]byte, error) {
	if a.By >= 0 && bodies[a.By] != nil {
		return bodies[a.By], nil
	}
	return s.sealAnswer(a.Ask, a.Answer)
}

func (s *Sealer) sealAnswer(a AskID, answer Answer) ([]byte, error) {
	text, err := EncodeAnswer(answer)
	if err != nil {
		return nil, err
	}
	return s.Seal(columnAnswer, int64(a), text), nil
}

// openAnswer opens an answer. One that was destroyed says so.
func (s *Sealer) openAnswer(a AskID, sealed []byte) (Answer, error) {
	text, err := s.Open(columnAnswer, int64(a), sealed)
	if destroyed(err) {
		return Answer{Failure: gone()}, nil
	}
	if err != nil {
		return Answer{}, err
	}
	return DecodeAnswer(text)
}

func destroyed(err error) bool {
	_, is := errors.AsType[*DestroyedError](err)
	return is
}

// gone is what is told in the place of what was destroyed.
func gone() *Failure {
	return &Failure{Code: "destroyed", Message: "the key of the list was destroyed, and with it what was stored of it"}
}

// OpenMessage returns the message of a failure.
func (s *Sealer) OpenMessage(a AskID, sealed []byte) (string, error) {
	answer, err := s.openAnswer(a, sealed)
	if err != nil || answer.Failure == nil {
		return "", err
	}
	return answer.Failure.Message, nil
}

// AskAgain makes of what was asked a row that asks the same, of the same part
// of the service.
func (s *Sealer) AskAgain(tenant, provider string, q Question, service string) SealedRow {
	return SealedRow{Key: s.Key(tenant, provider, q), Question: EncodeQuestion(q), Service: service}
}

// SealedRow is a row on its way in.
type SealedRow struct {
	Invalid  bool
	Key      AskKey
	Question []byte // encoded, sealed once the ask has an id
	Service  string
	Line     []byte // sealed
	Ask      AskID  // which a Plan decides
	Cached   bool   // so it does
}

// Prepare seals the rows of a piece for a place in a list, on all cores, unless
// they are sealed for it already. first is the number of the first row.
func (s *Sealer) Prepare(ctx context.Context, tenant, provider string, no BatchNo, first int, p Piece) (Piece, error) {
	if p.sealed != nil && p.batch == no && p.first == first {
		return p, nil
	}
	sealed, err := onAllCores(ctx, len(p.Rows), func(i int) (SealedRow, error) {
		return s.sealRow(tenant, provider, NewRowID(no, first+i), p.Rows[i])
	})
	return Piece{Rows: p.Rows, batch: no, first: first, sealed: sealed}, err
}

// PreparedFor reports whether the rows are sealed for a place in that list, and
// for which: the number of the first of them.
func (p Piece) PreparedFor(no BatchNo) (first int, ok bool) {
	return p.first, p.sealed != nil && p.batch == no
}

// Sealed are the rows of a piece that was prepared.
func (p Piece) Sealed() []SealedRow { return p.sealed }

// keyRows is Prepare for those who want to know what is asked and nothing more.
func (s *Sealer) keyRows(ctx context.Context, tenant, provider string, rows []NewRow) ([]SealedRow, error) {
	return onAllCores(ctx, len(rows), func(i int) (SealedRow, error) {
		if rows[i].Problem != nil {
			return SealedRow{Invalid: true}, nil
		}
		return SealedRow{Key: s.Key(tenant, provider, rows[i].Question)}, nil
	})
}

// onAllCores makes n rows.
func onAllCores(ctx context.Context, n int, row func(i int) (SealedRow, error)) ([]SealedRow, error) {
	piece := make([]SealedRow, n)
	g, _ := errgroup.WithContext(ctx)
	share := max(1, (n+runtime.GOMAXPROCS(0)-1)/runtime.GOMAXPROCS(0))
	for from := 0; from < n; from += share {
		g.Go(func() error {
			for i := from; i < min(from+share, n); i++ {
				r, err := row(i)
				if err != nil {
					return err
				}
				piece[i] = r
			}
			return nil
		})
	}
	return piece, g.Wait()
}

func (s *Sealer) sealRow(tenant, provider string, id RowID, r NewRow) (SealedRow, error) {
	w := s.writer()
	defer s.writers.Put(w)
	var err error
	if w.buf, err = appendLine(w.buf[:0], r); err != nil {
		return SealedRow{}, err
	}
	n := SealedRow{Invalid: r.Problem != nil, Service: r.Service, Line: s.Seal(columnLine, int64(id), w.buf)}
	if n.Invalid {
		return n, nil
	}
	w.buf = appendQuestion(w.buf[:0], r.Question)
	n.Question = slices.Clone(w.buf)
	n.Key = w.key(tenant, provider, r.Question)
	return n, nil
}

// StoredRow is a row with what is known of it, as it is stored.
type StoredRow struct {
	ID       RowID
	Ask      AskID // 0: it is invalid
	Cached   bool
	State    State
	Attempts int
	Line     []byte
	At       time.Time
	Body     []byte // nil: no answer
	Question []byte // nil: nobody wants it
	Service  string
}

// Answered reports whether there is an answer where rows are in that state.
func (s State) Answered() bool { return s == Found || s == NotFound || s == Failed }

// OpenRow opens what is sealed of a row. An error names the row.
func (s *Sealer) OpenRow(r *StoredRow, keepRaw bool) (Row, error) {
	row, err := s.openRow(r, keepRaw)
	if err != nil {
		return Row{}, fmt.Errorf("read %s: %w", r.ID.Name(), err)
	}
	return row, nil
}

func (s *Sealer) openRow(r *StoredRow, keepRaw bool) (row Row, err error) {
	row = Row{Number: r.ID.Number(), State: r.State, Attempts: r.Attempts, Cached: r.Cached, Service: r.Service}
	if r.Question != nil {
		if row.Question, err = s.OpenQuestion(r.Ask, r.Question); err != nil && !destroyed(err) {
			return Row{}, err
		}
	}
	line, err := s.Open(columnLine, int64(r.ID), r.Line)
	switch {
	case destroyed(err):
		row.Problem = gone()
	case err != nil:
		return Row{}, err
	default:
		if err := DecodeLine(line, &row); err != nil {
			return row, err
		}
	}
	if r.Body == nil {
		return row, nil
	}
	a, err := s.openAnswer(r.Ask, r.Body)
	if err != nil {
		return Row{}, err
	}
	a.At = r.At
	if !keepRaw {
		a.Raw = nil // another batch on the same ask keeps it
	}
	row.Answer = &a
	return row, nil
}

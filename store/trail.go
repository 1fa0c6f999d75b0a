package store

import (
	"context"
	"crypto/hmac"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ActKind names what somebody did. It is kept for years and shown: kinds are
// added, never renamed.
type ActKind string

// The kinds of acts.
const (
	ActLogin       ActKind = "login"
	ActLoginFailed ActKind = "login.failed"
	ActLogout      ActKind = "logout"
	// ActRowsSeen is a look at rows with what is personal in them; ActLookup at
	// the answer to one. Rows that are masked are looked at without a word.
	ActRowsSeen ActKind = "rows.seen"
	ActLookup   ActKind = "lookup"
	// ActRowsExported is a list fetched as a whole, masked or not.
	ActRowsExported    ActKind = "rows.exported"
	ActChangesExported ActKind = "changes.exported"

	ActKeyMade         ActKind = "key.made"
	ActKeyRevoked      ActKind = "key.revoked"
	ActBudgetSet       ActKind = "budget.set"
	ActBudgetUnset     ActKind = "budget.unset"
	ActHookAdded       ActKind = "hook.added"
	ActHookRemoved     ActKind = "hook.removed"
	ActHookRotated     ActKind = "hook.rotated"
	ActScheduleAdded   ActKind = "schedule.added"
	ActScheduleRemoved ActKind = "schedule.removed"
	ActGateOpened      ActKind = "gate.opened"
	ActGateClosed      ActKind = "gate.closed"
	ActQueuePaused     ActKind = "queue.paused"
	ActQueueResumed    ActKind = "queue.resumed"

	ActResent  ActKind = "unknown.resent"
	ActGivenUp ActKind = "unknown.given_up"
	ActAdopted ActKind = "unknown.adopted"

	ActRestoreAccepted ActKind = "restore.accepted"
	ActSealRotated     ActKind = "seal.rotated"
	ActListsDestroyed  ActKind = "lists.destroyed"

	// ActErased is about an erasure by its id; ActPersonExported is all that is
	// held on somebody, whom nothing names.
	ActErased         ActKind = "person.erased"
	ActAllowed        ActKind = "person.allowed"
	ActPersonExported ActKind = "person.exported"
)

// ActKinds lists the kinds of acts.
func ActKinds() []ActKind {
	return []ActKind{
		ActLogin, ActLoginFailed, ActLogout, ActRowsSeen, ActLookup, ActRowsExported, ActChangesExported,
		ActKeyMade, ActKeyRevoked, ActBudgetSet, ActBudgetUnset,
		ActHookAdded, ActHookRemoved, ActHookRotated, ActScheduleAdded, ActScheduleRemoved, ActGateOpened, ActGateClosed,
		ActQueuePaused, ActQueueResumed,
		ActResent, ActGivenUp, ActAdopted, ActRestoreAccepted, ActSealRotated, ActErased, ActAllowed, ActPersonExported, ActListsDestroyed,
	}
}

// Act is something that somebody did, as the audit log keeps it for good. It
// holds ids and plain words, never what is personal or secret: it outlives both.
type Act struct {
	No   int64 // from 1, without a gap
	At   time.Time
	Who  string // "key ID", "user NAME" of the machine, "no key"
	Kind ActKind
	// Tenant is whose things it was about; AllTenants: it concerns all.
	Tenant string
	// About is the id of a batch, key, hook or schedule, the scope of a budget
	// or gate, the number of a call.
	About string
	// Note says more in fixed words: "csv, masked".
	Note string
	// Hash is keyed, and over the act before as well.
	Hash []byte
}

// ActHead is how far the audit log goes: the last act and its hash. Kept
// elsewhere it shows that nothing was cut off.
type ActHead struct {
	No   int64 // 0: nothing was ever noted
	Hash []byte
}

// String writes a head as ParseActHead reads it.
func (h ActHead) String() string {
	return strconv.FormatInt(h.No, 10) + ":" + hex.EncodeToString(h.Hash)
}

// ParseActHead is the inverse of ActHead.String.
func ParseActHead(text string) (ActHead, error) {
	number, hash, cut := strings.Cut(text, ":")
	no, errNo := strconv.ParseInt(number, 10, 64)
	sum, errHash := hex.DecodeString(hash)
	empty := no == 0 && len(sum) == 0
	if !cut || errNo != nil || errHash != nil || no < 0 || len(sum) != KeySize && !empty {
		return ActHead{}, fmt.Errorf("%q is no head of an audit log, such as 17:0f3a…", clipped(text))
	}
	return ActHead{No: no, Hash: sum}, nil
}

// ActFilter chooses acts.
type ActFilter struct {
	Tenant string // empty: of all
	Who    string
	Kind   ActKind
	About  string
	// From and To bound when it was: From is in, To is out. Zero: no bound.
	From, To time.Time
	Before   int64 // only older ones than that; 0: from the newest
	Limit    int   // 0: 100
}

// Trail is the audit log. It is only added to.
type Trail interface {
	// NoteAct adds an act at the end; At, No and Hash are the store's to set. Of
	// those who do so at once, in any process, each is linked to the one before.
	NoteAct(ctx context.Context, a Act) (Act, error)
	// Acts returns acts, newest first.
	Acts(ctx context.Context, f ActFilter) ([]Act, error)
	// LastAct returns how far the log goes.
	LastAct(ctx context.Context) (ActHead, error)
	// VerifyActs holds the whole log against itself and against how far it is
	// known to have gone.
	VerifyActs(ctx context.Context, known ...ActHead) (TrailReport, error)
}

// TrailReport is what VerifyActs found.
type TrailReport struct {
	Acts int
	Head ActHead // as far as the log is whole
	// Broken is the first act that is missing or not as it was written, and
	// Reason says which; 0: the log is whole.
	Broken int64
	Reason string
}

// LinkAct returns the act with the hash that links it to the one before.
func (s *Sealer) LinkAct(before []byte, a Act) Act {
	a.Hash = s.Hash("act", string(before), strconv.FormatInt(a.No, 10), strconv.FormatInt(a.At.UnixMilli(), 10),
		a.Who, string(a.Kind), a.Tenant, a.About, a.Note)
	return a
}

// TrailCheck verifies acts that it is shown in their order, from the first.
type TrailCheck struct {
	sealer *Sealer
	known  []ActHead
	report TrailReport
}

// NewTrailCheck begins to verify a log that is known to have gone so far.
func NewTrailCheck(s *Sealer, known []ActHead) *TrailCheck {
	known = slices.DeleteFunc(slices.Clone(known), func(h ActHead) bool { return h.No == 0 })
	slices.SortStableFunc(known, func(a, b ActHead) int { return int(a.No - b.No) })
	return &TrailCheck{sealer: s, known: known}
}

// Next takes the next act. False: the log is broken there, and the rest does
// not matter.
func (c *TrailCheck) Next(a Act) bool {
	want := c.report.Head.No + 1
	switch {
	case a.No != want:
		return c.broken(want, "it is missing")
	case !hmac.Equal(a.Hash, c.sealer.LinkAct(c.report.Head.Hash, a).Hash):
		return c.broken(want, "it is not as it was written, or not where it was")
	}
	c.report.Acts++
	c.report.Head = ActHead{No: a.No, Hash: a.Hash}
	for len(c.known) > 0 && c.known[0].No == a.No {
		if !hmac.Equal(c.known[0].Hash, a.Hash) {
			return c.broken(a.No, "it is another one than is known outside of the store")
		}
		c.known = c.known[1:]
	}
	return true
}

func (c *TrailCheck) broken(no int64, reason string) bool {
	c.report.Broken, c.report.Reason = no, reason
	return false
}

// Report returns what was found, once there are no more acts.
func (c *TrailCheck) Report() TrailReport {
	if c.report.Broken == 0 && len(c.known) > 0 {
		c.broken(c.report.Head.No+1, fmt.Sprintf("it is missing, and so are all up to %d, which is known outside of the store", c.known[len(c.known)-1].No))
	}
	return c.report
}

package providers

import "errors"

// Charges says what a provider charges for, by its document or, where that is
// silent, as we have to expect. What it refuses is free everywhere. The zero
// value charges for whatever it accepts: with a ticket, or with any answer.
type Charges struct {
	// NotFoundFree: an answer that it holds nothing costs nothing.
	NotFoundFree bool
	// FailedFree: so does an answer that it could not tell, or did not accept.
	FailedFree bool
	// FirstFound: found answers cost once for each question, for ever.
	FirstFound bool
}

// Charged reports whether an ask costs money that ended so. foundBefore: the
// same question was found earlier.
func (c Charges) Charged(o Outcome, foundBefore bool) bool {
	if o.Err == nil {
		return !c.FirstFound || !foundBefore || o.Ticket != nil
	}
	switch {
	case errors.Is(o.Err, NotFound):
		return !c.NotFoundFree
	case errors.Is(o.Err, ProviderError), errors.Is(o.Err, Missing):
		return !c.FailedFree
	default:
		return errors.Is(o.Err, Ambiguous) // it may have been accepted, and nobody will know better
	}
}

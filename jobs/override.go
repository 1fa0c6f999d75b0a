package jobs

import (
	"slices"
	"strings"

	"github.com/plateq/plateq/providers"
)

// Overrides are what an operator has learnt of a provider's codes and words
// that its document does not say. They are looked at in the order of the
// fields.
type Overrides struct {
	// AmbiguousCodes are not believed to mean that nothing was accepted: a
	// paid call that ends with one of them is Ambiguous.
	AmbiguousCodes []string
	// NotFoundCodes and NotFoundTexts tell which ProviderError means that the
	// provider holds nothing on the subject: by its code, or by a part of what
	// it says, in any case of letters.
	NotFoundCodes, NotFoundTexts []string
}

// submitted returns the outcomes of a paid call as the operator reads them.
// Those that mean what they say are passed on as they are.
func (o Overrides) submitted(outs []providers.Outcome) []providers.Outcome {
	if len(o.AmbiguousCodes) == 0 && !o.finds() {
		return outs
	}
	read := slices.Clone(outs)
	for i := range read {
		e, ok := read[i].Err.(*providers.Error) //nolint:errorlint // a set gives nothing else
		switch {
		case !ok:
		case slices.Contains(o.AmbiguousCodes, e.Code):
			read[i].Err = reclass(e, providers.Ambiguous)
		default:
			if means := o.found(e); means != e {
				read[i].Err = means
			}
		}
	}
	return read
}

func (o Overrides) finds() bool { return len(o.NotFoundCodes)+len(o.NotFoundTexts) > 0 }

// found returns the error about one ask as the operator reads it, e itself
// where it means what it says.
func (o Overrides) found(e *providers.Error) *providers.Error {
	if e.Class != providers.ProviderError || !o.finds() {
		return e
	}
	said := strings.ToLower(e.Message)
	if slices.Contains(o.NotFoundCodes, e.Code) ||
		slices.ContainsFunc(o.NotFoundTexts, func(text string) bool { return strings.Contains(said, strings.ToLower(text)) }) {
		return reclass(e, providers.NotFound)
	}
	return e
}

func reclass(e *providers.Error, c providers.Class) *providers.Error {
	other := *e
	other.Class = c
	return &other
}

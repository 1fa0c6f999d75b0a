// Package providers is the vocabulary in which Plateq speaks of paid plate
// look-up APIs, whoever runs them: what is asked about (Subject), one question
// (Request), what came back (Outcome: Record, Ticket or error), how an error
// is to be judged (Class), and what an API can do (Spec).
//
// Each provider lives in a package of its own below this one: outside its
// words are ours, inside they are the provider's. Everyone else holds a *Set,
// which keeps the rules that no single provider should have to remember: one
// Outcome for each Request in order, every error an *Error.
//
// # Errors
//
// A Class is itself an error, so errors.Is(err, providers.RateLimited) asks
// what kind of failure err is. Texts of errors never hold a credential, a
// plate or any part of a body; what the provider said in words is kept apart
// in Error.Message, which is personal data and must be sealed or masked by
// whoever keeps it.
//
// # Money
//
// A provider never repeats by itself what may have been paid for. Whether a
// request was is told by the class: RateLimited, Unavailable and the like prove
// that it was not accepted, Ambiguous says that nobody knows.
package providers

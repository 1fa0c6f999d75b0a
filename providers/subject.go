package providers

// Column names one thing that can be known of a subject, as it is called in
// the files and bodies that customers send. Names are a contract.
type Column string

// The columns that providers can need.
const (
	Plate         Column = "plate"
	VIN           Column = "vin"
	Body          Column = "body"
	LastName      Column = "last_name"
	FirstName     Column = "first_name"
	Patronymic    Column = "patronymic"
	Birth         Column = "birth"
	Passport      Column = "passport"
	INN           Column = "inn"
	FIOBirthHash  Column = "fio_birth_hash"
	PassportHash  Column = "passport_hash"
	OperatorParam Column = "operator"
)

// Columns lists every column, in the order in which they are shown.
func Columns() []Column {
	return []Column{Plate, VIN, Body, LastName, FirstName, Patronymic, Birth,
		Passport, INN, FIOBirthHash, PassportHash, OperatorParam}
}

// Subject is what is asked about: values by column, canonical, empty ones
// left out. It is personal data. A nil Subject is empty and readable.
type Subject map[Column]string

// Keep returns a new subject with only the named columns of s. The order of
// cols does not matter.
func (s Subject) Keep(cols []Column) Subject {
	kept := make(Subject, len(cols))
	for _, c := range cols {
		if v := s[c]; v != "" {
			kept[c] = v
		}
	}
	return kept
}

// Request is one question to one provider.
type Request struct {
	// Ref is the asker's own reference, unique within one call and free of
	// personal data. It comes back in the Outcome and is not sent.
	Ref string
	// Subject holds the columns that the provider's Spec uses, no others.
	Subject Subject
	// Params are the provider's parameters for this question.
	Params Params
	// Prior is the ticket of an earlier question that failed, where this one
	// is a person's retry of it: a provider that can work on that again does
	// so instead of beginning anew. Such a call is not free to repeat. nil: it
	// is no retry, or there was no ticket.
	Prior *Ticket
}

// Params are named parameters of a provider's product ("operator": "311").
// They are part of the question: other parameters, other answer.
type Params map[string]string

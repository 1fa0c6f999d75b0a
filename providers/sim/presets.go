package sim

import "time"

// Hostile returns options under which a careless client loses rows: answers are slow, records complete one by one in
// random order over five seconds, pages come in another order at each read until the last record is final, final
// records are shown as INITIATED again now and then, and pages are short now and then. It charges and answers truly.
// Tests start from it.
func Hostile() Options {
	return Options{
		Answers:    DefaultAnswers(),
		Completion: Completion{Min: 200 * time.Millisecond, Max: 5 * time.Second, Order: RandomOrder},
		Faults: []Fault{
			{Name: "slow", Kind: KindLatency, For: 2 * time.Millisecond, Jitter: 20 * time.Millisecond},
			{Name: "reorder", Kind: KindReorder, Where: "items"},
			{Name: "regress", Kind: KindRegress, Where: "items", Rate: 0.1},
			{Name: "short", Kind: KindShort, Where: "items", Rate: 0.1},
		},
	}
}

// Fast returns options for measuring throughput: every record is final at once and nothing fails but by the mix of
// answers.
func Fast() Options {
	return Options{Answers: DefaultAnswers()}
}

// Demo returns options for showing the product: records complete one by one over a couple of seconds, and nothing
// fails but by the mix of answers.
func Demo() Options {
	return Options{
		Answers:    DefaultAnswers(),
		Completion: Completion{Min: 300 * time.Millisecond, Max: 2500 * time.Millisecond, Order: RandomOrder},
	}
}

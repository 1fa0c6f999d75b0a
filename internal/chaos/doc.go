// Package chaos proves the promise of Plateq where things break: nothing lost,
// nothing paid twice, and what nobody can know said.
//
// It holds three books against each other: the list that was handed in, what
// the store gives out, and what the provider charged. Its tests with the build
// tag chaos start Redis, PostgreSQL, a stand-in of the provider and Plateq, each
// as a process of its own, break one of them while a list is on its way, and
// end with that comparison:
//
//	make chaos
package chaos

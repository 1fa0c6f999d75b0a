// Package archtest keeps the shape of the module true: which package may import
// which, who alone may touch the queue or the environment, what a source file
// may hold, and what stands at the top of the repository.
//
// The rules are data, each with its reason (rules.go). Load reads the source,
// Check judges it. Nothing imports this package; its test is what runs.
package archtest

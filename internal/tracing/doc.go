// Package tracing tells a collector of OpenTelemetry how what processes do hangs
// together: the request that brought a list, the tasks that were rung for it,
// the requests to the provider and the settlements.
//
// A span has names of providers, endpoints, routes and classes, and our own
// numbers: never what a customer or a provider wrote. For that reason no
// instrumentation of a library is used, as those note whole URLs, and of what a
// client sends only the ids of its span are taken over.
package tracing

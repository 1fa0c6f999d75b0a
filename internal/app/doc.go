// Package app puts the parts together: it turns a configuration into a store,
// a Redis, providers, workers, a scheduler and a listener, runs them until the
// context ends, and takes them down in the right order. It touches neither
// signals nor the environment, so that tests run the same wiring.
package app

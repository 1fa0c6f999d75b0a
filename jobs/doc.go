// Package jobs moves work from the store to the providers and back: the
// Enqueuer rings for chunks and tickets through Redis, Workers answer the
// bell, ask the provider at the pace it allows, and settle what came back.
//
// # Redis is a doorbell
//
// A task names a chunk or tickets, nothing else. It decides nothing: a worker
// that hears it asks the store what is to be done (Claim), and a task that is
// delivered twice, late or for nothing finds nothing to take. So a handler
// returns nil once the store has decided, retries are planned in the store,
// and all of Redis may be lost at any moment.
//
// # The gate around paid calls
//
// A slot and a token come first, then the claim is committed, then the first
// byte leaves. The call runs to its own timeout whatever becomes of the task:
// a lost lease, a stalled Redis or a shutdown never cuts it in half. What it
// brought is settled, or spooled where the store cannot take it.
//
// This is the only package that knows asynq.
package jobs

// Package monitor holds by a test that asynqmon can watch the queues. It is
// here as the product itself does not need asynqmon.
package monitor

// Package webhook tells other systems of events, as Standard Webhooks describe
// it (standardwebhooks.com): each delivery is a signed POST of JSON, made at
// least once and in no order, under one webhook-id however often it is sent.
//
// What is to be told, to whom, and how it went is kept in the store, by which
// any number of senders share the work. A sender that dies leaves deliveries
// that are due again.
//
// # Where they may go
//
// URLs of receivers come from whoever holds a key of the API, and the requests
// leave from inside a network. So an address is judged when it is dialled,
// after every look-up of its name: only public ones are, but for those that the
// operator allows. No redirect is followed and no proxy is used.
package webhook

// Package sim is a stand-in for the providers' own servers: it answers in their wire formats, keeps state as they do,
// charges as they do, and misbehaves on request. Tests, `plateq simulate` and every `--simulate` talk to it over HTTP.
//
// # Routes
//
// Attestr, type RC_MOBILE, below /attestr:
//
//	POST /attestr/api/v2/public/batchx               {type, items: [{reg}], webhook} -> {_id, number}
//	POST /attestr/api/v2/public/batchx/{id}/items    {$skip, $limit} -> {recordsFiltered, data: [...]}
//
// REGNUM, any service whose name begins with getktypefornumplate:
//
//	GET /regnum/bovsoft.regnum.run?id=&seccode=&nameservice=&regnum=&contenttype=JSON|XML
//
// SpectrumData, report types [SpectrumGRZ] and [SpectrumVIN], below /spectrumdata/b2b/api/v1/user:
//
//	POST reports/{type}/_make        {queryType, query, data, options: {FORCE}} -> {data: [{uid, isnew, …}]}
//	GET  reports/{uid}               the report as it stands
//	POST reports/{uid}/_refresh      the same report, made again
//	GET  balance/{type}              the quotas
//	GET  ""                          the account
//
// Resser, the key in the header [ResserHeader]:
//
//	GET /resser/api/batch/scraping/    {vehicles: [{vin, plate}]} -> {vehicleData: [{vin, plate, info: [...]}]}
//
// AOPay, and none of its paths that move money:
//
//	POST /aopay/api/AOP/FetchConsumerDetails    {operator, canumber, RegistrationID} -> {response_code, status, …}
//
// The stand-in's own, below /_sim, for whoever runs it and checks it:
//
//	GET    /_sim/ledger      every charge, as JSON Lines of [Charge]
//	GET    /_sim/charges     {plate: how many times it was charged}
//	GET    /_sim/stats       [Stats]
//	GET    /_sim/faults      the faults that are set; POST one [Fault] or a list; DELETE all, or ?name= one
//	GET    /_sim/accounts    the accounts; POST an [Account]: fields left out keep their value
//
// # Billing
//
// What is charged is in the [Journal] before the first byte of the answer is written. The ledger therefore says what
// was really paid, whatever the client came to know of it.
//
//   - Attestr: a submit that is accepted costs one record per item, duplicates included. There is no idempotency: the
//     same submit sent twice is charged twice.
//   - REGNUM: a plate costs one record when it is first decoded for an account and service, or one of its free requests.
//   - SpectrumData: a report costs one record each time it is made, forced or refreshed; asking for one that there is
//     costs nothing.
//   - Resser: reading is free, and not in the ledger.
//   - AOPay: every fetch costs one record, with a bill or without; what is refused before it is looked up costs nothing.
//
// # Determinism
//
// What a plate is answered depends on the plate and the seed alone, see [Answers]. When a record completes is drawn
// at submit and a function of the seed, the batch and the record's place in it. Every answer is worked out from the
// journal's content and the clock; nothing runs in the background but what sends [Webhooks], where there are any.
package sim

import (
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"
)

// DefaultToken is the token of the accounts that New makes where Options names none, DefaultLogin their login.
const (
	DefaultToken = "stand-in"
	DefaultLogin = "stand-in@example"
)

// Options says how a stand-in behaves. The zero value answers at once, without faults, to one account of unlimited
// credit; [Hostile], [Fast] and [Demo] return the usual settings, to be changed at will.
type Options struct {
	Now        func() time.Time // the clock; nil: time.Now. Waits of faults (hang, latency, drip) are real time
	Seed       uint64           // of every draw
	Journal    Journal          // where charges are kept; nil: MemoryJournal(). The server closes it
	Accounts   []Account        // a provider without any gets one named "default" with DefaultToken and unlimited credit
	Answers    Answers          // the mix of answers; zero: DefaultAnswers()
	Completion Completion       // when records complete; zero: at once
	Faults     []Fault          // set from the start; they are not journaled, and the order is that of Faults
	Webhooks   Webhooks         // of Attestr; zero: none are sent. They are not journaled
}

// Server is a stand-in. It is safe for concurrent use.
type Server struct {
	opts    Options
	handler http.Handler
	admin   http.Handler
	done    chan struct{} // closed by Close: ends every wait
	closing sync.Once

	ups     []upstream
	attestr *attestr
	sender  *sender // nil: nobody is called

	mu       sync.Mutex // guards what follows, what upstreams keep, and the order of the journal
	accounts []*account
	ledger   []Charge
	faults   []*armed
	counts   counts
}

// New returns a stand-in that knows everything the journal holds: batches, answers, completion times, credit and
// charges are what they were before. It fails on options that make no sense and on a journal it cannot read.
func New(opts Options) (*Server, error) {
	if opts.Now == nil {
		opts.Now = time.Now
	}
	if opts.Journal == nil {
		opts.Journal = MemoryJournal()
	}
	if opts.Answers == (Answers{}) {
		opts.Answers = DefaultAnswers()
	}
	s := &Server{
		opts:   opts,
		done:   make(chan struct{}),
		counts: newCounts(),
	}
	s.ups = upstreamsOf(s)
	errs := []error{opts.Answers.validate(), opts.Completion.validate(), opts.Webhooks.validate()}
	for _, a := range opts.Accounts {
		errs = append(errs, s.putAccount(a))
	}
	for _, u := range s.ups {
		if s.accountWhere(u.name(), func(*account) bool { return true }) == nil {
			errs = append(errs, s.putAccount(defaultAccount(u.name())))
		}
	}
	for _, f := range opts.Faults {
		errs = append(errs, s.SetFault(f))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	if err := opts.Journal.Replay(s.replay); err != nil {
		return nil, fmt.Errorf("replay journal: %w", err)
	}
	s.sender = newSender(s, opts.Webhooks)
	for _, b := range s.attestr.order {
		s.sender.plan(b, s.now())
	}
	s.sender.start()
	s.admin = s.adminRoutes()
	s.handler = s.routes()
	return s, nil
}

// Handler serves the providers' routes and the admin routes.
func (s *Server) Handler() http.Handler { return s.handler }

// AdminHandler serves the admin routes alone.
func (s *Server) AdminHandler() http.Handler { return s.admin }

// Close ends the requests that a fault holds back and the sending of webhooks, and closes the journal. Requests that
// come later and would be charged are refused.
func (s *Server) Close() error {
	var err error
	s.closing.Do(func() {
		close(s.done)
		s.sender.close()
		s.mu.Lock()
		defer s.mu.Unlock()
		err = s.opts.Journal.Close()
	})
	if err != nil {
		return fmt.Errorf("close journal: %w", err)
	}
	return nil
}

// Answer is what the stand-in answers about plate.
func (s *Server) Answer(plate string) Answer { return s.opts.Answers.For(plate, s.opts.Seed) }

func (s *Server) now() time.Time { return s.opts.Now().UTC().Round(0) }

func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/_sim/", s.admin)
	for _, u := range s.ups {
		u.routes(mux)
	}
	return mux
}

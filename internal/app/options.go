package app

import (
	"io"
	"time"

	"github.com/rs/zerolog"

	"github.com/plateq/plateq/client"
	"github.com/plateq/plateq/internal/config"
	"github.com/plateq/plateq/internal/export"
	"github.com/plateq/plateq/internal/intake"
	"github.com/plateq/plateq/store"
)

// Parts are what a process does. They combine.
type Parts uint8

// The parts of Plateq.
const (
	// Books opens the store and nothing else.
	Books Parts = 0
	// Worker calls providers.
	Worker Parts = 1 << iota
	// Scheduler decides when: rings for chunks and tickets, judges dead calls.
	Scheduler
	// Server listens for the HTTP API.
	Server
	// Hooks listens for the webhooks of providers and nothing else, where Server
	// does not.
	Hooks
)

// Options say how to open an App.
type Options struct {
	Config config.Config
	// Simulate puts stand-ins in the place of every provider, in a store of
	// its own below the data directory.
	Simulate bool
	Log      zerolog.Logger
	// Now is the clock; nil: time.Now.
	Now func() time.Time
	// Stays: the process goes on until it is told to end, and serves /metrics.
	Stays bool
	// alone: one list is looked up, and schedules are left to others.
	alone bool
}

// RunOptions say what `plateq run` is to do with one list.
type RunOptions struct {
	Provider string
	In       string // a path, or "-" for standard input
	Intake   intake.Options
	Out      string // a path, or "-" for Stdout
	Problems string // a path to which rows that are invalid or odd go, before anybody is asked; "": nowhere
	Errors   string // a path to which rows without an answer go, instead; "": to Out
	Stdout   io.Writer
	Export   export.Options
	Name     string
	Purpose  string
	Weight   float64
	// MaxCost is the budget of the list, in the currency of its provider's
	// price; empty: only others bound it. A list that is gone on with gets it too.
	MaxCost config.Amount
	// Kept is how long rows are kept after the end of the list; 0: as long as
	// those of any.
	Kept  time.Duration
	Limit int  // only the first rows; 0: all
	Fresh bool // ignore known answers, and start anew
	Raw   bool // keep and write answers as received
	// MaxWait bounds the waiting for closed gates, and has the run end at once where
	// only a person opens one; 0: no bound.
	MaxWait time.Duration
	// Confirm is told what the list will come to before it is accepted; an error
	// of it ends the run. Duplicates are rows on a question of this list, Known
	// and the like count rows, Different is not told. nil: nobody is.
	Confirm func(client.Estimate) error
	// Progress is told now and then how things stand; nil: nobody is.
	Progress func(Progress)
}

// Stage names what a run is doing.
type Stage string

// The stages of a run, in order.
const (
	StageReading Stage = "reading"
	StageLooking Stage = "looking up"
	StageWriting Stage = "writing"
)

// Progress is how a run stands.
type Progress struct {
	Stage  Stage
	Batch  string
	Rows   int // in the list; while reading: so far
	Counts store.Counts
	// Waiting says what the run waits for beyond the provider's own time: a
	// gate's scope and reason, and until when. Empty: nothing.
	Waiting string
	Until   time.Time
}

// Summary is what a run came to.
type Summary struct {
	Batch   string
	Counts  store.Counts
	Rows    int
	Calls   int // paid calls of this batch, as the ledger has them
	Polls   int
	Saved   store.Shared // rows that cost no question of their own
	Spent   string       // by the books: "12.50 INR"; empty: no price is known
	Took    time.Duration
	HeldBy  string // the budget that had no room for more, by its scope; empty: none
	Again   bool   // an unfinished run was resumed
	Written bool   // it was done before, the rows were only written again
}

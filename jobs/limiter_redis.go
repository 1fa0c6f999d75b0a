package jobs

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/plateq/plateq/providers"
)

// What all scripts share, in the order in which they need each other.
var (
	//go:embed lua/begin.lua
	beginLua string
	//go:embed lua/told.lua
	toldLua string
	//go:embed lua/learn.lua
	learnLua string
	//go:embed lua/fleet.lua
	fleetLua string
	//go:embed lua/workers.lua
	workersLua string
)

// The scripts.
var (
	//go:embed lua/reserve.lua
	reserveLua string
	//go:embed lua/refused.lua
	refusedLua string
	//go:embed lua/empty.lua
	emptyLua string
	//go:embed lua/attend.lua
	attendLua string
)

const (
	// horizon is how much of its time the fleet may have promised in lots;
	// maxDebt is how long anyone is to wait for what it is promised.
	horizon = time.Second
	maxDebt = time.Minute
)

// The scopes of a provider, by their place among its keys.
const (
	account = iota
	submits
	polls
	scopes
)

// endpoint is the scope of a kind's own endpoint.
func endpoint(k Kind) int { return submits + int(k) }

// scripts are what a Limiter asks of Redis.
type scripts struct {
	client                  redis.UniversalClient
	reserve, refused, empty *redis.Script
	attends                 *redis.Script
	names                   [scopes]string // of scopes, as errors of the provider name them
	fleet, day, workers     string         // keys
	scopes                  [scopes]string // keys
}

func newScripts(c redis.UniversalClient, spec providers.Spec) *scripts {
	key := "plateq:{" + Queue(spec.Name) + "}:"
	s := &scripts{
		client:  c,
		reserve: redis.NewScript(beginLua + toldLua + learnLua + fleetLua + workersLua + reserveLua),
		refused: redis.NewScript(beginLua + toldLua + learnLua + refusedLua),
		empty:   redis.NewScript(beginLua + toldLua + learnLua + emptyLua),
		attends: redis.NewScript(beginLua + workersLua + attendLua),
		names:   [scopes]string{spec.Name, spec.SubmitScope(), spec.PollScope()},
		fleet:   key + "fleet", day: key + "day", workers: key + "workers",
	}
	for i, name := range s.names {
		s.scopes[i] = key + "pace:" + name
	}
	return s
}

// scope returns the place of a scope that the provider named.
func (s *scripts) scope(name string) int {
	for i, n := range s.names[1:] {
		if n == name {
			return i + 1
		}
	}
	return account
}

// question is what the scripts are told. Times are in µs.
type question struct {
	Now      int64           `json:"now,omitempty"` // 0: that of Redis
	Deadline int64           `json:"deadline,omitempty"`
	Turn     string          `json:"turn"`
	Debt     int64           `json:"debt"`
	Again    int64           `json:"again"`
	Drain    bool            `json:"drain,omitempty"`
	Alive    int64           `json:"alive"`
	Slots    slotQuestion    `json:"slots"`
	Day      *dayQuestion    `json:"day,omitempty"`
	Scopes   []scopeQuestion `json:"scopes"`
	places   []int           // of Scopes
}

type slotQuestion struct {
	Worker string `json:"worker"`
	Max    int    `json:"max"`
	Busy   int    `json:"busy"`
	Wants  int    `json:"wants"`
	Turn   int    `json:"turn"`
	Lease  int64  `json:"lease"`
	Known  bool   `json:"known,omitempty"`
	Live   int    `json:"live"`
}

type dayQuestion struct {
	Till  int64 `json:"till"`
	Last  int64 `json:"last"` // the last end that it may have
	Limit int   `json:"limit"`
	Used  int   `json:"used"`
	Spent int   `json:"spent"`
}

type scopeQuestion struct {
	Of     string  `json:"of"` // a letter, or empty: all kinds
	Learn  bool    `json:"learn,omitempty"`
	Burst  float64 `json:"burst,omitempty"`
	Fresh  float64 `json:"fresh"` // tokens, or µs until the first where the rate is learnt
	Unused int     `json:"unused"`
	Calm   int64   `json:"calm,omitempty"` // until its gate opens
	learnt         // or, in Rate, what is told
}

// What became of a question.
type status int64

const (
	granted status = iota
	tooLate        // the deadline was over
	newDay         // another day has begun
	usedUp         // the day's requests are
)

// reply is the answer to a question.
type reply struct {
	status  status
	now     int64
	granted [kinds]int
	held    [kinds]time.Duration
	slots   int // that are held from now on
	keepTo  int // the part of them that is to be used again
	live    int
	crowded bool
	used    int
	present int
	till    int64 // when the day ends
	scopes  []scopeReply
}

type scopeReply struct {
	free           int
	first, spacing time.Duration
	rate, limit    float64
	phase          int
}

// due is how long it is until the i-th token of a scope may be used.
func (s scopeReply) due(i int) time.Duration {
	if i < s.free {
		return 0
	}
	return s.first + time.Duration(i-s.free)*s.spacing
}

func (s *scripts) ask(ctx context.Context, q question) (reply, error) {
	keys := []string{s.fleet, s.day, s.workers}
	for _, i := range q.places {
		keys = append(keys, s.scopes[i])
	}
	body, err := json.Marshal(q)
	if err != nil {
		return reply{}, fmt.Errorf("write question: %w", err)
	}
	v, err := s.reserve.Run(ctx, s.client, keys, body).Int64Slice()
	if err != nil {
		return reply{}, fmt.Errorf("ask Redis for the pace: %w", err)
	}
	return readReply(v)
}

var errReply = errors.New("ask Redis for the pace: the answer is not one")

func readReply(v []int64) (reply, error) {
	const head, each = 13, 6
	if len(v) < 2 {
		return reply{}, errReply
	}
	r := reply{status: status(v[0]), now: v[1]}
	if r.status == tooLate || r.status == newDay {
		return r, nil
	}
	if len(v) < head || (len(v)-head)%each != 0 {
		return reply{}, errReply
	}
	r.granted = [kinds]int{int(v[2]), int(v[3])}
	r.held = [kinds]time.Duration{micro(v[4]), micro(v[5])}
	r.slots, r.keepTo, r.live, r.crowded = int(v[6]), int(v[7]), int(v[8]), v[9] > 0
	r.used, r.present, r.till = int(v[10]), int(v[11]), v[12]
	for s := v[head:]; len(s) > 0; s = s[each:] {
		r.scopes = append(r.scopes, scopeReply{
			free: int(s[0]), first: micro(s[1]), spacing: micro(s[2]),
			rate: float64(s[3]) / 1000, limit: float64(s[4]) / 1000, phase: int(s[5]),
		})
	}
	return r, nil
}

func micro(n int64) time.Duration { return time.Duration(n) * time.Microsecond }

// refusal is what Redis is told of a request that was one too many.
type refusal struct {
	Now   int64         `json:"now,omitempty"` // 0: that of Redis
	Scope scopeQuestion `json:"scope"`
	Age   int64         `json:"age"`
	Retry int64         `json:"retry"`
}

func (s *scripts) refuse(ctx context.Context, scope int, r refusal) error {
	return tell(ctx, s.refused, s.client, []string{s.scopes[scope]}, r)
}

// drain leaves nothing for now in the scopes.
func (s *scripts) drain(ctx context.Context, all []scopeQuestion) error {
	return tell(ctx, s.empty, s.client, s.scopes[:], question{Scopes: all})
}

// shut leaves nothing in one scope until its gate opens, and little then.
func (s *scripts) shut(ctx context.Context, scope int, q scopeQuestion) error {
	return tell(ctx, s.empty, s.client, []string{s.scopes[scope]}, question{Scopes: []scopeQuestion{q}})
}

// attend says that a worker is there and returns how many are.
func (s *scripts) attend(ctx context.Context, worker string) (int, error) {
	body, err := json.Marshal(map[string]any{"worker": worker, "alive": attendFor.Microseconds()})
	if err != nil {
		return 0, fmt.Errorf("write question: %w", err)
	}
	n, err := s.attends.Run(ctx, s.client, []string{s.workers}, body).Int()
	if err != nil {
		return 0, fmt.Errorf("attend in Redis: %w", err)
	}
	return n, nil
}

// leave ends what a worker holds.
func (s *scripts) leave(ctx context.Context, worker string) error {
	err := errors.Join(s.client.HDel(ctx, s.fleet, worker).Err(), s.client.ZRem(ctx, s.workers, worker).Err())
	if err != nil {
		return fmt.Errorf("leave the fleet: %w", err)
	}
	return nil
}

func tell(ctx context.Context, script *redis.Script, c redis.UniversalClient, keys []string, q any) error {
	body, err := json.Marshal(q)
	if err != nil {
		return fmt.Errorf("write question: %w", err)
	}
	if err := script.Run(ctx, c, keys, body).Err(); err != nil {
		return fmt.Errorf("tell Redis of the pace: %w", err)
	}
	return nil
}

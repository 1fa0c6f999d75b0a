package doctor

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/plateq/plateq/store"
)

const checkRedis = "redis"

// leastRedis is the oldest that has the commands asynq uses.
const leastRedis = "6.2"

func examineRedis(ctx context.Context, p Patient, clocks map[string]store.ClockReading) []Finding {
	if p.Redis == nil {
		return []Finding{{Check: checkRedis, Text: "it is embedded in the process"}}
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	all := Guard(*p.Redis)
	cluster, ok := p.Redis.Client.(*redis.ClusterClient)
	if !ok {
		return append(all, node(ctx, p.Redis.Client, p, "its server", clocks)...)
	}
	if state, err := cluster.ClusterInfo(ctx).Result(); err == nil && info(state)["cluster_state"] != "ok" {
		all = append(all, Finding{
			Check: checkRedis, Level: Fault, Text: "the cluster is not whole: some slots have no master",
			Do: "bring the masters back, or give their slots to others: redis-cli --cluster fix",
		})
	}
	var mu sync.Mutex
	err := cluster.ForEachMaster(ctx, func(ctx context.Context, master *redis.Client) error {
		found := node(ctx, master, p, master.Options().Addr, nil)
		mu.Lock()
		defer mu.Unlock()
		all = append(all, found...)
		return nil
	})
	if err != nil {
		all = append(all, away(err))
	}
	slices.SortStableFunc(all, func(a, b Finding) int { return cmp.Compare(a.Text, b.Text) })
	return all
}

func away(err error) Finding {
	f := Finding{Check: checkRedis, Level: Fault, Text: fmt.Sprintf("it does not answer: %v", err), Do: "see that it runs, and that host and port of PLATEQ_REDIS_URL are right"}
	text := err.Error()
	if strings.HasPrefix(text, "WRONGPASS") || strings.HasPrefix(text, "NOAUTH") || strings.HasPrefix(text, "ERR AUTH") {
		f.Text, f.Do, f.Cause = "it refuses user or password", "correct them in PLATEQ_REDIS_URL", Settings
	}
	return f
}

// node looks at one server; where clocks are wanted its clock is compared.
func node(ctx context.Context, c redis.Cmdable, p Patient, name string, clocks map[string]store.ClockReading) []Finding {
	if err := c.Ping(ctx).Err(); err != nil {
		return []Finding{away(err)}
	}
	if clocks != nil {
		asked := p.Now()
		if there, err := c.Time(ctx).Result(); err == nil {
			clocks["Redis"] = *store.NewClockReading(asked, there, p.Now())
		}
	}
	text, err := c.Info(ctx).Result()
	if err != nil {
		return []Finding{{
			Check: checkRedis, Level: Note, Text: name + " answers and does not tell its settings",
			Do: "let the user read them (+info), or see yourself that maxmemory-policy is noeviction",
		}}
	}
	return Server(name, info(text), p.Redis.Cluster)
}

// info reads lines of name:value.
func info(text string) map[string]string {
	all := map[string]string{}
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			all[name] = value
		}
	}
	return all
}

// Server judges what INFO of one server says. inCluster: it is asked as one of
// a cluster.
func Server(name string, said map[string]string, inCluster bool) []Finding {
	all := []Finding{{Check: checkRedis, Text: fmt.Sprintf("%s answers: Redis %s", name, said["redis_version"])}}
	add := func(l Level, text, do string) {
		all = append(all, Finding{Check: checkRedis, Level: l, Text: name + " " + text, Do: do})
	}
	if older(said["redis_version"], leastRedis) {
		add(Fault, "is older than "+leastRedis, "install Redis "+leastRedis+" or a newer one")
	}
	if said["redis_mode"] == "cluster" && !inCluster {
		add(Fault, "is one of a cluster", "write redis-cluster:// in PLATEQ_REDIS_URL")
	}
	if said["role"] == "slave" {
		add(Fault, "is a replica and takes no writes", "name the master, or write redis-sentinel:// in PLATEQ_REDIS_URL")
	}
	if said["loading"] == "1" {
		add(Warning, "is still reading its files", "wait: work begins when it is done")
	}
	all = append(all, memory(name, said)...)
	all = append(all, persistence(name, said)...)
	if replicas, _ := strconv.Atoi(said["connected_slaves"]); replicas > 0 && said["min_slaves_good_slaves"] == "" {
		add(Note, "has replicas and takes writes without them: a master that is cut off goes on giving out the pace of providers beside the new one",
			"set min-replicas-to-write 1 and min-replicas-max-lag 10")
	}
	return all
}

func memory(name string, said map[string]string) []Finding {
	limit, _ := strconv.ParseInt(said["maxmemory"], 10, 64)
	used, _ := strconv.ParseInt(said["used_memory"], 10, 64)
	policy := said["maxmemory_policy"]
	var all []Finding
	if policy != "" && policy != "noeviction" {
		f := Finding{Check: checkRedis, Level: Note, Text: fmt.Sprintf("%s has no limit of memory; with one it would evict keys (maxmemory-policy %s)", name, policy), Do: "set maxmemory-policy noeviction"}
		if limit > 0 {
			f.Level, f.Cause = Fault, Settings
			f.Text = fmt.Sprintf("%s evicts keys when it is full (maxmemory-policy %s): tasks would be lost", name, policy)
		}
		all = append(all, f)
	}
	const fullAt = 0.8
	if limit > 0 && float64(used) > fullAt*float64(limit) {
		all = append(all, Finding{
			Check: checkRedis, Level: Warning, Text: fmt.Sprintf("%s uses %s of %s: when it is full no list is taken", name, size(used), size(limit)),
			Do: "raise maxmemory, or see what else fills it: redis-cli --bigkeys",
		})
	}
	return all
}

func persistence(name string, said map[string]string) []Finding {
	var all []Finding
	if said["aof_enabled"] == "0" {
		all = append(all, Finding{
			Check: checkRedis, Level: Warning, Text: name + " keeps no append-only file: after its restart the queue is rebuilt from the store, and the pace found out anew",
			Do: "set appendonly yes and appendfsync everysec",
		})
	}
	for _, last := range []string{"aof_last_write_status", "aof_last_bgrewrite_status", "rdb_last_bgsave_status"} {
		if status := said[last]; status != "" && status != "ok" {
			all = append(all, Finding{Check: checkRedis, Level: Fault, Text: fmt.Sprintf("%s cannot write its files (%s: %s)", name, last, status), Do: "see its log, and that its disk has room"})
		}
	}
	return all
}

// older reports whether a version is below another, by its first two numbers.
// One that cannot be read is not.
func older(version, than string) bool {
	a, ok := numbers(version)
	b, _ := numbers(than)
	return ok && slices.Compare(a, b) < 0
}

func numbers(version string) (all []int, ok bool) {
	major, rest, _ := strings.Cut(version, ".")
	minor, _, _ := strings.Cut(rest, ".")
	for _, part := range []string{major, minor} {
		n, err := strconv.Atoi(part)
		if err != nil {
			return nil, false
		}
		all = append(all, n)
	}
	return all, true
}

// Guard judges how a Redis is reached.
func Guard(r Redis) []Finding {
	var all []Finding
	if far := slices.ContainsFunc(r.Hosts, func(h string) bool { return !Local(h) }); far && !r.Guarded {
		all = append(all, Finding{Check: checkRedis, Level: Warning, Text: "it is reached over a network without a password", Do: "give it a user of its own: see docs/redis.md"})
	}
	return append(all, exposure(checkRedis, Note, r.Exposed)...)
}

// maxSkew is how far clocks may be apart: signs of life are a minute old before
// they mean anything, and polls wait for seconds.
const (
	maxSkew   = 2 * time.Second
	worseSkew = 20 * time.Second
)

// Clocks judges how other clocks stand beside ours.
func Clocks(clocks map[string]store.ClockReading) []Finding {
	var all []Finding
	for _, of := range slices.Sorted(maps.Keys(clocks)) {
		r := clocks[of]
		off := max(r.Ahead.Abs()-r.Give, 0)
		way := "ahead of"
		if r.Ahead < 0 {
			way = "behind"
		}
		f := Finding{Check: "clock", Text: fmt.Sprintf("that of %s agrees with this machine's", of)}
		if off > maxSkew {
			f.Level, f.Text = Warning, fmt.Sprintf("that of %s is %s %s this machine's", of, off.Round(time.Millisecond), way)
			f.Do = "have both machines keep time: chronyd or systemd-timesyncd"
		}
		if off > worseSkew {
			f.Level = Fault
		}
		all = append(all, f)
	}
	return all
}

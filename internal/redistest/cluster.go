package redistest

import (
	"context"
	"strconv"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"
)

const (
	masters      = 3
	clusterSlots = 16384
)

// Cluster is three masters with a replica each: within three seconds of the
// death of a master its replica stands in for it.
type Cluster struct {
	Masters, Replicas []*Server
	bus               map[*Server]int // the port by which nodes speak to each other
}

// StartCluster runs all six, and waits until every slot is served and every
// replica has what its master has.
func StartCluster(t testing.TB) *Cluster {
	t.Helper()
	c := &Cluster{bus: map[*Server]int{}}
	for range masters {
		c.Masters = append(c.Masters, c.node(t))
		c.Replicas = append(c.Replicas, c.node(t))
	}
	c.meet(t)
	await(t, "the nodes of the cluster to find each other", c.met)
	c.share(t)
	await(t, "the cluster to serve", c.ready)
	return c
}

func (c *Cluster) node(t testing.TB) *Server {
	t.Helper()
	bus := freePort(t)
	s := Start(t, "--appendonly", "yes", "--cluster-enabled", "yes", "--cluster-node-timeout", "2000",
		"--cluster-port", strconv.Itoa(bus), "--repl-diskless-sync-delay", "0")
	c.bus[s] = bus
	return s
}

func (c *Cluster) nodes() []*Server { return append(append([]*Server{}, c.Masters...), c.Replicas...) }

// meet tells the first node of all others.
func (c *Cluster) meet(t testing.TB) {
	t.Helper()
	all := c.nodes()
	for _, n := range all[1:] {
		if err := all[0].Client().Do(t.Context(), "CLUSTER", "MEET", "127.0.0.1", n.portText(), c.bus[n]).Err(); err != nil {
			t.Fatal(err)
		}
	}
}

// met reports whether each node knows all of them.
func (c *Cluster) met(ctx context.Context) bool {
	all := c.nodes()
	for _, n := range all {
		nodes, err := ask(ctx, n, (*redis.Client).ClusterNodes)
		if err != nil || strings.Count(nodes, "connected") != len(all) || strings.Contains(nodes, "handshake") {
			return false
		}
	}
	return true
}

// slots are those of the i-th master, both ends included.
func slots(i int) (from, to int) {
	return i * clusterSlots / masters, (i+1)*clusterSlots/masters - 1
}

// share gives each master its part of the slots, and a replica.
func (c *Cluster) share(t testing.TB) {
	t.Helper()
	for i, m := range c.Masters {
		from, to := slots(i)
		if err := m.Client().ClusterAddSlotsRange(t.Context(), from, to).Err(); err != nil {
			t.Fatal(err)
		}
		id, err := m.Client().ClusterMyID(t.Context()).Result()
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Replicas[i].Client().ClusterReplicate(t.Context(), id).Err(); err != nil {
			t.Fatal(err)
		}
	}
}

func (c *Cluster) ready(ctx context.Context) bool {
	for _, n := range c.nodes() {
		if info, err := ask(ctx, n, (*redis.Client).ClusterInfo); err != nil || !strings.Contains(info, "cluster_state:ok") {
			return false
		}
	}
	for _, r := range c.Replicas {
		if !synced(ctx, r) {
			return false
		}
	}
	return true
}

func ask(ctx context.Context, s *Server, what func(*redis.Client, context.Context) *redis.StringCmd) (string, error) {
	c := redis.NewClient(s.options())
	defer c.Close() //nolint:errcheck // it was only asked
	return what(c, ctx).Result()
}

// URL is that by which Plateq finds the nodes.
func (c *Cluster) URL() string {
	addrs := make([]string, len(c.Masters))
	for i, m := range c.Masters {
		addrs[i] = m.Addr()
	}
	return "redis-cluster://" + strings.Join(addrs, ",")
}

// MasterOf returns the master that serves a key.
func (c *Cluster) MasterOf(t testing.TB, key string) *Server {
	t.Helper()
	slot, err := c.Masters[0].Client().ClusterKeySlot(t.Context(), key).Result()
	if err != nil {
		t.Fatal(err)
	}
	for i, m := range c.Masters {
		if from, to := slots(i); from <= int(slot) && int(slot) <= to {
			return m
		}
	}
	t.Fatalf("nobody serves slot %d", slot)
	return nil
}

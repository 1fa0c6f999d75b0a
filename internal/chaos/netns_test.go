//go:build chaos

package chaos_test

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

// network is a namespace of its own for workers, behind another one that may
// drop what passes. What it drops nobody is told of, as where a cable is cut.
type network struct {
	t     *trial
	inner string // where workers run
	mid   string // what is between them and us
	n     int
	hosts int // addresses given to servers
}

// networks numbers them over the cells of this process.
var networks atomic.Int32

// startNetwork makes one. It needs root, and Linux with iproute2.
func startNetwork(t *trial) *network {
	t.Helper()
	if os.Getuid() != 0 {
		t.unable("only root may make network namespaces")
	}
	// Two runs on one machine must not meet: most of the time they do not.
	n := &network{t: t, n: (os.Getpid()*8 + int(networks.Add(1))) % 250}
	n.inner, n.mid = fmt.Sprintf("pq%din", n.n), fmt.Sprintf("pq%dmid", n.n)
	t.Cleanup(func() {
		_ = exec.Command("ip", "netns", "del", n.inner).Run() // with its ends of the links
		_ = exec.Command("ip", "netns", "del", n.mid).Run()
	})
	a, b := fmt.Sprintf("pq%da", n.n), fmt.Sprintf("pq%db", n.n)
	for _, line := range []string{
		"netns add " + n.inner, "netns add " + n.mid,
		"link add " + a + "0 type veth peer name " + a + "1",
		"link set " + a + "0 netns " + n.inner, "link set " + a + "1 netns " + n.mid,
		"link add " + b + "0 type veth peer name " + b + "1",
		"link set " + b + "0 netns " + n.mid,
		"addr add " + n.at(1, 1) + "/30 dev " + b + "1", "link set " + b + "1 up",
		"-n " + n.inner + " link set lo up",
		"-n " + n.inner + " addr add " + n.at(0, 2) + "/30 dev " + a + "0", "-n " + n.inner + " link set " + a + "0 up",
		"-n " + n.mid + " addr add " + n.at(0, 1) + "/30 dev " + a + "1", "-n " + n.mid + " link set " + a + "1 up",
		"-n " + n.mid + " addr add " + n.at(1, 2) + "/30 dev " + b + "0", "-n " + n.mid + " link set " + b + "0 up",
		"-n " + n.inner + " route add default via " + n.at(0, 1),
		"route add " + n.at(0, 0) + "/30 via " + n.at(1, 2),
		"-n " + n.mid + " route add " + n.at(2, 0) + "/24 via " + n.at(1, 1),
	} {
		n.ip(line)
	}
	if out, err := exec.Command("ip", "netns", "exec", n.mid, "sysctl", "-qw", "net.ipv4.ip_forward=1").CombinedOutput(); err != nil {
		t.Fatalf("let packets pass: %v: %s", err, out)
	}
	return n
}

// at is an address of one of the networks: 0 inside, 1 between, 2 ours.
func (n *network) at(which, host int) string {
	if which == 2 {
		return fmt.Sprintf("10.%d.2.%d", n.n, host)
	}
	return fmt.Sprintf("10.%d.%d.%d", n.n, which, host)
}

func (n *network) ip(line string) {
	n.t.Helper()
	if out, err := exec.Command("ip", strings.Fields(line)...).CombinedOutput(); err != nil {
		n.t.Fatalf("ip %s: %v: %s", line, err, out)
	}
}

// bring lets workers reach a server of ours at an address of its own, which it
// returns.
func (n *network) bring(server string) (host, addr string) {
	n.t.Helper()
	n.hosts++
	host = n.at(2, n.hosts)
	n.ip(fmt.Sprintf("addr add %s/32 dev pq%db1", host, n.n))
	_, port, _ := strings.Cut(server, ":")
	l, err := net.Listen("tcp", host+":"+port)
	if err != nil {
		n.t.Fatal(err)
	}
	n.t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go pass(c, server)
		}
	}()
	return host, host + ":" + port
}

// pass hands bytes on, both ways, until either end is closed.
func pass(client net.Conn, to string) {
	defer client.Close()
	server, err := net.Dial("tcp", to)
	if err != nil {
		return
	}
	defer server.Close()
	go func() {
		_, _ = io.Copy(client, server) // the other end notices
		_ = client.Close()
	}()
	_, _ = io.Copy(server, client) // likewise
}

// cut drops what goes to a server, and heal no longer.
func (n *network) cut(host string)  { n.ip("-n " + n.mid + " route add blackhole " + host + "/32") }
func (n *network) heal(host string) { n.ip("-n " + n.mid + " route del blackhole " + host + "/32") }

// part drops what goes either way, and join no longer.
func (n *network) part(host string) { n.cut(host); n.cutReplies(host) }
func (n *network) join(host string) { n.heal(host); n.healReplies(host) }

// cutReplies drops what comes from a server.
func (n *network) cutReplies(host string) {
	n.ip("-n " + n.mid + " rule add from " + host + " to " + n.at(0, 2) + " blackhole")
}

func (n *network) healReplies(host string) {
	n.ip("-n " + n.mid + " rule del from " + host + " to " + n.at(0, 2) + " blackhole")
}

// wires are the ways of a worker that runs in a network of its own.
type wires struct {
	*network
	redis, store, provider string // addresses of the servers
	worker                 *process
}

// apart starts a world whose only worker is behind wires.
func (t *trial) apart(g ground) (*world, *wires) {
	t.Helper()
	n := startNetwork(t)
	w := t.build(g)
	x := w.wire(n)
	w.workers = append(w.workers, x.worker)
	w.scheduler = w.spawn("scheduler")
	w.submit()
	return w, x
}

// wire starts a worker that reaches everything through a network.
func (w *world) wire(n *network) *wires {
	w.Helper()
	x := &wires{network: n}
	env := w.env
	move := func(name, from string) (host string) {
		host, to := n.bring(from)
		moved := slices.Clone(env)
		for i, e := range moved {
			if strings.HasPrefix(e, name+"=") {
				moved[i] = strings.Replace(e, from, to, 1)
			}
		}
		env = moved
		return host
	}
	x.redis = move("PLATEQ_REDIS_URL", w.redis.Addr())
	_, rest, _ := strings.Cut(w.url, "@")
	server, _, _ := strings.Cut(rest, "/")
	x.store = move("PLATEQ_DATABASE_URL", server)
	x.provider = move("PLATEQ_ATTESTR_BASE_URL", "127.0.0.1:"+w.provider.port)
	path, err := program()
	if err != nil {
		w.Fatal(err)
	}
	x.worker = startProcess(w, w.dir, "worker-apart", env, "ip", "netns", "exec", n.inner, path, "worker")
	w.started = append(w.started, x.worker)
	return x
}

// cutFor cuts the way to a server for a time.
func (w *world) cutFor(x *wires, host string, d time.Duration) {
	w.fault(func() { x.part(host) }, d, func() { x.join(host) })
}

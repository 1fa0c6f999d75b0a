package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// asPlateq in the environment makes the test binary plateq itself.
const asPlateq = "TEST_AS_PLATEQ=1"

func TestMain(m *testing.M) {
	if os.Getenv("TEST_AS_PLATEQ") != "" {
		main()
	}
	heedTerminals()
	os.Exit(m.Run())
}

// place is a directory with lists in it, where commands run with an
// environment of their own.
type place struct {
	dir string
	env []string
}

const fleet = "id,plate,depot\na,DL01AA1000,north\nb,dl 01 aa 1001,south\nc,DL-01-AA-1000,north\n"

func newPlace(t *testing.T, env ...string) *place {
	t.Helper()
	p := &place{dir: t.TempDir(), env: append([]string{asPlateq, "HOME=/nowhere", "PLATEQ_URL=http://127.0.0.1:1"}, env...)}
	p.write(t, "fleet.csv", fleet)
	p.write(t, "mixed.csv", fleet+"d,??,west\n")
	p.write(t, "empty.csv", "plate\n")
	p.write(t, "none.csv", "colour\nred\n")
	p.write(t, "latin.csv", "plate\nDL01AA1000\n\xe4\xf6\xfc\n")
	p.write(t, "sheet.xlsx", "PK")
	return p
}

func (p *place) write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(p.dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (p *place) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, os.Args[0], args...)
	cmd.Dir, cmd.Env = p.dir, p.env
	return cmd
}

// plateq runs a command to its end.
func (p *place) plateq(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	cmd := p.command(t.Context(), args...)
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	if _, exited := errors.AsType[*exec.ExitError](err); err != nil && !exited {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), out.String(), errs.String()
}

// ok runs a command that must exit with code, and returns its output.
func (p *place) ok(t *testing.T, code int, args ...string) (stdout, stderr string) {
	t.Helper()
	got, out, errs := p.plateq(t, args...)
	if got != code {
		t.Fatalf("plateq %s: exit %d, want %d\n%s%s", strings.Join(args, " "), got, code, out, errs)
	}
	return out, errs
}

func TestWrongUse(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		args string
		env  string
		want string // in the one line on standard error
	}{
		{"bogus", "", `there is no command "bogus": see plateq --help`},
		{"statsu", "", "is it plateq status?"},
		{"run", "", "FILE is missing: see plateq run --help"},
		{"run a b -p attestr", "", `"b" is one argument too many`},
		{"run fleet.csv", "", "-p PROVIDER is missing"},
		{"unknown adopt 17 T --batch b_x", "", "--row is missing: it goes with --batch"},
		{"unknown adopt 17 T --row 0", "", "--row must be the number of a row, from 1"},
		{"run fleet.csv -p attestr --colour red", "", "unknown flag: --colour: see plateq run --help"},
		{"run fleet.csv -p attestr --limit many", "", "invalid argument"},
		{"run fleet.csv -p attestr --limit -1", "", "--limit -1: it cannot be negative"},
		{"run fleet.csv -p attestr --limit 0", "", "--limit 0"},
		{"run fleet.csv -p attestr --set operator", "", "KEY=VALUE"},
		{"run fleet.csv -p attestr -o out.pdf", "", "out.pdf"},
		{"run sheet.xlsx -p attestr --simulate", "", "sheet.xlsx"},
		{"run nothing.csv -p attestr --simulate", "", "nothing.csv: no such file or directory"},
		{"run . -p attestr --format csv --simulate", "", "directory"},
		{"run fleet.csv -p nobody --simulate", "", `unknown provider "nobody": there is aopay, attestr, `},
		{"run fleet.csv -p attestr", "", "provider attestr is not set up"},
		{"run empty.csv -p attestr --simulate", "", "empty.csv: there is no row in it"},
		{"run none.csv -p attestr --simulate", "", "colour"},
		{"run latin.csv -p attestr --simulate", "", "latin.csv: line 3"},
		{"run fleet.csv -p attestr --simulate --purpose fun", "PLATEQ_PURPOSES=claims", `--purpose "fun": it must be one of claims`},
		{"run fleet.csv -p attestr --simulate", "PLATEQ_GRACE=soon", `PLATEQ_GRACE: "soon" is no duration`},
		{"run fleet.csv -p attestr --simulate --max-cost 5", "", "--max-cost 5 is an amount, and no price is set: give PLATEQ_ATTESTR_PRICE and PLATEQ_ATTESTR_CURRENCY"},
		{"run fleet.csv -p attestr --simulate --max-cost 5,5", "", `--max-cost: "5,5" is no amount such as 12.50`},
		{"run fleet.csv -p attestr --simulate", "PLATEQ_BUDGET_DAY=0.5", "PLATEQ_BUDGET_DAY: no price is set, so that it counts questions"},
		{"budget", "", "there is no store"},
		{"budget set", "", "SCOPE is missing: see plateq budget set --help"},
		{"budget set tenant:default:day", "", "AMOUNT is missing: see plateq budget set --help"},
		{"budget set tenant:default:day five", "", `"five" is no amount such as 12.50`},
		{"budget unset", "", "SCOPE is missing"},
		{"budget sett", "", "sett"},
		{"unknown resend 1 2 --reason x", "", `"2" is one argument too many: see plateq unknown resend --help`},
		{"unknown give-up 1 2 --reason x", "", `"2" is one argument too many: see plateq unknown give-up --help`},
		{"list --limit -1 --simulate", "", "--limit -1: it cannot be negative"},
		{"ledger --limit -1 --simulate", "", "--limit -1: it cannot be negative"},
		{"audit list --limit -1 --simulate", "", "--limit -1: it cannot be negative"},
		{"hooks deliveries --limit -1 --simulate", "", "--limit -1: it cannot be negative"},
		{"run fleet.csv -p attestr --simulate --weight 99999", "", "--weight 99999: it must be more than 0 and at most 1000"},
		{"run fleet.csv -p attestr --simulate --weight NaN", "", "--weight NaN: it must be more than 0 and at most 1000"},
		{"run fleet.csv -p attestr --simulate --weight 0", "", "--weight 0: it must be more than 0 and at most 1000"},
		{"submit fleet.csv -p attestr --weight -1", "", "--weight -1: it must be more than 0 and at most 1000"},
		{"submit fleet.csv -p attestr --weight +Inf", "", "--weight +Inf: it must be more than 0 and at most 1000"},
		{"completion nosuch", "", `there is no command "nosuch": see plateq completion --help`},
		{"completion bahs", "", `there is no command "bahs": is it plateq completion bash?`},
		{"completion bash fish", "", `"fish" is one argument too many: see plateq completion bash --help`},
		{"help nosuch", "", `there is no command "nosuch": see plateq --help`},
		{"help run nosuch", "", `there is no command "nosuch": see plateq run --help`},
		{"submit fleet.csv -p attestr", "", "no server answers at http://127.0.0.1:1: start one with plateq up, or use plateq run"},
		{"estimate fleet.csv", "", "-p PROVIDER is missing: see plateq estimate --help"},
		{"estimate nothing.csv -p attestr --simulate", "", "nothing.csv: no such file or directory"},
		{"estimate fleet.csv -p attestr", "", "attestr"},
		{"estimate empty.csv -p attestr --simulate", "", "there is no row in it"},
		{"submit fleet.csv -p attestr -o out.csv", "", "-o goes with --wait"},
		{"submit nothing.csv -p attestr", "", "nothing.csv: no such file or directory"},
		{"list", "", "there is no store at plateq-data/plateq.db"},
		{"status b_1", "", "no server answers at http://127.0.0.1:1, and there is no store"},
		{"results", "", "BATCH is missing"},
		{"check", "", "there is no store"},
		{"providers a b", "", `"b" is one argument too many`},
		{"providers nobody", "", `there is no provider "nobody": there is aopay, attestr, `},
		{"gate open", "", "SCOPE is missing"},
		{"gate open attestr", "", "there is no store"},
		{"gate shut", "", `"shut" is one argument too many`},
		{"up", "PLATEQ_LISTEN=0.0.0.0:80", "there is no API key yet"},
		{"simulate --preset gentle", "", `there is no preset "gentle"`},
		{"simulate --fault nonsense", "", "nonsense"},
	} {
		t.Run(tt.args, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t, tt.env)
			out, errs := p.ok(t, 2, strings.Fields(tt.args)...)
			if out != "" {
				t.Errorf("standard output %q", out)
			}
			if !strings.HasPrefix(errs, "plateq: ") || strings.Count(errs, "\n") != 1 || !strings.Contains(errs, tt.want) {
				t.Errorf("standard error %q, want one line with %q", errs, tt.want)
			}
			if _, err := os.Stat(filepath.Join(p.dir, "out.csv")); err == nil {
				t.Error("a file was written")
			}
		})
	}
}

func TestCommandsThatNeedNothing(t *testing.T) {
	t.Parallel()
	p := newPlace(t, "PLATEQ_ATTESTR_AUTH_TOKEN=c4n4ry", "PLATEQ_LISTNE=x")
	for args, want := range map[string]string{
		"--help": "plateq run fleet.csv -p attestr -o results.csv", "run --help": "--max-wait", "version": "plateq ",
		"completion bash": "__start_plateq", "": "Available Commands",
		"providers": `"name":"attestr","title":"Attestr RC_MOBILE"`, "gate": "open",
	} {
		if out, _ := p.ok(t, 0, strings.Fields(args)...); !strings.Contains(out, want) {
			t.Errorf("plateq %s: %q is missing in %s", args, want, out)
		}
	}
	out, errs := p.ok(t, 0, "config")
	if strings.Contains(out, "c4n4ry") || !strings.Contains(out, "PLATEQ_ATTESTR_AUTH_TOKEN*") {
		t.Errorf("config: %s", out)
	}
	if !strings.Contains(errs, "is it PLATEQ_LISTEN?") {
		t.Errorf("config: no warning in %q", errs)
	}
	out, _ = p.ok(t, 0, "config", "--json")
	var variables []map[string]any
	if err := json.Unmarshal([]byte(out), &variables); err != nil || len(variables) < 40 || strings.Contains(out, "c4n4ry") {
		t.Errorf("config --json: %v, %s", err, out)
	}
}

func TestRunAndLook(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	run := []string{"run", "mixed.csv", "-p", "attestr", "--simulate", "-o", "out.csv"}
	_, errs := p.ok(t, 3, run...)
	for _, want := range []string{"4 rows: ", "1 invalid, 0 unknown", "calls that can cost: 1", "results: out.csv", "next: plateq results b_", "1 of 4 rows have no answer"} {
		if !strings.Contains(errs, want) {
			t.Errorf("%q is missing in %s", want, errs)
		}
	}
	text, err := os.ReadFile(filepath.Join(p.dir, "out.csv"))
	if err != nil || strings.Count(string(text), "\n") != 5 || strings.Count(string(text), "north") != 2 {
		t.Errorf("results %v\n%s", err, text)
	}
	out, errs := p.ok(t, 3, append(run, "--json")...)
	if !strings.Contains(errs, "was done before") || !strings.Contains(out, `"invalid":1`) {
		t.Errorf("the second run says %s%s", out, errs)
	}
	out, _ = p.ok(t, 0, "list", "--simulate")
	var b struct {
		ID, State string
		Rows      int
	}
	if err := json.Unmarshal([]byte(out), &b); err != nil || b.State != "done" || b.Rows != 4 {
		t.Fatalf("list: %v, %s", err, out)
	}
	if out, errs := p.ok(t, 0, "status", b.ID, "--simulate"); !strings.Contains(out, `"invalid":1`) || !strings.Contains(errs, "next: plateq results "+b.ID+" -o results.csv --simulate") {
		t.Errorf("status: %s%s", out, errs)
	}
	if out, _ := p.ok(t, 0, "results", b.ID, "--simulate", "--status", "invalid"); strings.Count(out, "\n") != 1 || !strings.Contains(out, `"row":4`) {
		t.Errorf("results: %s", out)
	}
	if out, errs := p.ok(t, 0, "results", b.ID, "--simulate", "--format", "csv", "--quiet"); strings.Count(out, "\n") != 5 || errs != "" {
		t.Errorf("results: %s%s", out, errs)
	}
	p.ok(t, 2, "status", "b_nobody", "--simulate")
	p.ok(t, 2, "results", b.ID, "--simulate", "--status", "lost")
	p.ok(t, 1, "resume", b.ID, "--simulate")
	if _, errs := p.ok(t, 0, "check", "--simulate"); !strings.Contains(errs, "the books balance") {
		t.Errorf("check: %s", errs)
	}
	if _, errs := p.ok(t, 2, "list"); !strings.Contains(errs, "add --simulate") {
		t.Errorf("list: %s", errs)
	}
}

func TestRunThroughPipes(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	cmd := p.command(t.Context(), "run", "-", "-p", "attestr", "--simulate", "--quiet")
	cmd.Stdin = strings.NewReader(`{"plate":"DL01AA1000","id":"x"}` + "\n")
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil || errs.Len() > 0 || strings.Count(string(out), "\n") != 1 || !strings.Contains(string(out), `"id":"x"`) {
		t.Errorf("%v, %s%s", err, out, &errs)
	}
}

// up starts a server in p and returns its address and what stops it, which
// returns its exit code.
func (p *place) up(t *testing.T) (addr string, stop func() int) {
	t.Helper()
	addr, cmd := p.serve(t, "127.0.0.1:0")
	return addr, func() int {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
		return cmd.ProcessState.ExitCode()
	}
}

// serve starts a server in p that listens on an address.
func (p *place) serve(t *testing.T, on string) (addr string, cmd *exec.Cmd) {
	t.Helper()
	server := *p
	server.env = append(slices.Clone(server.env), "PLATEQ_LISTEN="+on)
	cmd = server.command(context.WithoutCancel(t.Context()), "up", "--simulate")
	return started(t, cmd, "listening on "), cmd
}

// started starts a server that says, after some words, where it is.
func started(t *testing.T, cmd *exec.Cmd, words string) (addr string) {
	t.Helper()
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	addr = address(t, stderr, words)
	go func() { _, _ = io.Copy(io.Discard, stderr) }() // its log must not block it
	return addr
}

// address reads on until a line says, after some words, where a server is.
func address(t *testing.T, r io.Reader, words string) string {
	t.Helper()
	for lines := bufio.NewScanner(r); lines.Scan(); {
		if after, ok := strings.CutPrefix(lines.Text(), words); ok && strings.HasPrefix(after, "http") {
			addr, _, _ := strings.Cut(after, ",")
			return addr
		}
		t.Log(lines.Text())
	}
	t.Fatalf("nothing says that it is %q", words)
	return ""
}

func TestServerTakesLists(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	addr, stop := p.up(t)
	p.env = append(p.env, "PLATEQ_URL="+addr)
	out, errs := p.ok(t, 0, "submit", "fleet.csv", "-p", "attestr", "--wait", "-o", "out.jsonl")
	if out != "" || !strings.Contains(errs, "accepted 3 rows as batch b_") || !strings.Contains(errs, "3 rows: ") {
		t.Errorf("submit: %s%s", out, errs)
	}
	text, err := os.ReadFile(filepath.Join(p.dir, "out.jsonl"))
	if err != nil || strings.Count(string(text), "\n") != 3 {
		t.Errorf("results: %v, %s", err, text)
	}
	id, errs := p.ok(t, 0, "submit", "mixed.csv", "-p", "attestr", "--fresh", "--quiet")
	id = strings.TrimSpace(id)
	if !strings.HasPrefix(id, "b_") || errs != "" {
		t.Errorf("submit: %s%s", id, errs)
	}
	for _, verb := range []string{"pause", "resume", "poll", "status", "cancel"} {
		// It goes on meanwhile, and may be done.
		if code, out, errs := p.plateq(t, verb, id); code != 0 && !strings.Contains(errs, "cannot "+verb+" the batch: it is ") {
			t.Errorf("%s: exit %d, %s%s", verb, code, out, errs)
		}
	}
	if _, errs := p.ok(t, 2, "submit", "fleet.csv", "-p", "nobody"); !strings.Contains(errs, "there is aopay, attestr") {
		t.Errorf("submit: %s", errs)
	}
	p.ok(t, 2, "submit", "empty.csv", "-p", "attestr")
	if _, errs := p.ok(t, 2, "run", "fleet.csv", "-p", "attestr", "--simulate"); !strings.Contains(errs, "submit to it instead") {
		t.Errorf("run beside a server: %s", errs)
	}
	if code := stop(); code != 0 {
		t.Errorf("SIGTERM: exit %d", code)
	}
}

func TestInterruptedRunGoesOn(t *testing.T) {
	t.Parallel()
	for name, by := range map[string]os.Signal{"interrupted": os.Interrupt, "the terminal is gone": syscall.SIGHUP} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			runCutOff(t, by)
		})
	}
}

func runCutOff(t *testing.T, by os.Signal) {
	t.Helper()
	p := newPlace(t)
	args := []string{"run", "fleet.csv", "-p", "attestr", "--simulate", "-o", "out.csv"}
	cmd := p.command(t.Context(), args...)
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(stderr)
	sent := false
	for lines.Scan() {
		if !sent && strings.HasPrefix(lines.Text(), "looking up") {
			sent = true
			_ = cmd.Process.Signal(by)
		}
	}
	_ = cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != 130 {
		t.Fatalf("exit %d, want 130", code)
	}
	if _, err := os.Stat(filepath.Join(p.dir, "out.csv")); err == nil {
		t.Error("results were written")
	}
	if _, errs := p.ok(t, 0, args...); !strings.Contains(errs, "was left unfinished before") {
		t.Errorf("the second run says %s", errs)
	}
}

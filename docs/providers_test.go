package docs_test

import (
	"bufio"
	"encoding/csv"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// guide is the page of a provider, which leads from an account to answers.
type guide struct {
	page   string
	list   string   // what its reader calls the list
	from   string   // the example that stands for it
	env    []string // where the provider is, and how fast; http://AT is that of the stand-ins
	typed  []string // what the reader has from the provider, and what stands in its place, by turns
	brings string   // a column that an answer fills
}

func guides() []guide {
	return []guide{
		{
			page: "docs/attestr.md", list: "fleet.csv", from: "examples/fleet-in.csv",
			env:    []string{"PLATEQ_ATTESTR_BASE_URL=http://AT/attestr", "PLATEQ_ATTESTR_RATE=none", "PLATEQ_ATTESTR_POLL_MIN=1s"},
			brings: "result.contact",
		},
		{
			page: "docs/regnum.md", list: "workshop.csv", from: "examples/regnum.csv", env: []string{"PLATEQ_REGNUM_RATE=none"},
			typed:  []string{"http://HOST:150/", "http://AT/regnum/", "YOUR-ID", "stand-in@example"},
			brings: "result.datacar.ktype",
		},
		{
			page: "docs/spectrumdata.md", list: "debtors.csv", from: "examples/spectrumdata.csv", env: []string{"PLATEQ_SPECTRUMDATA_RATE=none"},
			typed: []string{
				"https://HOST/", "http://AT/spectrumdata/", "TYPE@domain", "A.0076.CAR.ACT-ALL_grz@example", "OTHER@domain", "A.0076.CAR.ACT-ALL_vin@example",
				"name@domain", "stand-in@example",
			},
			brings: "result.ownedStatus",
		},
		{
			page: "docs/resser.md", list: "fleet.csv", from: "examples/resser.csv", env: []string{"PLATEQ_RESSER_BASE_URL=http://AT/resser", "PLATEQ_RESSER_RATE=none"},
			typed:  []string{"HEADER=NAME", "HEADER=X-Api-Key"},
			brings: "result.info.status",
		},
		{
			page: "docs/aopay.md", list: "fleet.csv", from: "examples/aopay.csv", env: []string{"PLATEQ_AOPAY_BASE_URL=http://AT/aopay", "PLATEQ_AOPAY_RATE=none"},
			brings: "result.amount",
		},
	}
}

// TestGuides does at the stand-ins what the pages of the providers tell their
// readers to type, with what the stand-ins take in place of what is a reader's own.
func TestGuides(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("bash"); err != nil {
		cannot(t, "bash is missing")
	}
	bin := t.TempDir()
	build := exec.CommandContext(t.Context(), "go", "build", "-o", bin, "./cmd/plateq")
	build.Dir = ".."
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	at := standIns(t, filepath.Join(bin, "plateq"))
	for _, g := range guides() {
		t.Run(g.page, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			copyFile(t, filepath.Join("..", g.from), filepath.Join(dir, g.list))
			env := append(environment(t), "PATH="+bin+":"+os.Getenv("PATH"))
			for _, e := range g.env {
				env = append(env, strings.ReplaceAll(e, "http://AT", at))
			}
			typed := []string{"cat > ", "echo stand-in > "} // a secret is pasted
			for _, s := range g.typed {
				typed = append(typed, strings.ReplaceAll(s, "http://AT", at))
			}
			blocks := readBlocks(t, g.page)
			for _, b := range blocks {
				for i, c := range b.commands {
					b.commands[i] = strings.NewReplacer(typed...).Replace(c)
				}
			}
			run(t, dir, env, g.page, blocks)
			if t.Failed() {
				return
			}
			if rows, _ := answers(t, filepath.Join(dir, "first.csv"), g.brings); rows > 10 {
				t.Errorf("the first ten rows are %d", rows)
			}
			if rows, filled := answers(t, filepath.Join(dir, "results.csv"), g.brings); filled == 0 {
				t.Errorf("none of %d rows has a %s", rows, g.brings)
			}
		})
	}
}

// standIns plays the providers until the test ends, and returns its URL.
func standIns(t *testing.T, plateq string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), plateq, "simulate", "--preset", "fast", "--listen", "127.0.0.1:0")
	cmd.Env = environment(t)
	said, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // it was killed
	})
	line, err := bufio.NewReader(said).ReadString('\n')
	url := regexp.MustCompile(`http://[0-9.]+:[0-9]+`).FindString(line)
	if url == "" {
		t.Fatalf("the stand-ins say %q: %v", line, err)
	}
	return url
}

// answers counts the rows of a file of results, and those that have something in
// a column.
func answers(t *testing.T, name, column string) (rows, filled int) {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	all, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	at := slices.Index(all[0], column)
	for _, row := range all[1:] {
		if at >= 0 && row[at] != "" {
			filled++
		}
	}
	return len(all) - 1, filled
}

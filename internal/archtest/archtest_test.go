package archtest

import (
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

// TestModule holds the rules against the source as it is.
func TestModule(t *testing.T) {
	t.Parallel()
	m, err := Load(os.DirFS("../.."))
	if err != nil {
		t.Fatal(err)
	}
	if len(m.Packages) < 2 {
		t.Fatalf("found %d packages: not the module's root", len(m.Packages))
	}
	for _, f := range Check(m) {
		t.Error(f)
	}
}

// sound is a module that breaks no rule; each case below spoils it once.
var sound = map[string]string{
	"go.mod":             "module example.org/m\n",
	".gitignore":         "/bin/\nresults*\n",
	"README.md":          "",
	"bin/tool":           "",
	"bin/stray.go":       "package stray",
	"results.csv":        "",
	"tools/go.mod":       "module example.org/m/tools\n",
	"tools/tools.go":     "package util",
	"docs/testdata/x.go": "package x",

	"providers/doc.go":                "// Package providers is.\npackage providers\nimport \"context\"",
	"providers/a/a.go":                "// Package a is.\npackage a\nimport \"example.org/m/providers\"",
	"providers/b/b.go":                "// Package b is.\npackage b",
	"providers/sim/sim.go":            "// Package sim is.\npackage sim",
	"providers/providertest/suite.go": "// Package providertest is.\npackage providertest\nimport (\"os\"; \"testing\"; \"example.org/m/providers\")\nvar _ = os.Getenv(\"CI\")",
	"providers/a/a_test.go":           "package a_test\nimport (\"os\"; \"example.org/m/providers/sim\"; \"example.org/m/providers/a\")\nvar _ = os.Getenv(\"LIVE\")",
	"store/doc.go":                    "// Package store is.\npackage store",
	"store/sqlite/db.go":              "// Package sqlite is.\npackage sqlite\nimport (_ \"embed\"; _ \"modernc.org/sqlite\"; \"github.com/pressly/goose/v3\"; \"example.org/m/store\")",
	"store/postgres/db.go":            "// Package postgres is.\npackage postgres",
	"jobs/doc.go":                     "// Package jobs is.\npackage jobs\nimport \"github.com/hibiken/asynq\"",
	"jobs/jobs_test.go":               "package jobs_test\nimport (\"github.com/hibiken/asynq\"; \"example.org/m/store/sqlite\"; \"example.org/m/providers/sim\")",
	"scheduler/doc.go":                "// Package scheduler is.\npackage scheduler\nimport \"example.org/m/jobs\"",
	"client/doc.go":                   "// Package client is.\npackage client",
	"internal/config/doc.go":          "// Package config is.\npackage config\nimport (\"os\"; \"github.com/caarlos0/env/v11\"; \"example.org/m/providers/a\")\nvar _, _ = os.LookupEnv(\"X\")",
	"internal/intake/doc.go":          "// Package intake is.\npackage intake",
	"internal/export/doc.go":          "// Package export is.\npackage export",
	"internal/api/doc.go":             "// Package api is.\npackage api",
	"internal/api/api_test.go":        "package api_test\nimport \"example.org/m/internal/api\"",
	"internal/web/doc.go":             "// Package web is.\npackage web",
	"internal/app/doc.go":             "// Package app is.\npackage app\nimport (\"example.org/m/internal/api\"; \"example.org/m/store/sqlite\"; \"example.org/m/providers/sim\")",
	"internal/archtest/doc.go":        "// Package archtest is.\npackage archtest",
	"cmd/plateq/main.go":              "// Plateq is.\npackage main\nimport (\"os\"; _ \"time/tzdata\"; \"example.org/m/internal/app\")\nfunc main() { os.Exit(1) }",
	"examples/generate/main.go":       "// Generate is.\npackage main",
}

// spoil returns the sound module with files added, replaced or, where the text
// is empty, taken out.
func spoil(files map[string]string) fstest.MapFS {
	tree := fstest.MapFS{}
	all := maps.Clone(sound)
	maps.Copy(all, files)
	for name, text := range all {
		if text == "" && strings.HasSuffix(name, ".go") {
			continue
		}
		tree[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return tree
}

func findings(t *testing.T, files map[string]string) []string {
	t.Helper()
	m, err := Load(spoil(files))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range Check(m) {
		if f.Why == "" {
			t.Errorf("%s: %s: without a reason", f.Where, f.What)
		}
		got = append(got, f.Where+": "+f.What)
	}
	return got
}

func TestSoundModuleHasNoFindings(t *testing.T) {
	t.Parallel()
	if diff := cmp.Diff([]string(nil), findings(t, nil)); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
}

func TestBrokenRuleIsNoticed(t *testing.T) {
	t.Parallel()
	const long = "// Package store is.\npackage store\n"
	for name, tc := range map[string]struct {
		files map[string]string
		want  string
	}{
		"provider imports another": {
			map[string]string{"providers/a/x.go": "package a\nimport \"example.org/m/providers/b\""},
			"providers/a/x.go:2: providers/a imports providers/b",
		},
		"provider imports a library": {
			map[string]string{"providers/a/x.go": "package a\nimport \"golang.org/x/net/html\""},
			"providers/a/x.go:2: providers/a imports golang.org/x/net/html, from outside the standard library",
		},
		"asynq outside jobs, in a test": {
			map[string]string{"scheduler/x_test.go": "package scheduler\nimport \"github.com/hibiken/asynq\""},
			"scheduler/x_test.go:2: scheduler imports github.com/hibiken/asynq",
		},
		"asynq's own sub-package": {
			map[string]string{"internal/app/x.go": "package app\nimport \"github.com/hibiken/asynq/x/metrics\""},
			"internal/app/x.go:2: internal/app imports github.com/hibiken/asynq/x/metrics",
		},
		"env outside config": {
			map[string]string{"internal/app/x.go": "package app\nimport \"github.com/caarlos0/env/v11\""},
			"internal/app/x.go:2: internal/app imports github.com/caarlos0/env/v11",
		},
		"environment read elsewhere": {
			map[string]string{"store/x.go": "package store\nimport \"os\"\nvar x = os.Getenv(\"X\")"},
			"store/x.go:3: os.Getenv",
		},
		"environment read under another name": {
			map[string]string{"store/x.go": "package store\nimport sys \"os\"\nvar look = sys.LookupEnv"},
			"store/x.go:3: os.LookupEnv",
		},
		"exit below main": {
			map[string]string{"internal/app/x.go": "package app\nimport \"os\"\nfunc f() { os.Exit(2) }"},
			"internal/app/x.go:3: os.Exit",
		},
		"wiring imported by a test below it": {
			map[string]string{"store/x_test.go": "package store_test\nimport \"example.org/m/internal/app\""},
			"store/x_test.go:2: store imports example.org/m/internal/app",
		},
		"testing in the product": {
			map[string]string{"store/x.go": "package store\nimport \"testing\""},
			"store/x.go:2: store imports testing",
		},
		"blank import": {
			map[string]string{"internal/app/x.go": "package app\nimport _ \"net/http/pprof\""},
			"internal/app/x.go:2: blank import of net/http/pprof",
		},
		"dot import": {
			map[string]string{"store/x.go": "package store\nimport . \"os\"\nvar x = Getenv(\"X\")"},
			"store/x.go:2: dot import of os",
		},
		"init": {
			map[string]string{"store/x.go": "package store\n\nfunc init() {}"},
			"store/x.go:3: init function",
		},
		"no package comment": {
			map[string]string{"jobs/doc.go": "package jobs"},
			"jobs: package comment in 0 files [], want 1",
		},
		"two package comments": {
			map[string]string{"jobs/x.go": "// Package jobs too.\npackage jobs"},
			"jobs: package comment in 2 files [doc.go x.go], want 1",
		},
		"name that says nothing": {
			map[string]string{"providers/b/b.go": "// Package util is.\npackage util"},
			"providers/b: package util",
		},
		"new package": {
			map[string]string{"internal/extra/x.go": "// Package extra is.\npackage extra"},
			"internal/extra: package without an arrow",
		},
		"long file": {
			map[string]string{"store/doc.go": long + strings.Repeat("\n", 499)},
			"store/doc.go: 501 lines, at most 500",
		},
		"long main": {
			map[string]string{"cmd/plateq/main.go": "// Plateq is.\npackage main\n" + strings.Repeat("\n", 48)},
			"cmd/plateq/main.go: 50 lines, at most 49",
		},
		"stray file at the top": {
			map[string]string{"notes.txt": "x"},
			"notes.txt: unexpected at the top of the repository",
		},
		"module inside the module": {
			map[string]string{"client/go.mod": "module x"},
			"client: go.mod of its own",
		},
		"benchmarks in the product's module": {
			map[string]string{"bench/x.txt": "x"},
			"bench: no go.mod of its own",
		},
		"replace": {
			map[string]string{"go.mod": "module example.org/m\n\nreplace x => ../x\n"},
			"go.mod: replace directive",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff([]string{tc.want}, findings(t, tc.files)); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
		})
	}
}

// TestEveryArrowHolds spoils each arrow in turn, so that one written too wide
// to forbid anything is found out.
func TestEveryArrowHolds(t *testing.T) {
	t.Parallel()
	member := strings.NewReplacer("/...", "/generate", "*", "b")
	for _, a := range arrows {
		if a.Why == "" {
			t.Errorf("%s: without a reason", a.From)
		}
		if slices.Contains(a.To, "*") {
			continue
		}
		dir := member.Replace(a.From)
		got := findings(t, map[string]string{
			dir + "/x.go": "package x\nimport \"example.org/m/store/extra\"",
		})
		if want := dir + "/x.go:2: " + dir + " imports store/extra"; !slices.Contains(got, want) {
			t.Errorf("%s: got %q, want %q among them", a.From, got, want)
		}
	}
}

// TestEverySoleHolds does the same for imports and calls that are given to few.
func TestEverySoleHolds(t *testing.T) {
	t.Parallel()
	for _, s := range soles {
		if s.Why == "" {
			t.Errorf("%s: without a reason", s.Import)
		}
		imported := strings.Replace(s.Import, "./", "example.org/m/", 1)
		got := findings(t, map[string]string{
			"internal/intake/x.go": "package intake\nimport \"" + imported + "\"",
		})
		if want := "internal/intake/x.go:2: internal/intake imports " + imported; !slices.Contains(got, want) {
			t.Errorf("%s: got %q, want %q among them", s.Import, got, want)
		}
	}
	for _, c := range calls {
		got := findings(t, map[string]string{
			"internal/intake/x.go": "package intake\nimport \"os\"\nvar _ = " + c.Func,
		})
		if diff := cmp.Diff([]string{"internal/intake/x.go:3: " + c.Func}, got); diff != "" {
			t.Errorf("%s: findings (-want +got):\n%s", c.Func, diff)
		}
	}
}

package archtest

// Patterns below are paths inside the module, "" being its root. They match as
// path.Match does, segment by segment, with two additions: a pattern that ends
// in "/..." matches the folder and all below it, and "*" alone matches everything.

// arrow says what the packages matching From may import. The first arrow that
// matches a package is its arrow; a package without one is a finding, so that
// a new package has to be given its place here. Tests are free of arrows: they
// may stand a real store or a stand-in under what they test.
type arrow struct {
	From string
	// To are the packages of this module that it may import.
	To []string
	// StdOnly forbids everything from outside but the standard library.
	StdOnly bool
	Why     string
}

var arrows = []arrow{
	{
		From: "providers", StdOnly: true,
		Why: "the vocabulary stands below everything, so it depends on nothing",
	},
	{
		From: "internal/jsonscan", StdOnly: true,
		Why: "it knows the form of JSON, and nothing of what is written in it",
	},
	{
		From: "providers/internal/wirejson", To: []string{"internal/jsonscan"}, StdOnly: true,
		Why: "how foreign JSON is read knows nothing of what it says",
	},
	{
		From: "providers/*", To: []string{"providers", "providers/internal/wirejson"}, StdOnly: true,
		Why: "a provider knows the shared vocabulary and its own upstream, never another provider",
	},
	{
		From: "store", To: []string{"providers"},
		Why: "the model speaks of subjects and outcomes; how they are kept or moved is not its business",
	},
	{
		From: "store/*", To: []string{"store", "providers"},
		Why: "a database holds the model's rules in its own SQL and knows no other database",
	},
	{
		From: "jobs", To: []string{"store", "providers"},
		Why: "the queue rings for what the store holds; who decides when is above it",
	},
	{
		From: "scheduler", To: []string{"jobs", "store", "providers"},
		Why: "the scheduler decides when, the handlers of jobs do the calls",
	},
	{
		From: "client",
		Why:  "upstream systems import it; it must not pull the server in behind it",
	},
	{
		From: "internal/config", To: []string{"providers", "providers/*", "store", "jobs", "scheduler", "internal/webhook"},
		Why: "it composes the settings that each part declares and starts none of them",
	},
	{
		From: "internal/intake", To: []string{"store", "providers", "internal/jsonscan"},
		Why: "it turns files into rows, the same for every way in",
	},
	{
		From: "internal/diff", To: []string{"store", "providers"},
		Why: "what changed between two lists does not depend on how it is shown",
	},
	{
		From: "internal/export", To: []string{"store", "providers", "internal/diff", "internal/jsonscan"},
		Why: "it turns rows into files, the same for every way out",
	},
	{
		From: "internal/openapi",
		Why:  "it describes whatever types it is given and knows none of them",
	},
	{
		From: "internal/webhook", To: []string{"store"},
		Why: "it sends what the store has for other systems; what happened, and who may hear of it, is decided below",
	},
	{
		From: "internal/api",
		To:   []string{"client", "scheduler", "jobs", "store", "providers", "internal/diff", "internal/intake", "internal/export", "internal/openapi", "internal/webhook"},
		Why:  "it serves what the parts below it offer; app hands it the concrete ones",
	},
	{
		From: "internal/web",
		To:   []string{"client", "store", "internal/api"},
		Why:  "pages show what the API says to whoever looks, so that what one may see and do is decided once",
	},
	{
		From: "internal/metrics", To: []string{"jobs", "store"},
		Why: "it turns into figures what others tell it and what the books say",
	},
	{
		From: "internal/tracing", To: []string{"jobs", "providers"},
		Why: "it tells a collector what others tell it, and notices nothing by itself",
	},
	{
		From: "internal/doctor", To: []string{"internal/config", "store", "providers"},
		Why: "it judges what others read of what Plateq stands on, and opens none of it",
	},
	{
		From: "internal/app", To: []string{"*"},
		Why: "all wiring is in one place, so that no other package needs to know two implementations",
	},
	{
		From: "internal/certtest", StdOnly: true,
		Why: "it makes certificates for tests and knows nothing of who shows them",
	},
	{
		From: "internal/redistest", To: []string{"internal/certtest"},
		Why: "it starts servers for tests and knows nothing of what runs on them",
	},
	{
		From: "internal/promtest", StdOnly: true,
		Why: "it starts servers for tests and knows nothing of what they watch",
	},
	{
		From: "internal/tracetest",
		Why:  "it takes spans as any collector does and knows nothing of who tells of them",
	},
	{
		From: "internal/disktest", StdOnly: true,
		Why: "it fills disks for tests and knows nothing of what writes to them",
	},
	{
		From: "internal/browsertest",
		Why:  "it opens pages for tests and knows nothing of what serves them",
	},
	{
		From: "internal/pgtest", To: []string{"internal/certtest", "internal/disktest"},
		Why: "it starts servers for tests and knows nothing of what runs on them",
	},
	{
		From: "internal/chaos", StdOnly: true,
		Why: "it judges by what people can see, so that it cannot be wrong as the product is",
	},
	{
		From: "internal/archtest", StdOnly: true,
		Why: "it judges the others",
	},
	{
		From: "cmd/plateq", To: []string{"client", "internal/app", "internal/config", "internal/intake", "internal/export"},
		Why: "a command parses flags and prints; the same wiring runs in tests without it",
	},
	{
		From: "examples/...", StdOnly: true,
		Why: "a generator of examples must build anywhere and owe the product nothing",
	},
	{
		From: "docs", StdOnly: true,
		Why: "its test types what a reader of the pages would, and knows no more than they do",
	},
}

// sole gives one import to few. Import is a package of this module, written
// "./dir"; one of the standard library; or a path outside with all below it.
type sole struct {
	Import string
	By     []string
	// Tests applies the rule to test files too.
	Tests bool
	Why   string
}

var soles = []sole{
	{
		Import: "github.com/hibiken/asynq", By: []string{"jobs"}, Tests: true,
		Why: "the queue is a doorbell that could be replaced; its types stay behind jobs",
	},
	{
		Import: "github.com/caarlos0/env", By: []string{"internal/config"}, Tests: true,
		Why: "the environment is read once, and all its faults are reported in one message",
	},
	{
		Import: "github.com/danielgtaylor/huma", By: []string{"internal/openapi"}, Tests: true,
		Why: "it writes the document and must not come to answer requests: its errors are not ours",
	},
	{
		Import: "github.com/prometheus/client_golang", By: []string{"internal/metrics"}, Tests: true,
		Why: "what is counted is told by methods; which system collects it is decided once",
	},
	{
		Import: "go.opentelemetry.io/otel", By: []string{"internal/tracing"}, Tests: true,
		Why: "spans are told of by methods; what they may hold is decided once",
	},
	{
		Import: "zombiezen.com/go/sqlite", By: []string{"store/..."},
		Why: "SQL lives in the store's own packages",
	},
	{
		Import: "modernc.org/sqlite", By: []string{"store/..."},
		Why: "SQL lives in the store's own packages",
	},
	{
		Import: "github.com/jackc/pgx", By: []string{"store/...", "internal/pgtest"},
		Why: "SQL lives in the store's own packages",
	},
	{
		Import: "github.com/pressly/goose", By: []string{"store/..."},
		Why: "each database has its own migrations, beside its SQL",
	},
	{
		Import: "database/sql", By: []string{"store/..."},
		Why: "SQL lives in the store's own packages",
	},
	{
		Import: "./internal/app", By: []string{"cmd/*"}, Tests: true,
		Why: "wiring is the top: what imports it could reach everything",
	},
	{
		Import: "./internal/api", By: []string{"internal/app", "internal/web"}, Tests: true,
		Why: "HTTP is one way in among several; nothing below may depend on it",
	},
	{
		Import: "./internal/metrics", By: []string{"internal/app"}, Tests: true,
		Why: "whoever counts has an interface of its own",
	},
	{
		Import: "./internal/tracing", By: []string{"internal/app"}, Tests: true,
		Why: "whoever is traced has an interface of its own",
	},
	{
		Import: "./internal/web", By: []string{"internal/app"}, Tests: true,
		Why: "pages are one way in among several; nothing below may depend on them",
	},
	{
		Import: "./providers/sim", By: []string{"internal/app"},
		Why: "stand-ins answer instead of a provider only where the wiring was asked for them",
	},
	{
		Import: "testing", By: []string{"*/*test"},
		Why: "code made for tests stays out of the product",
	},
}

// call forbids calling a function of the standard library outside By and
// outside tests.
type call struct {
	Func string
	By   []string
	Why  string
}

// A package of test helpers may ask for CI, to make a skip a failure.
var calls = []call{
	{Func: "os.Getenv", By: []string{"internal/config", "*/*test"}, Why: whyEnv},
	{Func: "os.LookupEnv", By: []string{"internal/config", "*/*test"}, Why: whyEnv},
	{Func: "os.Environ", By: []string{"internal/config", "*/*test"}, Why: whyEnv},
	{Func: "os.ExpandEnv", By: []string{"internal/config", "*/*test"}, Why: whyEnv},
	{
		Func: "os.Exit", By: []string{"cmd/*", "examples/..."},
		Why: "only a main function ends the process; everybody else returns an error, so that deferred work is done",
	},
}

const whyEnv = "configuration has one reader, so that every variable is documented, checked and masked in one place"

// blanks are the imports that may be made for their effect alone.
var blanks = []sole{
	{Import: "embed", By: []string{"*"}, Why: "the compiler asks for it"},
	{Import: "time/tzdata", By: []string{"cmd/*"}, Why: "the image has no time zone files, and daily resets have zones"},
	{Import: "modernc.org/sqlite", By: []string{"store/sqlite"}, Why: "migrations run through database/sql, which finds drivers so"},
}

// Names that say nothing of what a package is for, or that shadow the standard library.
var badNames = map[string]string{
	"util": whyName, "utils": whyName, "common": whyName, "types": whyName, "models": whyName,
	"helpers": whyName, "helper": whyName, "base": whyName, "shared": whyName,
	"internal": whyShadow, "test": whyShadow, "http": whyShadow, "errors": whyShadow, "log": whyShadow,
}

const (
	whyName   = "a package is named by what it is responsible for"
	whyShadow = "the name hides another that its importers need"
)

// Limits on source files, tests and generated files left out.
const (
	maxLines     = 500 // a longer file is more than one thing
	maxMainLines = 49  // cmd/plateq/main.go starts the product and holds nothing of it
)

// topLevel lists what may stand at the top, beside files whose name starts
// with a dot and what .gitignore leaves out.
var topLevel = []string{
	"providers", "store", "jobs", "scheduler", "internal", "client", "cmd",
	"deploy", "bench", "examples", "docs", "tools",
	"docker-compose.yml", "go.mod", "go.sum", "Makefile",
	"README.md", "LICENSE", "CHANGELOG.md", "SECURITY.md", "CONTRIBUTING.md",
}

// ownModule lists the folders that are modules of their own, so that those who
// build the product do not download what only its linters, benchmarks or generators need.
var ownModule = []string{"bench", "tools", "tools/openapi", "tools/ship", "tools/chart"}

# `make` alone lists the targets.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help run test check fuzz vulns mutants chaos chaos-long soak bench bench-go bench-pace bench-api bench-pages build image release figures format vet lint tidy integrity leaks licences generated archtest screenshots

# No command here changes which versions of modules are used.
export GOFLAGS := $(GOFLAGS) -mod=readonly

# One package's tests may take so long; a hang ends with all its goroutines shown.
TEST_TIMEOUT ?= 40m

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# 3: some rows have no answer, as some of the list are invalid on purpose.
run: build ## look up the example list at the stand-in of Attestr; costs nothing, writes results.csv
	bin/plateq run examples/fleet-in.csv -p attestr --simulate -o results.csv || [[ $$? == 3 ]]

# The race detector watches all code but two engines: SQLite, which is C made
# into Go and keeps its pages outside Go's heap, where the detector sees nothing,
# and the Lua of the embedded Redis, of which each state has one goroutine. To
# tell it of their every access took most of the time of all tests.
RACE := -race -gcflags=modernc.org/sqlite/lib=-race=false -gcflags=github.com/yuin/gopher-lua/...=-race=false

test: ## run all tests; as root on Debian it first installs what they need
	@tools/setup-tests.sh
	@race='$(RACE)'; \
	if ! echo '#include <stdlib.h>' | gcc -E - >/dev/null 2>&1; then \
		race=; echo 'go test runs without -race: no C compiler' >&2; \
	fi; \
	set -ex; go test $$race -shuffle=on -timeout=$(TEST_TIMEOUT) ./...; go -C tools/openapi test -count=1 ./...

check: format vet lint tidy integrity leaks licences generated archtest ## all that is checked without running the product

# No part of check, as what it says of the same tree is another thing tomorrow.
# VULNDB may be a mirror, or file:///a/copy.
VULNDB ?= https://vuln.go.dev
vulns: ## look for known vulnerabilities in what the program calls; needs the network
	@tools/vulns.sh golang.org/x/vuln/cmd/govulncheck@v1.3.0 '$(VULNDB)'

FUZZTIME ?= 60s
fuzz: ## run every fuzz target, FUZZTIME each, and end with a table
	@tools/fuzz.sh $(FUZZTIME)

# RULES chooses: make mutants RULES='^claim: '
RULES ?= .
mutants: ## break the SQLite store once for each rule, which must notice; some ten minutes
	go test -count=1 -v -timeout=3h -run='^TestMutants$$' ./store/storetest -mutants='$(RULES)'

# What chaos breaks is told in docs/reliability.md. CELL chooses cells: make chaos
# CELL='P1|R3'. ROWS is how long their lists are, SEED that of the first round.
CELL ?= .*
ROWS ?= 5000
LENGTH ?= 5m
SEED ?= 0
CHAOS := go test -count=1 -v -tags=chaos -parallel=4 -timeout=12h ./internal/chaos
WRITE := $(if $(filter .*,$(CELL)),-write='$(abspath docs/reliability.md)') -note='$(NOTE)'
chaos: ## break what Plateq stands on while lists are on their way; writes docs/reliability.md
	$(CHAOS) -run='^TestCells$$/^($(CELL))$$' -args -rows=$(ROWS) $(WRITE)

chaos-long: build ## the same with faults as long as in the field, rounds of random ones, and asynq beside it; some three hours
	$(CHAOS) -run='^TestCells$$/^($(CELL))$$' -args -long -rows=10000 $(WRITE)
	$(CHAOS) -parallel=2 -run=TestRandom -args -rounds=$(or $(ROUNDS),20) -length=$(LENGTH) -seed=$(SEED) $(WRITE)
	go -C bench run ./faults -plateq ../bin/plateq -o ../docs/reliability.md

SOAK ?= 1h
soak: ## look lists up at all five providers for SOAK, with faults, and draw what that takes; writes docs/images/soak.svg
	$(CHAOS) -run=TestSoak -args -soak=$(SOAK) -curves='$(abspath docs/images/soak.csv)'

RUN ?= .
# RUN chooses cases: make bench RUN='single/(plateq|loop)'. QUICK=1 takes small
# lists. Either way the page is printed and not written. NOTE is shown on it.
bench: build ## measure how fast lists are done, beside asynq, River and a loop by hand; writes docs/performance.md
	go -C bench run ./work -plateq ../bin/plateq -run '$(RUN)' -rounds $(or $(ROUNDS),3) $(if $(QUICK),-quick) -note '$(NOTE)' -o ../docs/performance.md

bench-go: ## run the Go benchmarks of all packages, one line each
	@go test -run='^$$' -bench=. -benchmem ./... | awk '\
		/^(goos|goarch|cpu):/ { if (!seen[$$0]++) print } \
		/^(pkg:|FAIL|panic)/ { print } \
		/^Benchmark/ { print; n++ } \
		END { print n+0, "benchmarks" }'

# A case takes SECONDS, or 20 s where QUICK is set; learning takes several of
# them. RUN chooses cases: make bench-pace RUN='told/|day/in-time'
SECONDS ?= $(if $(QUICK),20,60)
PARALLEL ?= 1
bench-pace: build ## measure how the limit of a provider is kept to, beside asynq; writes bench/pace/pace.md
	go -C bench run ./pace -plateq ../bin/plateq -seconds $(SECONDS) -run '$(RUN)' -parallel $(PARALLEL) -o pace/pace.md

bench-api: build ## measure how fast the HTTP API answers, and what a large list takes in memory
	go -C bench run ./api -plateq ../bin/plateq -for $(SECONDS)s $(if $(QUICK),-rows 100000)

bench-pages: build ## measure how fast pages come where the store holds a million rows
	go -C bench run ./pages -plateq ../bin/plateq $(if $(QUICK),-rows 10000)

SCREENSHOTS ?= screenshots
screenshots: ## take pictures of all pages, light, dark and as on a phone, and those of the README
	mkdir -p '$(SCREENSHOTS)' docs/images
	go test -count=1 -tags=pictures -run='^TestPictures$$' ./internal/app -pictures='$(abspath $(SCREENSHOTS))'
	cp '$(SCREENSHOTS)'/overview.png '$(SCREENSHOTS)'/new-dark.png docs/images/

build: ## build bin/plateq, static
	CGO_ENABLED=0 go build -trimpath -ldflags='-s -w' -o bin/plateq ./cmd/plateq

# Both need the Go toolchain and git alone. Made twice of one commit they are the
# same, byte by byte. PLATFORMS chooses: make image PLATFORMS=linux/arm64
DIST ?= dist
SHIPPED = -source='$(CURDIR)' -out='$(abspath $(DIST))' -version='$(VERSION)' -platforms='$(PLATFORMS)'
image: ## make dist/plateq-image.tar, for docker load and all that reads OCI layouts, with a list of what is in it
	go -C tools/ship run . image $(SHIPPED)

release: ## make archives for Linux, macOS and Windows with sums and lists of what is in them: make release VERSION=v1.2.3
	@[[ -n '$(VERSION)' ]] || { echo 'give a version: make release VERSION=v1.2.3' >&2; exit 2; }
	go -C tools/ship run . release $(SHIPPED)

figures: build ## print how large the program is, how fast it starts and what it takes while nothing is to do
	tools/figures.sh bin/plateq

# The parts of check, each of which may be run alone.

format:
	@files=$$(gofmt -l .); if [[ -n $$files ]]; then echo "not formatted:" $$files; exit 1; fi

vet:
	go vet ./...
	go vet -tags=pictures ./internal/app
	go vet -tags=chaos ./internal/... ./cmd/...
	go -C bench vet ./...
	go -C bench test ./...
	go -C tools/openapi vet ./...
	go -C tools/ship vet ./...
	go -C tools/ship test ./...
	go -C tools/chart vet ./...
	go -C tools/chart test ./...
	GOOS=windows go vet ./cmd/plateq

lint: bin/golangci-lint
	bin/golangci-lint run ./...
	bin/golangci-lint run --build-tags=chaos ./internal/chaos ./internal/app ./internal/config
	cd bench && ../bin/golangci-lint run ./...
	cd tools/openapi && ../../bin/golangci-lint run ./...
	cd tools/ship && ../../bin/golangci-lint run ./...
	cd tools/chart && ../../bin/golangci-lint run ./...

# Built from the versions in tools/go.mod, and again when they change.
bin/golangci-lint: tools/go.mod tools/go.sum
	go -C tools build -buildvcs=false -o ../$@ github.com/golangci/golangci-lint/v2/cmd/golangci-lint

tidy:
	go mod tidy -diff
	go -C bench mod tidy -diff
	go -C tools mod tidy -diff
	go -C tools/openapi mod tidy -diff
	go -C tools/chart mod tidy -diff
	go -C tools/ship mod tidy -diff

# What was downloaded is what go.sum says.
integrity:
	go mod verify
	go -C bench mod verify
	go -C tools mod verify
	go -C tools/openapi mod verify

# All that was ever committed: what was once in the history is known for good.
leaks:
	go run github.com/zricethezav/gitleaks/v8@v8.30.1 git --no-banner --redact --log-level=warn .

# What may stand in the program. The licence of mathutil is BSD-3-Clause in
# words that the tool does not know.
LICENCES := MIT,ISC,BSD-2-Clause,BSD-3-Clause,Apache-2.0,BSL-1.0,Unlicense
licences:
	@go run github.com/google/go-licenses@v1.6.0 check ./cmd/plateq --allowed_licenses=$(LICENCES) \
		--ignore github.com/plateq/plateq --ignore modernc.org/mathutil 2>&1 | { grep -vE 'non-Go code|\.s$$' || true; }

generated:
	tools/check-generated.sh

archtest:
	go test -count=1 ./internal/archtest

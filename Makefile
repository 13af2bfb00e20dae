# `make help` lists the targets. ARGS go to smtptrace: make run ARGS='--duration 5m'
.NOTPARALLEL:
.PHONY: help build run test test-unit test-live test-vm mailroot lint format generate check-generated bench fuzz clean deps

# A clone that belongs to somebody else has no version that git would tell, and builds all the same.
export GOFLAGS := $(shell go env GOFLAGS) -buildvcs=false
VERSION = $(shell git -c safe.directory='*' describe --tags --always --dirty 2>/dev/null || echo unknown)
SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo)
# Packages whose tests need root, and so a kernel of their own: those that use internal/live.
LIVE = $(shell go list -buildvcs=false -f '{{.ImportPath}} uses: {{join .TestImports " "}} {{join .XTestImports " "}} ' ./... | sed -n 's| uses:.* [^ ]*/internal/live .*||p')
BENCHMARKED = $(shell grep -rl --include='*_test.go' '^func Benchmark' cmd internal | xargs -r -n 1 dirname | sort -u | sed 's|^|./|')
MAILROOT = $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/smtptrace/mailroot
GO_TEST = go test $(if $(SUDO),-exec 'sudo -E')
say = @date '+== %H:%M:%S $(1)'

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 18

build: ## build ./smtptrace, a static binary
	CGO_ENABLED=0 go build -trimpath -ldflags '-X main.release=$(VERSION)' -o smtptrace ./cmd/smtptrace

run: build ## build it and watch this machine for mail, until Ctrl-C
	$(SUDO) ./smtptrace run $(ARGS)

test: deps lint check-generated test-unit mailroot test-live test-vm ## install what is missing, then run every check and test

test-unit: ## tests that need neither root nor a network
	$(call say,unit tests)
	@go test $(filter-out $(LIVE),$(shell go list -buildvcs=false ./...))

test-live: ## tests on this kernel, as root, in namespaces and cgroups of their own
	$(call say,live tests)
	@scripts/test-log build/live.log $(GO_TEST) -count=1 -p 1 -v $(LIVE)

mailroot: ## make root folders with real mail software, which the live tests use
	@mkdir -p $(dir $(MAILROOT))
	@$(SUDO) scripts/mailroot $(MAILROOT)

# Without internal/proc: what it asks of /proc and of file systems is tested on the machine's own kernel.
test-vm: mailroot ## the live tests on Debian's kernels 5.10, 6.1, 6.12 and the newest, in VMs
	$(call say,live tests in VMs)
	@scripts/test-vm $(filter-out %/internal/proc,$(LIVE))

lint: ## vet, staticcheck, formats, go.mod and the rules of the house
	$(call say,lint)
	@scripts/lint

format: ## format the Go and C sources
	gofmt -w bpf cmd internal scripts
	clang-format-19 -i bpf/*.[ch] bpf/smtp/*.[ch]

generate: ## write the list of verbs for C and Go, and compile the kernel programs in bpf/
	scripts/generate

check-generated: ## fail if what generate writes is not what the sources give
	$(call say,generated files)
	@scripts/generate --check

# KERNEL=6.1: the table alone, on that kernel in a VM where a nanosecond is one instruction of the machine.
# The bodies' figures are then the same each time, and of the hook families that are not to be had here; the
# throughputs are of few rounds, and rough. It takes some 4 minutes.
bench: COST = -run '^$$' -bench '^BenchmarkCost$$' -benchtime 1x ./internal/probe
bench: ## run the benchmarks, as root: a table of what the hooks cost, then the others
ifdef KERNEL
	@CGO_ENABLED=0 go test -short -exec '$(CURDIR)/scripts/vm/run --icount $(KERNEL)' $(COST)
else
	@$(GO_TEST) $(COST)
	@$(GO_TEST) -p 1 -run '^$$' -bench . -skip '^BenchmarkCost$$' -benchmem $(BENCHMARKED)
endif

fuzz: ## run every fuzz target for FUZZTIME (30s)
	@scripts/fuzz $(FUZZTIME)

deps: ## install with apt what tests and generate need
	$(call say,dependencies)
	@scripts/deps

clean: ## remove what was built
	rm -rf smtptrace build

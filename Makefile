.PHONY: help check test race fuzz bench golden demo
FUZZTIME ?= 10m
# The engine "go" computes pointers that the race build's checks refuse.
UNCHECKED = -gcflags='github.com/gomlx/compute/...=-d=checkptr=0'

help: ## list the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/'
check: ## everything that must hold before a change lands
	.ci/run
test: ## go test ./...
	go test ./...
race: ## the tests under the race detector
	go test -race -timeout 60m $(UNCHECKED) ./...
fuzz: ## every fuzz target for FUZZTIME each
	scripts/fuzz.sh $(FUZZTIME)
bench: ## Go benchmarks of every package
	go test -run '^$$' -bench . -benchmem ./...
golden: ## make the golden files again (needs Python with torch, Pillow, tokenizers)
	scripts/golden/all.sh
demo: ## search drawings with the shipped weights
	go run ./cmd/loopitr demo

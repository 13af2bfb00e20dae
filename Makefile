.PHONY: help generate
help: ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/'
generate: ## compile the kernel programs
	go generate ./bpf

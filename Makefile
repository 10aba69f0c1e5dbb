# Slipway's commands. Each first makes sure of the Python environment (tools/setup.sh), then runs `python -m tools`,
# which also works without make. `make help` tells what there is.

STACK ?= dev-kind
# The shell reads it from its environment, in quotes, so that no letter of it is taken for a command.
export STACK
STACKS ?= $(STACK)
export STACKS
FROM ?=
export FROM
TOOLS = @sh tools/setup.sh && .venv/bin/python -m tools

.DEFAULT_GOAL := help
.PHONY: help up preview refresh down env access snapshot restore kubeconfig test test-unit lint bundle schema compliance bench engine-down

help:  ## this text
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo
	@echo '  STACK=<name> picks a stack of stacks/ (default: dev-kind), e.g. make up STACK=prod-gke'
	@echo '  ARGS=... are options more, of pulumi (make preview ARGS=--diff) or of the command (make access ARGS=--json)'

up:  ## have what a fresh machine lacks, then: pulumi up --stack $(STACK)
	$(TOOLS) up "$$STACK" $(ARGS)

preview:  ## show what `make up` would change
	$(TOOLS) preview "$$STACK" $(ARGS)

refresh:  ## take into the state what changed behind Pulumi's back
	$(TOOLS) refresh "$$STACK" $(ARGS)

down:  ## destroy the stack; nothing of it is left
	$(TOOLS) down "$$STACK" $(ARGS)

env:  ## print what `eval "$(make -s env)"` sets in your shell
	$(TOOLS) env "$$STACK"

access:  ## tell who may do what in the stack's cluster; ARGS="--save people" writes each one's kubeconfig
	$(TOOLS) access "$$STACK" $(ARGS)

snapshot:  ## take a snapshot of etcd of a stack on own machines, encrypted for its state alone
	$(TOOLS) snapshot "$$STACK"

restore:  ## make all machines of the stack anew with the etcd of a snapshot: make restore STACK=… FROM=file
	$(TOOLS) restore "$$STACK" "$$FROM" $(ARGS)

kubeconfig:  ## merge kubeconfigs into your own, keeping your current context: STACKS="dev-kind prod-gke"
	$(TOOLS) kubeconfig "$$STACKS" $(ARGS)

test:  ## have all that the tests need, then run them all
	@sh tools/setup.sh --all-groups --all-extras && .venv/bin/python -m tools test $(ARGS)

test-unit:  ## the fast tests alone: no engine, no cluster
	@sh tools/setup.sh --all-groups --all-extras && .venv/bin/python -m pytest tests/unit --numprocesses logical --dist loadgroup $(ARGS)

lint:  ## ruff and the type checker
	@sh tools/setup.sh --all-groups --all-extras && .venv/bin/ruff check . && .venv/bin/ruff format --check . && .venv/bin/ty check

bundle:  ## build the offline bundle: a cluster without any image registry
	$(TOOLS) bundle $(ARGS)

schema:  ## write stacks/slipway.schema.json and docs/reference.md from the declared arguments
	@sh tools/setup.sh --all-extras && .venv/bin/python -m tools schema

compliance:  ## tell how the stack keeps the rules of its target, such as the CIS benchmark
	$(TOOLS) compliance "$$STACK" $(ARGS)

bench:  ## measure Slipway against the bare programs
	@sh tools/setup.sh --all-groups --all-extras && .venv/bin/python -m tools bench $(ARGS)

engine-down:  ## end the private container engine with all in it
	$(TOOLS) engine down

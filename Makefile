.DEFAULT_GOAL := help

# More words for the command that a target runs: make test ARGS='-p messaging relay'
ARGS ?=

# Queries are checked against the committed .sqlx; only `make sqlx` asks a database.
export SQLX_OFFLINE := true

with_servers := deploy/local/run
servers := python3 deploy/local/servers.py

.PHONY: help
help: ## Print this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: demo
demo: preflight-servers ## Build Puntual and watch it collect, on servers of its own (ARGS)
	cargo build --release --locked -p puntual
	$(with_servers) --fresh-nats -- target/release/puntual demo $(ARGS)

.PHONY: test
test: preflight-servers ## Run every test, on servers of its own (ARGS)
	$(with_servers) -- cargo test --workspace --locked $(ARGS)

.PHONY: bad-input
bad-input: preflight-servers ## Send the catalogue of bad input to a running ingestion (ARGS: numbers of cases)
	cargo build --locked -p puntual
	$(with_servers) -- cargo test --locked -p e2e --test bad_input -- $(ARGS)

.PHONY: schemathesis
schemathesis: preflight-servers ## Send ingestion what its OpenAPI document allows and forbids (ARGS: of schemathesis run)
	cargo build --locked -p puntual
	$(with_servers) -- tests/schemathesis/run $(ARGS)

.PHONY: bench
bench: preflight-servers ## Measure raw limits and Puntual side by side (ARGS: --json FILE --charts DIR)
	cargo build --release --locked -p puntual -p bench
	$(with_servers) -- target/release/bench $(ARGS)

.PHONY: bench-instructions
bench-instructions: preflight-build ## Count what the pure cores execute, under callgrind (ARGS: --json FILE --release)
	tests/bench/instructions $(ARGS)

.PHONY: bench-scoring
bench-scoring: preflight-build ## Foretell the ledger LEDGER=FILE.csv and leave the forecasts in OUT=DIR
	@test -n "$(LEDGER)" -a -n "$(OUT)" || { echo 'make bench-scoring LEDGER=FILE.csv OUT=DIR' >&2; exit 2; }
	cargo build --release --locked -p puntual
	target/release/puntual score backtest --ledger "$(LEDGER)" --out "$(OUT)"

.PHONY: crashlab
crashlab: preflight-servers ## Break it on purpose by seeded plans and judge what is left (ARGS: --seed N --schedules M)
	cargo build --locked -p puntual -p crashlab
	$(with_servers) -- target/debug/crashlab $(ARGS)

.PHONY: recovery
recovery: preflight-servers ## Seconds until it works again after each kind of crash (ARGS: --retained N --json FILE)
	cargo build --release --locked -p puntual
	cargo build --locked -p crashlab
	$(with_servers) -- target/debug/recovery --puntual target/release/puntual $(ARGS)

.PHONY: lint
lint: preflight-lint ## Check formatting and clippy's advice; a warning fails
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings

.PHONY: architecture
architecture: preflight-build ## Check which package may know which
	cargo test -p e2e --locked --test stories architecture

.PHONY: sqlx
sqlx: preflight-servers ## Regenerate services/*/.sqlx from queries and migrations (ARGS: services)
	$(with_servers) -- deploy/local/sqlx prepare $(ARGS)

.PHONY: sqlx-check
sqlx-check: preflight-servers ## Fail if services/*/.sqlx is not what sqlx would write (ARGS: services)
	$(with_servers) -- deploy/local/sqlx check $(ARGS)

.PHONY: up
up: ## Start PostgreSQL and nats-server for this checkout and leave them running
	@$(servers) up

.PHONY: down
down: ## Stop them
	@$(servers) down

.PHONY: status
status: ## Show what runs, where, and for whom
	@$(servers) status

.PHONY: clean-local
clean-local: ## Stop them and delete all they kept (.local)
	@$(servers) clean

.PHONY: ci
ci: ## Do what continuous integration does
	.ci/run

.PHONY: preflight-build preflight-lint preflight-servers
preflight-build:
	@deploy/local/preflight build
preflight-lint:
	@deploy/local/preflight build lint
preflight-servers:
	@deploy/local/preflight build servers

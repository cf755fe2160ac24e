# Each target first runs scripts/setup, which installs what is missing and else says nothing.

# The folder of conformance vectors that `make vectors` reads.
VECTORS ?= ../shared/vectors
# How long `make fuzz` runs each target, and which ones (all when empty).
SECONDS_EACH ?= 60
FUZZ_TARGETS ?=
export FUZZ_TARGETS
# What `make run` gives to `oxbeam start`.
ARGS ?=
# How often `make crash` kills the store, and `make crash-node` the node.
CYCLES ?= 1000
# For how long `make soak` works.
MINUTES ?= 60
# Where `make install` puts the program; SERVICE=1 installs its systemd unit too.
PREFIX ?= /usr/local
SERVICE ?=

# In CI a lock file that does not fit Cargo.toml is an error; at the desk cargo mends it.
LOCKED := $(if $(CI),--locked)

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help run demo install docs test check bench bench-node bench-start bench-guests fuzz vectors crash crash-node soak lua

help: ## Say what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' Makefile

run: ## Build and start the node; ARGS="--port 9000" are its arguments
	@scripts/setup $@
	@cargo build --quiet $(LOCKED) -p oxbeam-gateway --bin oxbeam
	@exec "$${CARGO_TARGET_DIR:-target}/debug/oxbeam" start $(ARGS)

demo: ## Two agents, a thousand messages, kill -9 in the middle: nothing is lost
	@scripts/setup $@
	@cargo build --quiet $(LOCKED) -p oxbeam-gateway --bin oxbeam
	@scripts/demo

install: ## Build the program and install it in PREFIX (/usr/local); SERVICE=1 adds the unit
	@scripts/install --prefix "$(PREFIX)" $(if $(SERVICE),--service)

docs: ## Write the table of options in docs/configuration.md anew
	@scripts/setup $@
	@cargo run --quiet $(LOCKED) -p oxbeam-kernel --example options

test: ## Run every test, and count them in the last line
	@scripts/setup $@
	@scripts/test

check: ## Check format, lints, docs, scripts and dependencies; warnings are errors
	@scripts/setup $@
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --all-features $(LOCKED) -- -D warnings
	RUSTDOCFLAGS="$$RUSTDOCFLAGS -D warnings" cargo doc --workspace --no-deps $(LOCKED)
	shellcheck $$(grep -lE '^#!.*bash' scripts/*) .ci/run
	scripts/build-lua --check
	scripts/check-packaging
	scripts/deny

bench: ## Measure, with OpenSSL's figures from the same run at the end
	@scripts/setup $@
	cargo bench --workspace $(LOCKED)
	@scripts/bench-openssl

bench-node: ## Measure the whole node from a second process, over loopback HTTP
	@scripts/setup $@
	cargo build --release $(LOCKED) -p oxbeam-gateway -p oxbeam-integration-tests --bins
	@scripts/bench-node

bench-guests: ## Measure guests beside wasmtime and native Lua, in one run
	@scripts/setup bench
	@cargo run --quiet --release $(LOCKED) --manifest-path devices/sandbox/compare/Cargo.toml \
		--features figures --bin figures

bench-start: ## Measure how long a node with a million slots, and a million processes, takes to start
	@scripts/setup $@
	cargo build --release $(LOCKED) -p oxbeam-gateway -p oxbeam-integration-tests --bins
	"$${CARGO_TARGET_DIR:-target}/release/bench-start" "$${CARGO_TARGET_DIR:-target}/release/oxbeam"

fuzz: ## Fuzz each target for SECONDS_EACH seconds (60); FUZZ_TARGETS selects some
	@scripts/setup $@
	@SECONDS_EACH="$(SECONDS_EACH)" scripts/fuzz

vectors: ## Hold every category of VECTORS (../shared/vectors) against the implementation
	@scripts/setup $@
	@cargo build --quiet $(LOCKED) -p oxbeam-gateway -p oxbeam-integration-tests --bin oxbeam --bin vectors
	@"$${CARGO_TARGET_DIR:-target}/debug/vectors" "$(VECTORS)"

crash: ## Kill a writing store CYCLES times (1000), and look for what is lost
	@scripts/setup $@
	CRASH_CYCLES="$(CYCLES)" cargo test $(LOCKED) -p oxbeam-store --test it -- \
		--exact crash::nothing_acknowledged_is_lost_when_the_program_is_killed --nocapture

crash-node: ## Kill a whole node under load CYCLES times (1000), and look for what is lost or doubled
	@scripts/setup $@
	@cargo build --quiet $(LOCKED) -p oxbeam-gateway --bin oxbeam
	CRASH_CYCLES="$(CYCLES)" cargo test $(LOCKED) -p oxbeam-integration-tests --test it -- \
		--exact crash::nothing_is_lost_or_doubled_when_the_node_is_killed_under_load --nocapture

soak: ## Let a whole node work for MINUTES (60), killed now and then; it must not grow
	@scripts/setup $@
	@cargo build --quiet $(LOCKED) -p oxbeam-gateway --bin oxbeam
	SOAK_MINUTES="$(MINUTES)" cargo test $(LOCKED) -p oxbeam-integration-tests --test it -- --exact \
		crash::soak::a_node_that_works_for_long_loses_nothing_and_takes_no_more_of_its_machine --nocapture

lua: ## Build the Lua guest, devices/sandbox/lua/lua.wasm, from its sources
	@scripts/setup $@
	@scripts/build-lua

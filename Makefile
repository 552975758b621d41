# Everything a maintainer runs, and all that CI runs. `make help` lists it.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
CARGO ?= cargo
X86 := x86_64-unknown-linux-musl
ARM := aarch64-unknown-linux-musl
MODULES := $(sort $(notdir $(wildcard modules/*)))
TARGETS := $(X86) $(shell rustup target list --installed 2>/dev/null | grep -x $(ARM))

.PHONY: help
help: ## list the targets
	@grep -hE '^[a-z][a-z-]*:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1|/' | column -t -s '|'

.PHONY: build
build: $(TARGETS:%=build-%) ## every program, static, into dist/ and binaries/ (aarch64 too when its target is installed)

.PHONY: kubejoin
kubejoin: $(TARGETS:%=kubejoin-%) ## only what Ansible sends to nodes: binaries/<arch>/kubejoin

# dist/<arch>/<name> is each module alone, for stock Ansible or by hand; binaries/<arch>/kubejoin is all of them in one.
.PHONY: $(TARGETS:%=build-%) $(TARGETS:%=kubejoin-%)
$(TARGETS:%=build-%): build-%: kubejoin-%
	$(CARGO) build --release --locked --quiet --target $* $(MODULES:%=-p %)
	@install -D -m 0755 -t dist/$(firstword $(subst -, ,$*)) target/$*/release/kubejoin $(MODULES:%=target/$*/release/%)

$(TARGETS:%=kubejoin-%): kubejoin-%:
	@lab/toolchain.sh $*
	$(CARGO) build --release --locked --quiet --target $* -p kubejoin
	@install -D -m 0755 -t binaries/$(firstword $(subst -, ,$*)) target/$*/release/kubejoin

.PHONY: rehearsal
rehearsal: ## the stand-in kubeadm, kubelet and kubectl of the practice lab
	RUSTFLAGS="-C target-feature=+crt-static" $(CARGO) build --profile rehearsal --locked --quiet --target x86_64-unknown-linux-gnu -p rehearsal
	@mkdir -p dist/rehearsal; install -m 0755 target/x86_64-unknown-linux-gnu/rehearsal/rehearsal dist/rehearsal/rehearsal

.PHONY: tools
tools: ## install what the tests need (Debian packages as root, cargo-deny, the rust target)
	tests/tools

.PHONY: test
test: tools ## everything CI runs; make test STAGES="format crates" for a part
	tests/run $(STAGES)

.PHONY: fresh
fresh: ## the README's commands on a bare Debian 12, then 13: all of it (an hour; make test has the short part)
	tests/fresh --all --suite bookworm
	tests/fresh --all --suite trixie

.PHONY: fuzz
fuzz: ## every parser under libfuzzer, FUZZ_SECONDS each (300); make test runs the same checks for seconds
	tests/fuzz/run $(CHECKS)

.PHONY: test-matrix
test-matrix: tools ## the plugin with the newest release of every supported ansible-core
	ANSIBLE_CORES="$$(tests/ansible/venv all)" tests/ansible/run

.PHONY: molecule
molecule: tools ## every molecule scenario, on lab nodes; make molecule SCENARIOS="default cni_repair" SUITE=trixie for a part
	KUBEJOIN_SUITE=$(SUITE) tests/ansible/molecule $(SCENARIOS)

.PHONY: sanity
sanity: ## ansible-test sanity on the collection as it is built
	tests/ansible/sanity

.PHONY: dist
dist: ## the files of a release, reproducible, into target/dist (release/dist --twice shows that they are)
	release/dist

.PHONY: faults
faults: kubejoin rehearsal ## every way a join can fail, on lab nodes: the table, killed joins, a fleet, the cost (half an hour)
	tests/faults/run.py --keep
	tests/faults/interrupted.py --keep
	tests/faults/overhead.py
	tests/faults/fleet.py
	# Two hundred rounds of what can happen to a reset's directories while it runs; a sandbox lasts five minutes.
	for part in $$(seq 20); do EVENTS=10 $(CARGO) test --quiet --locked -p aggressive_reset --test torture events || exit 1; done
	$(CARGO) test --quiet --locked -p aggressive_reset --test torture endless_fifty_five_thousand -- --ignored

.PHONY: mend
mend: kubejoin rehearsal ## every fault of the table, made on lab nodes, found, mended and proved mended (half an hour)
	tests/faults/mend.py
	tests/faults/calm.py
	tests/lab/commands

.PHONY: real
real: kubejoin rehearsal ## the suite on a real Kubernetes: Debian's, built once; of KUBE_BIN_DIR; or make real KUBERNETES=1.33 (PARTS="cluster cost")
	tests/real/run.py $(if $(KUBERNETES),--kubernetes $(KUBERNETES)) $(PARTS)

.PHONY: architectures
architectures: rehearsal ## a cluster of an x86_64 and an aarch64 node, each with its own program (needs qemu-user-static)
	tests/lab/architectures

.PHONY: runtime
runtime: kubejoin rehearsal ## containerd upgraded, refused and brought back on a lab node, case by case; writes docs/runtime-upgrade.md (an hour)
	tests/runtime/run.py

.PHONY: drill
drill: kubejoin rehearsal ## what can happen in the middle of the work, on lab nodes: nothing is lost; writes docs/drill.md (half an hour)
	tests/faults/drill.py

.PHONY: bench
bench: ## measure, and write docs/benchmarks.md; make bench PARTS="task size" for some (needs root, podman, make build)
	python3 tests/bench/run.py $(PARTS)

.PHONY: docs
docs: ## write what is generated: the program's list of modules, ansible-doc stubs, names, routes, docs/modules, failure classes, galaxy.yml
	python3 docs/registry.py
	$(CARGO) update --workspace --offline --quiet || $(CARGO) update --workspace --quiet
	$(CARGO) build --quiet --locked -p kubejoin
	$(CARGO) run --quiet --locked -p kubeadm --example failure_classes >docs/failure-classes.md.new
	mv docs/failure-classes.md.new docs/failure-classes.md
	$(CARGO) run --quiet --locked -p node --example distributions >docs/distributions.md.new
	mv docs/distributions.md.new docs/distributions.md
	$$(tests/ansible/venv newest)/python docs/generate.py "$${CARGO_TARGET_DIR:-target}/debug/kubejoin"

.PHONY: module
module: ## make NAME=x a module that builds, answers and changes nothing yet: its folder, its scenario, and what is generated
	python3 docs/new_module.py "$(NAME)"
	$(MAKE) --no-print-directory docs

# Two commands matter: `make demo` and `make test`. The build itself is CMake's; see CMakePresets.json.

export PATH := $(HOME)/.cargo/bin:$(PATH)
PREFIX ?= /usr/local
SCALE ?= 1

lance := build/release/bin/lance
venv := .venv/.complete
node := .venv/node/.complete
# Engines get a network that is this machine alone.
isolated := .venv/bin/python tests/object_store/isolated.py

all: release ## Install what is missing and build build/release (the default)

help: ## Show this list
	@sed -n 's/^\([a-z-]*\):.*## /\1|/p' Makefile | awk -F '|' '{printf "%-14s %s\n", $$1, $$2}'

setup: packages $(venv) $(node) ## Install missing Debian packages and what the tests need, in .venv

demo: program ## Generate TPC-H into Lance datasets in demo/ and look at them (SCALE=1)
	$(lance) tpch generate --scale $(SCALE) --output demo --mode overwrite
	$(lance) info demo/lineitem.lance
	$(lance) head demo/lineitem.lance
	$(lance) count demo/lineitem.lance
	$(lance) count demo/lineitem.lance --filter "l_shipdate >= date '1998-09-02' and l_shipmode = 'RAIL'"

test: release dev build/tsan/build.ninja ## Build and run every test and check
	cmake --build --preset tsan --target concurrency_tests
	ctest --preset release

test-asan: dev ## Run the C and C++ tests with AddressSanitizer, LeakSanitizer and UBSan
	ctest --preset dev

test-tsan: tsan ## Run the C++ tests with ThreadSanitizer
	ctest --preset tsan

test-valgrind: valgrind ## Run the ownership and C tests with valgrind and readable stacks
	ctest --preset valgrind

reliability: release dev tsan ## Run the fault suites at full length and write docs/reliability.md (some hours)
	.venv/bin/python tools/reliability.py

check: release ## Check formats, lints, layers, symbols and header agreement
	ctest --preset release --label-regex gate

format: setup ## Format all sources
	.venv/bin/python tools/check_format.py --fix

bench: peers ## Compare speed with pylance and others and write docs/benchmarks.md (about an hour)
	.venv/bin/python benchmarks/bench.py
	.venv/bin/python benchmarks/growth.py

bench-check: peers ## The same, and fail where a promised ratio is missed
	.venv/bin/python benchmarks/bench.py --check

bench-memory: release ## Measure peak memory against the promised limits
	.venv/bin/python benchmarks/memory.py

bench-commits: peers ## Measure how commits grow with the number of workers and write docs/commit-growth.md
	.venv/bin/python benchmarks/commit_growth.py

test-mpi: release ## Write TPC-H with MPI processes (installs OpenMPI)
	tests/distributed/setup.sh mpi
	cmake --preset release -DLANCE_TEST_MPI=ON
	cmake --build --preset release --target lance_cli mpi_tpch
	$(isolated) mpi - .venv/bin/python -m pytest -q tests/distributed/test_mpi.py

test-ray: release ## Write TPC-H with Ray, in C++ and in Python (installs ray in build/distributed/ray)
	tests/distributed/setup.sh ray
	cmake --preset release -DLANCE_RAY_CPP="$$(build/distributed/ray/bin/python tests/distributed/ray_cpp.py)"
	cmake --build --preset release --target lance_cli ray_tpch ray_tpch_tasks
	$(isolated) ray - build/distributed/ray/bin/python -m pytest -q tests/distributed/test_ray.py tests/distributed/test_ray_cpp.py

test-spark: release ## Exchange tables with Spark (installs pyspark in build/distributed/spark)
	tests/distributed/setup.sh spark
	$(isolated) spark - build/distributed/spark/bin/python -m pytest -q tests/distributed/test_spark.py

install: release ## Install under PREFIX (/usr/local)
	cmake --install build/release --prefix "$(PREFIX)"

clean: ## Remove build trees and the demo; compiled Rust crates stay
	rm -rf build demo

# The tests, and what only they need, take as long again.
program: packages build/release/build.ninja ## Build the program alone, build/release/bin/lance
	cmake --build --preset release --target lance_cli

release dev tsan valgrind: %: setup build/%/build.ninja
	cmake --build --preset $@

build/%/build.ninja: CMakePresets.json $(venv)
	cmake --preset $*

peers: release
	.venv/bin/pip install --quiet --requirement benchmarks/requirements.txt
	cmake --preset release -DLANCE_BUILD_BENCHMARKS=ON
	cmake --build --preset release --target benchmarks

packages:
	@tools/setup.sh

$(venv): requirements.txt | packages
	python3 -m venv .venv
	.venv/bin/pip install --quiet --requirement requirements.txt
	@touch $@

$(node): tests/object_store/package.json tests/object_store/package-lock.json | packages
	@mkdir -p $(@D)
	cp $^ $(@D)
	cd $(@D) && npm ci --no-audit --no-fund --loglevel=error
	@touch $@

.PHONY: all help setup demo test test-asan test-tsan test-valgrind reliability check format bench bench-check \
	bench-memory bench-commits test-mpi test-ray test-spark install clean program release dev tsan valgrind peers packages
.PRECIOUS: build/%/build.ninja
.NOTPARALLEL:

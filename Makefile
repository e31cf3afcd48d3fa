# The commands of a fresh clone; each installs what it lacks (Debian 12 or 13, as root or with sudo).
#
#   make                the static program: build/static/bin/espalier
#   make full           the program that also trains: build/release/bin/espalier
#   make demo           shows the main job
#   make test           builds and runs the tests; the last line counts them
#   make test-engines   the tests against other implementations, which are fetched
#   make wheel          the static program as a Python wheel: build/wheel/
#   make examples       the programs of examples/: build/release/examples/
#   make install        the full program, the library and a CMake package (PREFIX=..)
#
# Everything else is CMake presets (CMakePresets.json): static, release, dev, core, asan, fuzz.

JOBS ?= $(shell nproc)
FUZZ_SECONDS ?= 30
INSTALL_DEPENDENCIES := tools/install_dependencies.sh
LAUNCHER := $(if $(shell command -v ccache),-DCMAKE_CXX_COMPILER_LAUNCHER=ccache)
# Sources in groups: what is built once, whole, takes a third of the time. Presets alone build file by file.
UNITY ?= ON
FLAGS := $(LAUNCHER) -DESPALIER_UNITY=$(UNITY)
BUILD := cmake --build build

# Turning the tests off again would delete what was compiled for them.
TESTS_ARE_ON := $(shell grep -qs '^ESPALIER_TESTS:BOOL=ON' build/release/CMakeCache.txt && echo yes)
WITHOUT_TESTS := $(if $(TESTS_ARE_ON),,-DESPALIER_TESTS=OFF)

.PHONY: static full demo test test-engines wheel examples core asan format tidy fuzz bench install clean help

static:
	$(INSTALL_DEPENDENCIES) static
	cmake --preset static $(FLAGS)
	$(BUILD)/static -j $(JOBS)

full:
	$(INSTALL_DEPENDENCIES) full
	cmake --preset release $(FLAGS) $(WITHOUT_TESTS)
	$(BUILD)/release --target espalier_program -j $(JOBS)

demo: full
	tools/demo.sh

test:
	$(INSTALL_DEPENDENCIES) full test
	cmake --preset release $(FLAGS) -DESPALIER_TESTS=ON
	$(BUILD)/release -j $(JOBS)
	tools/run_tests.sh release -LE engines

# What a referee says: PyTorch, transformers and others, from the lock file of tests/engines.
test-engines:
	$(INSTALL_DEPENDENCIES) full test engines
	tests/engines/make_environment.sh build/engines
	cmake --preset release $(FLAGS) -DESPALIER_TESTS=ON
	$(BUILD)/release --target espalier_program -j $(JOBS)
	tools/run_tests.sh release -L engines

wheel: static
	$(INSTALL_DEPENDENCIES) wheel
	python3 tools/make_wheel.py build/static/bin/espalier --out build/wheel
	tools/try_wheel.sh build/wheel

examples:
	$(INSTALL_DEPENDENCIES) full examples
	cmake --preset release $(FLAGS) $(if $(TESTS_ARE_ON),,-DESPALIER_TESTS=OFF -DESPALIER_EXAMPLES=ON)
	$(BUILD)/release --target examples -j $(JOBS)

# The folders without a tensor library, on their own.
core:
	$(INSTALL_DEPENDENCIES) static test
	cmake --preset core $(LAUNCHER)
	$(BUILD)/core --target espalier_program -j $(JOBS)

# The tests of the tensor-free folders under the address and undefined-behaviour sanitizers.
asan:
	$(INSTALL_DEPENDENCIES) static test
	cmake --preset asan $(LAUNCHER)
	$(BUILD)/asan -j $(JOBS)
	tools/run_tests.sh asan -LE engines

format:
	$(INSTALL_DEPENDENCIES) test
	tools/check_format.sh --fix

tidy:
	$(INSTALL_DEPENDENCIES) static test tidy
	cmake --preset core $(LAUNCHER)
	tools/check_tidy.sh

fuzz:
	$(INSTALL_DEPENDENCIES) static fuzz
	cmake --preset fuzz $(FLAGS)
	$(BUILD)/fuzz --target fuzzers -j $(JOBS)
	FUZZ_SECONDS=$(FUZZ_SECONDS) tools/run_fuzzers.sh

bench:
	$(INSTALL_DEPENDENCIES) full bench
	cmake --preset release $(FLAGS) -DESPALIER_BENCHMARKS=ON
	$(BUILD)/release -j $(JOBS)
	tools/run_benchmarks.sh

install: full
	cmake --install build/release $(if $(PREFIX),--prefix $(PREFIX))

clean:
	rm -rf build

help:
	@sed -n 's/^#   //p' Makefile

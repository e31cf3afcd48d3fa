# The commands of a fresh clone; each installs what it lacks (Debian 12, as root or with sudo).
#
#   make build    the program: build/release/bin/espalier
#   make test     builds and runs the tests; the last line counts them
#   make demo     shows the main job
#
# Everything else is CMake presets (CMakePresets.json): release, dev, asan, core, server, fuzz.

JOBS ?= $(shell nproc)
FUZZ_SECONDS ?= 30
INSTALL_DEPENDENCIES := tools/install_dependencies.sh
LAUNCHER := $(if $(shell command -v ccache),-DCMAKE_CXX_COMPILER_LAUNCHER=ccache)

# Turning the tests off again would delete what was compiled for them.
TESTS_ARE_ON := $(shell grep -qs '^ESPALIER_TESTS:BOOL=ON' build/release/CMakeCache.txt && echo yes)

.PHONY: build test demo examples core server asan format tidy fuzz bench install clean help

help:
	@sed -n 's/^#   //p' Makefile

build:
	$(INSTALL_DEPENDENCIES) build
	cmake --preset release $(LAUNCHER) $(if $(TESTS_ARE_ON),,-DESPALIER_TESTS=OFF)
	cmake --build build/release --target espalier_program -j $(JOBS)

test:
	$(INSTALL_DEPENDENCIES) build test
	cmake --preset release $(LAUNCHER) -DESPALIER_TESTS=ON
	cmake --build build/release -j $(JOBS)
	tools/run_tests.sh release

demo: build
	tools/demo.sh

# The programs of examples/: build/release/examples/.
examples:
	$(INSTALL_DEPENDENCIES) build examples
	cmake --preset release $(LAUNCHER) $(if $(TESTS_ARE_ON),,-DESPALIER_TESTS=OFF -DESPALIER_EXAMPLES=ON)
	cmake --build build/release --target examples -j $(JOBS)

# The folders without a tensor library, on their own.
core:
	$(INSTALL_DEPENDENCIES) build test
	cmake --preset core $(LAUNCHER)
	cmake --build build/core --target espalier_program -j $(JOBS)

# The static program that runs no models: build/server/bin/espalier, for machines where nothing is installed.
server:
	$(INSTALL_DEPENDENCIES) server
	cmake --preset server
	cmake --build build/server -j $(JOBS)

# The tests of the tensor-free folders under the address and undefined-behaviour sanitizers.
asan:
	$(INSTALL_DEPENDENCIES) build test
	cmake --preset asan $(LAUNCHER)
	cmake --build build/asan -j $(JOBS)
	tools/run_tests.sh asan

format:
	$(INSTALL_DEPENDENCIES) test
	tools/check_format.sh --fix

tidy:
	$(INSTALL_DEPENDENCIES) build test tidy
	cmake --preset core $(LAUNCHER)
	tools/check_tidy.sh

fuzz:
	$(INSTALL_DEPENDENCIES) build fuzz
	cmake --preset fuzz $(LAUNCHER)
	cmake --build build/fuzz --target fuzzers -j $(JOBS)
	FUZZ_SECONDS=$(FUZZ_SECONDS) tools/run_fuzzers.sh

bench:
	$(INSTALL_DEPENDENCIES) build bench
	cmake --preset release $(LAUNCHER) -DESPALIER_BENCHMARKS=ON
	cmake --build build/release -j $(JOBS)
	tools/run_benchmarks.sh

install: build
	cmake --install build/release $(if $(PREFIX),--prefix $(PREFIX))

clean:
	rm -rf build

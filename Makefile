# Everything a user or a developer runs. `make demo` and `make test` do their own set-up.

SWIFT_BUILD = swift build -c release
SWIFT_TEST = swift test -c release --disable-testable-imports
COUNTER = .build/allocation-counter.so
# A slot's steps once more, under a counter of large allocations; the other run skips these tests.
COUNT_ALLOCATIONS = cc -O2 -shared -fPIC -o $(COUNTER) Tests/AllocationCounter/counter.c && \
	LD_PRELOAD=$(CURDIR)/$(COUNTER) $(SWIFT_TEST) --skip-build --filter AllocationTests

.PHONY: setup setup-emulation build demo demo-seeds test test-long bench proto format lint

setup:
	@scripts/setup.sh

# Programs for arm64 and an emulator for them. Their tests are skipped where they are missing.
setup-emulation:
	@scripts/setup.sh emulation

build: setup
	@$(SWIFT_BUILD)

# The main job on built-in synthetic data: ancillary, supervised and linear, then a table and overlays.
demo: build
	@scripts/demo.sh

# The margin of `linear` over `supervised` for three seeds; writes docs/benchmarks/demo-seeds.md.
demo-seeds: build
	@scripts/demo-seeds.sh

test: build
	@$(SWIFT_TEST)
	@$(COUNT_ALLOCATIONS)

# What takes longer than CI allows: the whole matrix of clusters, kernels for arm64, and the comparison
# with PyTorch.
test-long: build
	-@scripts/setup.sh emulation
	@EMEND_TEST_LONG=1 $(SWIFT_TEST)

bench: build
	@$${EMEND_PYTHON:-python3} scripts/bench.py

# Regenerates the wire messages from proto/; the result is committed.
proto:
	@scripts/setup.sh developer
	@protoc-c --proto_path=proto --c_out=Sources/CWireMessages proto/training.proto
	@mv Sources/CWireMessages/training.pb-c.h Sources/CWireMessages/include/training.pb-c.h

format:
	@swift format --in-place --recursive Package.swift Sources Tests

lint:
	@swift format lint --strict --recursive Package.swift Sources Tests

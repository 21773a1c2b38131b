# make run    install what is missing, build, answer the question
# make test   install what is missing, lint, run every test
# make bench  compare the speed of the analysis with that of other tools

.PHONY: run build test lint deps fuzz bench profile clean

run: build
	./wiretax run

build: deps
	go build -o wiretax ./cmd/wiretax

test: deps lint
	go test -race ./...

lint:
	@unformatted=$$(gofmt -l analyze capture cmd report); \
	if [ -n "$$unformatted" ]; then echo "gofmt: $$unformatted" >&2; exit 1; fi
	go vet ./...
	go tool staticcheck ./...

# libpcap's headers and a C compiler; nothing is done where they are there.
deps:
	@.ci/deps

# Each fuzz target for FUZZTIME.
FUZZTIME ?= 30s
fuzz:
	@for package in $$(go list ./...); do \
		for target in $$(go test -list '^Fuzz' $$package | grep '^Fuzz'); do \
			go test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) $$package || exit 1; \
		done; \
	done

# Makes captures of some 8 GB in BENCH_DIR, once, and measures wiretax analyze beside capinfos, tcpdump, tshark and tcptrace, as
# far as they are installed. The Go benchmarks: go test -run '^$$' -bench . ./analyze/... ./capture/recording
BENCH_DIR ?= /tmp/wiretax-bench
ROUNDS ?= 5
bench: build
	go run ./cmd/bench -dir $(BENCH_DIR) -wiretax ./wiretax -rounds $(ROUNDS)

# What the compiler knows about the program's hot paths (https://go.dev/doc/pgo).
profile:
	go test ./analyze -run '^$$' -bench Take -benchtime 4000000x -cpuprofile cmd/wiretax/default.pgo -o /dev/null

clean:
	rm -f wiretax

# make run    install what is missing, build, answer the question
# make test   install what is missing, lint, run every test
# make bench  compare the speed of the analysis with that of other tools
# make man    write the man pages anew from the texts of --help
# make pictures   draw the README's pictures anew
# make golden     write all stored outputs anew: look at the difference before you commit it
# make browser   install Chromium and axe-core too, so that make test can open HTML reports

.PHONY: run build test lint deps browser man pictures golden fuzz bench profile clean

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

# libpcap's headers and a C compiler, in CI also what the browser test needs; nothing is done where they are there.
deps:
	@.ci/deps
	@if [ -n "$$CI" ]; then .ci/browser; fi

browser:
	@.ci/browser

man:
	UPDATE=1 go test -count 1 -run TestManPages ./cmd/wiretax

pictures:
	UPDATE=1 go test -count 1 -run TestPictures ./cmd/wiretax

golden: man pictures
	go test -count 1 ./report -update
	UPDATE=1 go test -count 1 -run 'TestEveryFormat|TestReadme' ./cmd/wiretax

# Each fuzz target for FUZZTIME.
FUZZTIME ?= 30s
fuzz:
	@for package in $$(go list ./...); do \
		for target in $$(go test -list '^Fuzz' $$package | grep '^Fuzz'); do \
			go test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) $$package || exit 1; \
		done; \
	done

# Makes captures in BENCH_DIR, once, and measures wiretax analyze beside capinfos, tcpdump, tshark and tcptrace, as far as they are
# installed. BENCH_RECORDS=10000000 is the size of the README's table: 9 GB, a quarter of an hour. The Go benchmarks:
# go test -run '^$$' -bench . ./analyze/... ./capture/recording ./cmd/wiretax
BENCH_DIR ?= $(or $(TMPDIR),/tmp)/wiretax-bench
BENCH_RECORDS ?= 1000000
ROUNDS ?= 5
bench: build
	go run ./cmd/bench -dir $(BENCH_DIR) -records $(BENCH_RECORDS) -wiretax ./wiretax -rounds $(ROUNDS)

# What the compiler can know about the hot paths (https://go.dev/doc/pgo): the next build takes 7 % less CPU time.
profile:
	go test ./analyze -run '^$$' -bench Take -benchtime 4000000x -cpuprofile cmd/wiretax/default.pgo -o /dev/null

clean:
	rm -f wiretax

# make run      a mail server of your own in ./var, in the foreground
# make test     all tests
# make bench    this server, Debian's Cyrus and Dovecot on the same work; its databases and other libraries'
# make lint     formatting; warnings are errors in every build
# make soak     the tests with the counts that take an hour
# make fuzz     each fuzz target for a minute
# make install  into DESTDIR/PREFIX, as Debian lays Cyrus out

PREFIX ?= /usr
DESTDIR ?=
SWIFT ?= swift

# Needed to build and to run.
PACKAGES = libsasl2-dev libssl-dev zlib1g-dev libdeflate-dev libicu-dev libsqlite3-dev libpq-dev libsasl2-modules libsasl2-modules-db sasl2-bin openssl python3
# Needed by the tests besides: the server to compare with, and clients.
TEST_PACKAGES = cyrus-imapd cyrus-pop3d cyrus-nntpd cyrus-replication cyrus-clients cyrus-admin cyrus-caldav \
    curl mutt isync fetchmail offlineimap3 swaks postfix strace postgresql

# Other libraries that database engines are measured beside.
BENCH_PACKAGES = cyrus-dev liblmdb-dev libsqlite3-dev gcc

# Programs carry the Swift library in themselves: they run on machines without a toolchain.
RELEASE = -c release --static-swift-stdlib -Xlinker -s -Xlinker --gc-sections

.PHONY: all build run test bench lint soak install deps test-deps clean
all: build

deps:
	@Scripts/install-packages $(PACKAGES)

test-deps:
	@Scripts/install-packages $(TEST_PACKAGES)

build: deps
	$(SWIFT) build $(RELEASE)

run: build
	@exec Scripts/run

test: deps test-deps
	$(SWIFT) build --build-tests
	$(SWIFT) test --skip-build

bench: build test-deps
	@Scripts/install-packages $(BENCH_PACKAGES)
	Benchmarks/run
	Benchmarks/databases

lint:
	$(SWIFT) format lint --strict --recursive --parallel Sources Tests Benchmarks Package.swift

# The same tests with other counts: times 20 for the model tests' 50,000 operations, records, messages.
soak: export SOAK = 1
soak: export MODEL_OPERATIONS ?= 20
soak: export INTEROP_RECORDS ?= 1000000
soak: export HOSTILE_MESSAGES ?= 100000
soak: test

fuzz: deps
	@Scripts/fuzz

# Builds only when nothing is built: `make && sudo make install` leaves no files of root's in .build.
install:
	@test -x .build/release/master || $(MAKE) build
	@Scripts/install "$(DESTDIR)" "$(PREFIX)"

clean:
	rm -rf .build

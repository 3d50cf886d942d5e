# Madang.  `make help` prints what there is to do.
#
# Two commands do all the set-up on a bare Debian 12: `make up` runs the product, `make test` proves it.

# --- what to build with: `make CC=clang`, `make SAN=address` (ASan + UBSan), `make SAN=thread`, `make DEBUG=1`.  The last
# three check state machines at each step (libshared/base/invariant.h). ---
CC      = gcc
SAN     =
DEBUG   =
BUILD   = build$(if $(SAN),/$(SAN),$(if $(DEBUG),/debug))$(if $(filter clang,$(CC)),/clang)
RUN     = .run

PACKAGES = libczmq libzmq libwebsockets libpq msgpack libjwt hiredis jansson libcrypto libssl zlib libcurl libseccomp libidn2 libfido2 libcbor icu-uc
# Asked once, and only by targets that compile: on a bare machine pkg-config comes with scripts/setup.
pkg_cflags = $(eval pkg_cflags := $$(shell pkg-config --cflags $(PACKAGES)))$(pkg_cflags)
vips_cflags = $(eval vips_cflags := $$(shell pkg-config --cflags vips | sed 's/-I/-isystem /g'))$(vips_cflags)
vips_libs   = $(eval vips_libs := $$(shell pkg-config --libs vips))$(vips_libs)
pkg_libs   = $(eval pkg_libs := $$(shell pkg-config --libs $(PACKAGES)))$(pkg_libs)

WARNINGS = -Wall -Wextra -Wshadow -Wvla -Wformat=2 -Wstrict-prototypes -Wmissing-prototypes -Wwrite-strings \
           -Wundef -Wpointer-arith -Wimplicit-fallthrough -Wswitch-enum -Wconversion -Werror
HARDEN_  = -O2 -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fstack-clash-protection -fcf-protection -fPIE
HARDEN_address = -O1 -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer -fPIE
HARDEN_thread  = -O1 -fsanitize=thread -fno-omit-frame-pointer -fPIE
LDHARDEN_ = -pie -Wl,-z,relro,-z,now,-z,noexecstack -Wl,--as-needed
LDHARDEN_address = -pie -fsanitize=address,undefined
LDHARDEN_thread  = -pie -fsanitize=thread

CFLAGS  = -std=c17 -D_GNU_SOURCE -g $(HARDEN_$(SAN)) $(if $(SAN)$(DEBUG),-DMADANG_DEBUG) $(WARNINGS) -I. -Ibuild $(pkg_cflags) -DMADANG_VERSION='"$(VERSION)"'
LDFLAGS = $(LDHARDEN_$(SAN)) -pthread
LDLIBS  = $(pkg_libs) -lzxcvbn -lev -lcrypt -lm -pthread
VERSION = $(shell sed -n 's/^\#\# \[\([0-9.]*\)\].*/\1/p' CHANGELOG.md 2>/dev/null | head -n 1)

# --- what there is: found, not listed ---
sources   = $(sort $(shell find $(1) -name '*.c' $(2) 2>/dev/null))
objects   = $(patsubst %.c,$(BUILD)/obj/%.o,$(1))

SHARED    = $(call sources,libshared)
SERVICES  = $(shell scripts/services all)
AUTHCTL   = $(call sources,services/auth/authctl)
MADANGCTL = $(call sources,services/tools/madangctl)
IMAGER    = $(call sources,services/share/imager)
TOOLS     = $(wildcard services/tools/*.c)
DOCTOOL   = $(call sources,services/tools/protodoc)
service_sources = $(filter-out services/auth/authctl/% services/share/imager/%,$(call sources,services/$(1)))
UNIT      = $(call sources,tests/unit tests/contract,-name 'test_*.c')
SERVICE_TESTS = $(call sources,tests/service,-name 'test_*.c')
FUZZ      = $(call sources,tests/fuzz,-name 'fuzz_*.c')
BENCH     = $(call sources,tests/bench,-name '*.c' -not -path '*/node_modules/*')

BINARIES  = $(SERVICES:%=$(BUILD)/bin/%) $(BUILD)/bin/authctl $(BUILD)/bin/madangctl $(BUILD)/bin/imager $(BUILD)/bin/protodoc $(TOOLS:services/tools/%.c=$(BUILD)/bin/%)
# What authctl and madangctl print of their own rows.
CLI_PAGES = $(foreach c,authctl madangctl,$(addprefix $(BUILD)/share/,man/man1/$(c).1 bash-completion/completions/$(c) zsh/site-functions/_$(c)))
# Programs that tests in JavaScript run.
HELPERS   = $(BUILD)/tests/matrix/peer_calls $(BUILD)/tests/service/qr_codes
# What tests share: each program takes of it what it calls.
TEST_SHARED = $(filter-out $(HELPERS:$(BUILD)/%=%.c),$(call sources,tests/lib tests/contract tests/unit tests/service,-not -name 'test_*.c'))
LIBTESTS  = $(BUILD)/libtests.a
LIBSHARED = $(BUILD)/libshared.a
LIBS      = $(SERVICES:%=$(BUILD)/lib%.a) $(LIBSHARED)
UNIT_BINARIES    = $(UNIT:tests/%.c=$(BUILD)/tests/%)
SERVICE_BINARIES = $(SERVICE_TESTS:tests/%.c=$(BUILD)/tests/%)
REPLAY_BINARIES  = $(FUZZ:tests/fuzz/%.c=$(BUILD)/tests/replay/%)

.DEFAULT_GOAL = help
.SECONDARY:
.DELETE_ON_ERROR:

help: ## Print this
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 22

# --- running ---
up: ## Install what is missing, build, run everything, wait until it is ready, print a first key; CONFORMANCE=1: only a gateway, for outside protocol suites
	@scripts/setup run
	@$(MAKE) --no-print-directory -j$$(nproc) build $(if $(filter 1,$(CONFORMANCE)),echo)
ifeq ($(CONFORMANCE),1)
	@scripts/conformance up $(RUN)/conformance
else
	@scripts/stack up $(RUN)
	@scripts/welcome $(RUN)
endif

down: ## Stop everything; the data stays in .run
	@scripts/stack down $(RUN)
	@[ ! -e $(RUN)/conformance ] || scripts/conformance down $(RUN)/conformance

restart: ## Rolling restart: all new gateways are up before the old ones leave; clients reconnect once
	@scripts/stack roll $(RUN)

status: ## Show each process, its state and its readiness
	@scripts/stack status $(RUN)

logs: ## Follow all logs
	@scripts/stack logs $(RUN)

trust: ## This machine's programs and your browsers trust the certificate that make up made
	@scripts/trust $(RUN)/tls/ca.crt

untrust: ## Take that back
	@scripts/trust undo $(RUN)/tls/ca.crt

# PREFIX, DESTDIR, DATA and OWNER: scripts/install --help.
install: ## Put what was built into /usr/local and start it with the machine, by systemd; DATA=$PWD/.run: with what make up made
	@scripts/install

uninstall: ## Take that away; the data stays
	@scripts/install remove

# --- building ---
build: $(BINARIES) $(CLI_PAGES) ## Compile all programs into build/bin, manual pages and completions of authctl and madangctl into build/share

# An include for each row of proto/services.def, services/gateway/features.def and services/chat/keeps.def, which the preprocessor cannot make.
ROWS = build/rows/proto.def build/rows/settings.def build/rows/features.def build/rows/keeps.def
build/rows/features.def: services/gateway/features.def
build/rows/keeps.def: services/chat/keeps.def
$(ROWS): build/rows/%.def: proto/services.def scripts/rows scripts/services
	@mkdir -p $(@D)
	@scripts/rows $* >$@

# What the gateway answers below /api/ about itself: printed from the rows, and then a part of it.  PRINTER: by one that was
# built otherwise, as of a fuzzer no program comes.
PRINTER   = $(BUILD)/bin/protodoc
API_PAGES = $(addprefix $(BUILD)/api/,openapi.json asyncapi.json docs.html docs.css)
$(BUILD)/api/openapi.json: PRINT = openapi
$(BUILD)/api/asyncapi.json: PRINT = asyncapi
$(BUILD)/api/docs.html: PRINT = page
$(filter-out %.css,$(API_PAGES)): $(PRINTER)
	@mkdir -p $(@D)
	@$(PRINTER) $(PRINT) >$@
$(BUILD)/api/docs.css: services/gateway/site/api_docs.css
	@mkdir -p $(@D)
	@cp $< $@
$(BUILD)/obj/services/gateway/site/api_documents.o: $(API_PAGES)
$(BUILD)/obj/services/gateway/site/front_page.o: $(wildcard services/gateway/site/front/*)
$(BUILD)/obj/services/gateway/site/watch.o: services/gateway/site/watch.js
$(BUILD)/obj/services/gateway/site/api_documents.o: CFLAGS += -DMADANG_API='"$(BUILD)/api"'

$(BUILD)/obj/%.o: %.c | $(ROWS)
	@mkdir -p $(@D)
	@echo "  CC    $<"
	@$(CC) $(CFLAGS) -MMD -MP -c $< -o $@

$(LIBSHARED): $(call objects,$(SHARED))
	@rm -f $@ && ar rcs $@ $^
$(LIBTESTS): $(call objects,$(TEST_SHARED))
	@rm -f $@ && ar rcs $@ $^

define service_rules
$(BUILD)/lib$(1).a: $(call objects,$(filter-out services/$(1)/main.c,$(call service_sources,$(1))))
	@rm -f $$@ && ar rcs $$@ $$^
$(BUILD)/bin/$(1): $(BUILD)/obj/services/$(1)/main.o $(BUILD)/lib$(1).a $(LIBSHARED)
	$$(link)
endef

define link
@mkdir -p $(@D)
@echo "  LINK  $@"
@$(CC) $(LDFLAGS) -o $@ $(filter %.o,$^) $(filter %.a,$^) $(LDLIBS) $(EXTRA_LIBS)
endef

$(foreach s,$(SERVICES),$(eval $(call service_rules,$(s))))

$(BUILD)/bin/authctl: $(call objects,$(AUTHCTL)) $(BUILD)/libauth.a $(LIBSHARED)
	$(link)

$(BUILD)/bin/madangctl: $(call objects,$(MADANGCTL)) $(BUILD)/libstore.a $(LIBSHARED)
	$(link)

# The one program that knows libvips: what it is compiled and linked with is nobody else's.
$(BUILD)/obj/services/share/imager/%.o: CFLAGS += $(vips_cflags)
$(BUILD)/bin/imager: EXTRA_LIBS = $(vips_libs)
$(BUILD)/bin/imager: $(call objects,$(IMAGER)) $(BUILD)/libshare.a $(LIBSHARED)
	$(link)

define cli_pages
$(BUILD)/share/man/man1/$(1).1: PRINT = man
$(BUILD)/share/bash-completion/completions/$(1): PRINT = completion bash
$(BUILD)/share/zsh/site-functions/_$(1): PRINT = completion zsh
$(filter %/$(1).1 %/$(1) %/_$(1),$(CLI_PAGES)): $(BUILD)/bin/$(1)
	@mkdir -p $$(@D)
	@$(BUILD)/bin/$(1) $$(PRINT) >$$@
endef
$(foreach c,authctl madangctl,$(eval $(call cli_pages,$(c))))

$(BUILD)/bin/protodoc: $(call objects,$(DOCTOOL)) $(LIBSHARED)
	$(link)

$(TOOLS:services/tools/%.c=$(BUILD)/bin/%): $(BUILD)/bin/%: $(BUILD)/obj/services/tools/%.o $(LIBSHARED)
	$(link)

$(UNIT_BINARIES) $(SERVICE_BINARIES): EXTRA_LIBS = -lcmocka
$(SERVICE_BINARIES): | $(BUILD)/bin/keygen # each begins with keys
$(UNIT_BINARIES) $(SERVICE_BINARIES): $(BUILD)/tests/%: $(BUILD)/obj/tests/%.o $(LIBTESTS) $(LIBS)
	$(link)

# It makes the images that it sends.
$(BUILD)/obj/tests/service/test_imager.o: CFLAGS += $(vips_cflags)
$(BUILD)/tests/service/test_imager: EXTRA_LIBS += $(vips_libs)

# The gateway as outside protocol suites want it, with an echo behind it; beside bin/, as it is no part of the product.
ECHO = $(BUILD)/tests/echo_gateway
$(ECHO): $(call objects,$(call sources,tests/echo)) $(LIBS)
	$(link)
echo: build $(ECHO)

# Who runs the product lacks what its tests are built with; it is installed when it is wanted.
CMOCKA = /usr/include/cmocka.h
$(CMOCKA):
	@scripts/setup check
$(call objects,$(UNIT) $(SERVICE_TESTS) $(TEST_SHARED)): | $(CMOCKA)

$(HELPERS): $(BUILD)/tests/%: $(BUILD)/obj/tests/%.o $(LIBSHARED)
	$(link)

$(REPLAY_BINARIES): $(BUILD)/tests/replay/%: $(BUILD)/obj/tests/fuzz/%.o $(BUILD)/obj/tests/fuzz/replay_main.o $(LIBTESTS) $(LIBS)
	$(link)

$(BUILD)/fuzz/%: $(BUILD)/obj/tests/fuzz/%.o $(LIBTESTS) $(LIBS)
	$(link)

# One reads what madangctl reads, and two bring the bytes of a connection.
$(foreach t,fuzz_mattermost,$(BUILD)/tests/replay/$(t) $(BUILD)/fuzz/$(t)): $(BUILD)/obj/services/tools/madangctl/mattermost/mattermost_line.o
$(foreach t,fuzz_http fuzz_websocket,$(BUILD)/tests/replay/$(t) $(BUILD)/fuzz/$(t)): $(BUILD)/obj/tests/fuzz/connection.o

# One program per file of bench/, and one of all files of bench/load/.
$(BUILD)/bench/%: $(BUILD)/obj/tests/bench/%.o $(LIBTESTS) $(LIBS)
	$(link)
$(BUILD)/bench/load: $(call objects,$(call sources,tests/bench/load))
	$(link)
bench-programs: $(patsubst tests/bench/%.c,$(BUILD)/bench/%,$(wildcard tests/bench/*.c)) $(BUILD)/bench/load

# --- testing ---
test: ## Everything, from nothing; ends with one line `N passed, N failed`
	@scripts/setup test
	@tests/run

# Programs whose path has one of the words.
matching = $(foreach p,$(2),$(if $(strip $(foreach w,$(1),$(findstring $(w),$(p)))),$(p)))
CHECKED  = $(if $(T),$(call matching,$(T),$(UNIT_BINARIES)),$(UNIT_BINARIES)) $(ALSO:%=$(BUILD)/tests/%)
# What has threads; not test_rpc_pipe, which takes minutes under TSan, for libzmq is not built for it.
THREADED = test_rpc_batch test_rpc_calls test_rpc_events test_rpc_link test_rpc_queue test_log test_admin
# And the committers, which meet in a PostgreSQL of their own.
THREADED_SERVICE = service/test_store_batch

check: $(CHECKED) ## The inner loop: unit and contract tests; T=word runs what matches
	@tests/check-all $(CHECKED)

check-san: ## The same under ASan and UBSan
	@$(MAKE) --no-print-directory check SAN=address

check-tsan: ## The same under TSan, where threads meet
	@TSAN_OPTIONS="suppressions=tests/tsan.supp" $(MAKE) --no-print-directory check SAN=thread T='$(or $(T),$(THREADED))' $(if $(T),,ALSO=$(THREADED_SERVICE))
tsan-programs: $(call matching,$(THREADED),$(UNIT_BINARIES)) $(BUILD)/tests/$(THREADED_SERVICE)

tests: build $(UNIT_BINARIES) $(SERVICE_BINARIES) $(ECHO) $(HELPERS)
replay-programs: $(REPLAY_BINARIES)
replay: $(REPLAY_BINARIES)
	@tests/replay-all $(REPLAY_BINARIES)

fuzz: ## Fuzz each decoder for T seconds (60); crashes become seeds
	@tests/fuzz-all $(or $(T),60)

bench: bench-programs build ## Measure beside a Node and a Bun peer, in one run; prints ratios
	@scripts/setup test
	@node tests/bench/run.mjs $(ARGS)
	@[ -n "$(ARGS)" ] || node tests/bench/revocation.mjs
	@[ -n "$(ARGS)" ] || node tests/bench/million.mjs
	@[ -n "$(ARGS)" ] || $(BUILD)/bench/token_cost
	-@[ -n "$(ARGS)" ] || node tests/bench/login.mjs

bench-large: build ## History at any depth and search in ten million messages, with plans; an hour or more, and 15 GB
	@node tests/bench/large.mjs --messages 10000000 --rooms 10000 --users 100000 $(ARGS)

soak: bench-programs build ## Two minutes of 10,000 connections, stalled readers and a rolling restart
	@scripts/setup test
	@node tests/bench/soak.mjs $(ARGS)

storm: build ## Minutes of random kills and stops of every process under senders and listeners, compared message by message
	@scripts/setup test
	@node tests/storm/run.mjs $(ARGS)

lint: ## Formatting, cppcheck, both compilers' warnings, and the rules in scripts/lint
	@scripts/lint/all

docs: build ## Print docs/ that come from the tables: openapi.json, events.md, errors.md, settings.md, .env.example, compose.yaml
	@scripts/docs

mutants: ## Break the product in one place after the other; the named test has to see each: all of them (ARGS=--since REV: of changed files)
	@scripts/setup test
	@tests/mutants/run $(or $(ARGS),--all)

stats: ## The longest functions and files
	@scripts/stats

clean: ## Remove what was built; .run stays
	rm -rf build

.PHONY: help up down restart status logs trust untrust install uninstall build echo test check check-san check-tsan tests tsan-programs replay-programs replay fuzz bench bench-large bench-programs soak storm mutants lint docs stats clean

-include $(shell find $(BUILD)/obj -name '*.d' 2>/dev/null)

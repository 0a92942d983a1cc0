# SPDX-License-Identifier: BSD-2-Clause
#
# The one build file: bpf/*.bpf.c -> one object -> skeleton -> lgtrace, and every test and check.
# It installs nothing by itself: only `demo`, `check` and `deps` call tools/deps. `make help` is the index.

VERSION ?= 0.1.0
PREFIX  ?= /usr/local
BUILD   ?= build
JOBS    ?= $(shell nproc)
# Of `make accuracy` and `make places`: names that rows begin with (none: all), places of blocks of the former (none:
# all), blocks planted in each row, lgtrace's --probes.
ROWS    ?=
PLACES  ?=
STALLS  ?= 600
PROBES  ?= auto

CFLAGS  ?= -O2 -g
CLANG   ?= clang
PYTHON  ?= /usr/bin/python3
PROTOC_C ?= protoc-c
BPFTOOL ?= $(shell PATH="$$PATH:/usr/sbin:/sbin" command -v bpftool)
# Of the BPF objects: x86 or arm64, as libbpf's register macros name them.
ARCH    ?= $(shell uname -m | sed -e 's/x86_64/x86/' -e 's/aarch64/arm64/')

# asm/types.h lives in the compiler's multiarch folder, which clang -target bpf does not search.
MULTIARCH = $(shell $(CC) -print-multiarch)
LLHTTP    = /usr/share/llhttp
LLHTTP_INC = /usr/share/include/llhttp

# A row of a table may leave off its last fields, which clang minds.
WARN      = -Wall -Wextra -Werror -Wno-missing-field-initializers
INC       = -Iinclude -Iuser -isystem $(LLHTTP_INC)
# An empty _GNU_SOURCE: a source that defines it too says the same.
USER_CFLAGS = -std=gnu11 -D_GNU_SOURCE= $(CFLAGS) $(WARN) -fstack-protector-strong -DLG_VERSION='"$(VERSION)"' $(INC) -MMD -MP
BPF_CFLAGS  = -g -O2 -target bpf -Wall -Wextra -Wno-unused-parameter -Werror -Iinclude -Ibpf -idirafter /usr/include/$(MULTIARCH) -MMD -MP
ASAN        = -O1 -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all
LIBS        = -Wl,--as-needed -lbpf -lelf -lz -ldw -l:libiberty.a -ljansson -lzstd -lprotobuf-c -lcap -lncursesw -ltinfo -lm

# `make V=1` shows whole commands.
Q   = $(if $(V),,@)
say = @$(if $(V),:,printf '  %-5s %s\n') $(1) $(2)

# The maps come first: libbpf 1.1 forgets the offset of a map that is used before it is defined.
BPF_SRC   = $(wildcard bpf/maps.bpf.c) $(filter-out bpf/maps.bpf.c,$(wildcard bpf/*.bpf.c))
USER_SRC  = $(wildcard user/*/*.c)
UNIT_SRC  = $(wildcard tests/unit/test_*.c)
APP_LIB   = $(BUILD)/apps/redis_timer.so $(BUILD)/apps/gil.so
APP_SRC   = $(filter-out $(APP_LIB:$(BUILD)/%.so=tests/%.c),$(wildcard tests/apps/*.c))
ASAN_SRC  = $(filter-out user/cmd/main.c user/probe/%,$(USER_SRC))

BPF_OBJ    = $(BPF_SRC:%.c=$(BUILD)/$(ARCH)/%.o)
USER_OBJ   = $(USER_SRC:%.c=$(BUILD)/%.o)
PROTO_OBJ  = $(BUILD)/proto/profile.pb-c.o
LLHTTP_OBJ = $(BUILD)/llhttp/api.o $(BUILD)/llhttp/http.o $(BUILD)/llhttp/llhttp.o
ASAN_OBJ   = $(ASAN_SRC:%.c=$(BUILD)/asan/%.o)
UNIT_BIN   = $(UNIT_SRC:tests/unit/%.c=$(BUILD)/unit/%)
APP_BIN    = $(APP_SRC:tests/apps/%.c=$(BUILD)/apps/%)
PLACES_BIN = $(BUILD)/apps/places_server $(BUILD)/apps/places_server_rs
COMPLETE   = $(BUILD)/complete/lgtrace.bash $(BUILD)/complete/lgtrace.zsh $(BUILD)/complete/lgtrace.fish

.DELETE_ON_ERROR:
.SECONDARY:
.PHONY: all apps bpf-arm64 demo check check-browser check-unit check-golden check-bpf check-e2e lint format man install deps clean help

all: lgtrace ## build ./lgtrace (the default)

help: ## print this index
	@sed -n 's/^\([a-z][a-z0-9-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 22
	@echo
	@echo "  Variables: VERSION PREFIX DESTDIR BUILD JOBS CC CLANG BPFTOOL PYTHON CFLAGS LDFLAGS ARCH KERNELS V"
	@echo "             SECONDS TARGET (fuzz), MINUTES (soak), ROWS PLACES STALLS PROBES (accuracy), ROWS PLANTS (places),"
	@echo "             GROUPS SERVERS CONDITIONS ROUNDS (bench; tests/bench/bench.py --help names them)"

# --- the program ---

lgtrace: $(BUILD)/lgtrace
	@ln -f $< $@ 2>/dev/null || cp $< $@

$(BUILD)/lgtrace: $(USER_OBJ) $(LLHTTP_OBJ) $(PROTO_OBJ)
	$(call say,LINK,$@)
	$(Q)$(CC) $(CFLAGS) -Wl,-z,relro,-z,now $(LDFLAGS) -o $@ $^ $(LIBS)

# Only user/probe sees the skeleton (tools/check-layers).
$(BUILD)/user/probe/%.o: user/probe/%.c $(BUILD)/lgtrace.skel.h
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(USER_CFLAGS) -isystem $(BUILD) -c -o $@ $<

$(BUILD)/user/%.o: user/%.c
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(USER_CFLAGS) -c -o $@ $<

# Debian ships llhttp as C sources.
$(BUILD)/llhttp/%.o: $(LLHTTP)/%.c
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) -std=gnu11 $(CFLAGS) -w -I$(LLHTTP_INC) -c -o $@ $<

$(BUILD)/lgtrace.skel.h: $(BUILD)/lgtrace.bpf.o
	$(call say,SKEL,$@)
	$(Q)$(BPFTOOL) gen skeleton $< name lgtrace_bpf > $@

$(BUILD)/lgtrace.bpf.o: $(BPF_OBJ)
	$(call say,BPFLD,$@)
	$(Q)$(BPFTOOL) gen object $@ $^

$(BUILD)/x86/%.bpf.o: %.bpf.c
	@mkdir -p $(@D)
	$(call say,BPF,$<)
	$(Q)$(CLANG) $(BPF_CFLAGS) -D__TARGET_ARCH_x86 -c -o $@ $<

$(BUILD)/arm64/%.bpf.o: %.bpf.c
	@mkdir -p $(@D)
	$(call say,BPF,"$< (arm64)")
	$(Q)$(CLANG) $(BPF_CFLAGS) -D__TARGET_ARCH_arm64 -c -o $@ $<

bpf-arm64: $(BPF_SRC:%.c=$(BUILD)/arm64/%.o) ## compile the BPF programs for arm64, on any machine
	$(call say,BPFLD,$(BUILD)/arm64/lgtrace.bpf.o)
	$(Q)$(BPFTOOL) gen object $(BUILD)/arm64/lgtrace.bpf.o $^

# --- names of system calls, from the kernel's own header as the compiler sees it ---

$(BUILD)/syscall_names.gen.h:
	@mkdir -p $(@D)
	$(Q)echo '#include <sys/syscall.h>' | $(CC) -E -dM - | \
		sed -n 's/^#define __NR_\([a-z_][a-z0-9_]*\) .*/SYSCALL_NAME(\1)/p' | \
		grep -v -e '(syscalls)' -e '(arch_specific_syscall)' | LC_ALL=C sort > $@

SYSCALL_NAMES_OBJ = $(BUILD)/user/render/syscall_names.o $(BUILD)/asan/user/render/syscall_names.o $(BUILD)/fuzz/user/render/syscall_names.o
$(SYSCALL_NAMES_OBJ): $(BUILD)/syscall_names.gen.h
$(SYSCALL_NAMES_OBJ): INC += -isystem $(BUILD)

# --- the page of report --html, as bytes of an array ---

$(BUILD)/report.gen.h: user/render/report.html
	@mkdir -p $(@D)
	$(Q)od -A n -v -t u1 $< | sed 's/  */,/g; 1s/^,//; $$s/$$/,0/' > $@

HTML_OBJ = $(BUILD)/user/render/html.o $(BUILD)/asan/user/render/html.o $(BUILD)/fuzz/user/render/html.o
$(HTML_OBJ): $(BUILD)/report.gen.h
$(HTML_OBJ): INC += -isystem $(BUILD)

# --- messages of pprof's format ---

$(BUILD)/proto/%.pb-c.h: user/render/%.proto
	@mkdir -p $(@D)
	$(call say,PROTO,$<)
	$(Q)$(PROTOC_C) --c_out=$(@D) -I$(<D) $<

$(BUILD)/proto/%.pb-c.o: $(BUILD)/proto/%.pb-c.h
	$(Q)$(CC) -std=gnu11 $(CFLAGS) -w -I$(@D) -c -o $@ $(@:.o=.c)

PPROF_OBJ = $(BUILD)/user/render/pprof.o $(BUILD)/asan/user/render/pprof.o $(BUILD)/fuzz/user/render/pprof.o
$(PPROF_OBJ): $(BUILD)/proto/profile.pb-c.h
$(PPROF_OBJ): INC += -isystem $(BUILD)/proto

# --- set-up and demonstration ---

deps: ## install the Debian packages that are missing
	tools/deps

demo: ## install what is missing, build, show lgtrace at work on a small server
	tools/deps build demo
	$(MAKE) -j$(JOBS) all apps
	tests/apps/demo

# --- tests ---

check: ## install what is missing, build, lint, run every test
	tools/deps
	$(MAKE) -j$(JOBS) all apps bpf-arm64
	$(MAKE) lint
	$(MAKE) -j$(JOBS) check-unit
	$(MAKE) -j$(JOBS) check-fuzz
	$(MAKE) check-golden
	$(MAKE) check-bpf
	$(MAKE) check-e2e
	$(MAKE) accuracy-short

apps: $(APP_BIN) $(APP_LIB) ## build the servers and tools that the tests use

$(BUILD)/apps/%: tests/apps/%.c
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) -std=gnu11 -O2 -g $(WARN) -Iinclude -MMD -MP -MF $@.d -MT $@ -o $@ $< -lpthread

$(BUILD)/apps/%: tests/apps/%.cc
	@mkdir -p $(@D)
	$(call say,CXX,$<)
	$(Q)$(CXX) -std=gnu++17 -O2 -g -Wall -Wextra -Werror -o $@ $<

$(BUILD)/apps/%_rs: tests/apps/%.rs
	@mkdir -p $(@D)
	$(call say,RUST,$<)
	$(Q)rustc -O -g --crate-name $* -o $@ $<

$(BUILD)/apps/%.so: tests/apps/%.c
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) -std=gnu11 -O2 -g -fPIC -shared $(WARN) -MMD -MP -MF $@.d -MT $@ -o $@ $<

check-unit: $(UNIT_BIN) ## unit tests, under ASan and UBSan
	@tools/run-unit $(UNIT_BIN)

$(BUILD)/unit/%: tests/unit/%.c $(BUILD)/asan/liblgtrace.a
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(USER_CFLAGS) $(ASAN) -Ibpf -Itests/unit -MF $@.d -MT $@ -o $@ $< $(BUILD)/asan/liblgtrace.a -lcmocka $(LIBS)

# An archive, so that a test pulls in only what it uses: nothing here may need user/probe.
$(BUILD)/asan/liblgtrace.a: $(ASAN_OBJ) $(LLHTTP_OBJ) $(PROTO_OBJ)
	@rm -f $@
	$(Q)ar rcs $@ $^

$(BUILD)/asan/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CC,"$< (asan)")
	$(Q)$(CC) $(USER_CFLAGS) $(ASAN) -c -o $@ $<

check-golden: all ## recordings to text and JSON
	$(PYTHON) -B -m pytest tests/golden

# What is told of streams written by hand (tests/golden/streams), by the code of a live run without its kernel.
.PHONY: golden-update
golden-update: all $(BUILD)/golden/replay $(BUILD)/golden/screens ## write what the golden tests expect anew: read `git diff` before it is committed
	$(PYTHON) -B tests/golden/test_golden.py
	$(PYTHON) -B tests/golden/test_screens.py

check-golden: $(BUILD)/golden/replay $(BUILD)/golden/screens
check-golden golden-update: export BUILD := $(BUILD)

$(BUILD)/golden/%: tests/golden/%.c $(BUILD)/asan/liblgtrace.a
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(USER_CFLAGS) $(ASAN) -MF $@.d -MT $@ -o $@ $< $(BUILD)/asan/liblgtrace.a $(LIBS)

-include $(BUILD)/golden/replay.d $(BUILD)/golden/screens.d

# Fuzzers: clang's libFuzzer over the same sources, in a build of their own. tests/fuzz/fuzz_NAME.c is one, with seeds in
# tests/fuzz/seeds/NAME and those that tests/fuzz/seeds.py makes. What they find is kept in $(BUILD)/fuzz.
SECONDS ?= 60
FUZZ_SRC  = $(wildcard tests/fuzz/fuzz_*.c)
FUZZ_BIN  = $(FUZZ_SRC:tests/fuzz/fuzz_%.c=$(BUILD)/fuzz/%)
FUZZ_OBJ  = $(patsubst %.c,$(BUILD)/fuzz/%.o,$(filter-out user/cmd/main.c,$(USER_SRC)))
FUZZ_LLHTTP_OBJ = $(LLHTTP_OBJ:$(BUILD)/%=$(BUILD)/fuzz/%)
FUZZ_FLAGS = $(ASAN) -DFUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION

.PHONY: fuzz check-fuzz
fuzz: $(if $(TARGET),$(BUILD)/fuzz/$(TARGET),$(FUZZ_BIN)) $(BUILD)/fuzz/seeds ## fuzz every parser for SECONDS each (or one: TARGET=http)
	@tools/run-fuzz $(SECONDS) $(filter-out %/seeds,$^)

check-fuzz: $(FUZZ_BIN) $(BUILD)/fuzz/seeds ## the fuzzers over their seeds
	@tools/run-fuzz check $(FUZZ_BIN)

$(BUILD)/fuzz/seeds: tests/fuzz/seeds.py $(wildcard include/*.h tests/golden/*.py tests/golden/streams/*.py)
	@rm -rf $@
	$(Q)$(PYTHON) -B $< $@

$(BUILD)/fuzz/%: tests/fuzz/fuzz_%.c $(BUILD)/fuzz/liblgtrace.a
	$(call say,FUZZ,$<)
	$(Q)$(CLANG) $(USER_CFLAGS) $(FUZZ_FLAGS) -Ibpf -Itests/unit -fsanitize=fuzzer -MF $@.d -MT $@ -o $@ $< $(BUILD)/fuzz/liblgtrace.a \
		-lcmocka $(LIBS)

$(BUILD)/fuzz/liblgtrace.a: $(FUZZ_OBJ) $(FUZZ_LLHTTP_OBJ) $(PROTO_OBJ)
	@rm -f $@
	$(Q)ar rcs $@ $^

$(BUILD)/fuzz/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CC,"$< (fuzz)")
	$(Q)$(CLANG) $(USER_CFLAGS) $(FUZZ_FLAGS) -fsanitize=fuzzer-no-link -c -o $@ $<

# The command line leads to user/probe.
$(BUILD)/fuzz/user/probe/%.o: INC += -isystem $(BUILD)
$(filter $(BUILD)/fuzz/user/probe/%,$(FUZZ_OBJ)): $(BUILD)/lgtrace.skel.h

$(BUILD)/fuzz/llhttp/%.o: $(LLHTTP)/%.c
	@mkdir -p $(@D)
	$(call say,CC,"$< (fuzz)")
	$(Q)$(CLANG) -std=gnu11 -w -I$(LLHTTP_INC) $(FUZZ_FLAGS) -fsanitize=fuzzer-no-link -c -o $@ $<

-include $(FUZZ_OBJ:.o=.d) $(FUZZ_BIN:=.d)

check-bpf: all bpf-arm64 $(BUILD)/bpf/load $(BUILD)/bpf/logic ## every BPF program loads; logic in the kernel (root)
	BUILD=$(BUILD) $(PYTHON) -B -m pytest tests/bpf

# The logic cases are linked behind the real maps and a stub for what asks a runtime.
LOGIC_OBJ = $(BUILD)/$(ARCH)/bpf/maps.bpf.o $(BUILD)/$(ARCH)/bpf/answer.bpf.o $(BUILD)/$(ARCH)/bpf/io.bpf.o $(BUILD)/$(ARCH)/bpf/tell.bpf.o $(BUILD)/$(ARCH)/bpf/turn.bpf.o $(BUILD)/$(ARCH)/tests/bpf/stub/owner.bpf.o $(patsubst %.c,$(BUILD)/$(ARCH)/%.o,$(wildcard tests/bpf/*.bpf.c))

$(BUILD)/bpf/logic.bpf.o: $(LOGIC_OBJ)
	@mkdir -p $(@D)
	$(call say,BPFLD,$@)
	$(Q)$(BPFTOOL) gen object $@ $^

$(BUILD)/bpf/logic.skel.h: $(BUILD)/bpf/logic.bpf.o
	$(call say,SKEL,$@)
	$(Q)$(BPFTOOL) gen skeleton $< name logic_bpf > $@

$(BUILD)/bpf/logic: $(BUILD)/bpf/logic.skel.h $(BUILD)/user/base/hist.o
$(BUILD)/bpf/load: $(BUILD)/lgtrace.skel.h
$(BUILD)/bpf/%: tests/bpf/%.c
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(USER_CFLAGS) -isystem $(BUILD) -isystem $(BUILD)/bpf -MF $@.d -MT $@ -o $@ $< $(filter %.o,$^) $(LIBS)

-include $(LOGIC_OBJ:.o=.d) $(BUILD)/bpf/load.d $(BUILD)/bpf/logic.d

# They compare clocks of two processes: on a machine that others use as well, a neighbour's burst is not our failure.
check-e2e: all apps $(PLACES_BIN) ## real servers with planted stalls (root)
	$(PYTHON) -B -m pytest --reruns 3 --reruns-delay 10 tests/e2e

check-browser: all $(BUILD)/golden/replay ## the page of report --html in Debian's chromium, which it installs
	tools/deps browser
	BUILD=$(BUILD) $(PYTHON) -B -m pytest tests/browser

MINUTES ?= 30
.PHONY: soak
soak: all apps ## five servers under load for MINUTES=30: nothing grows, is lost or fails (root)
	SOAK_S=$$(($(MINUTES) * 60)) $(PYTHON) -B -m pytest -s tests/e2e/test_soak.py

# --- other kernels ---

KERNELS = 5.10 6.1 6.12 newest cloud
VM      = $(BUILD)/vm

.PHONY: check-vm
check-vm: all apps $(BUILD)/bpf/load $(BUILD)/bpf/logic ## boot KERNELS ("5.10 6.1 6.12 newest cloud", "arm64-6.1" ..) in emulated machines: what works there
	tools/deps vm
	tools/kernels $(VM)/kernels $(KERNELS)
	$(MAKE) $(if $(filter-out arm64-%,$(KERNELS)),$(VM)/root-amd64.cpio) $(if $(filter arm64-%,$(KERNELS)),vm-arm64)
	$(PYTHON) -B tests/vm/vm.py $(VM) $(KERNELS)

# For kernels named arm64-*, on a machine of the other kind.
.PHONY: vm-arm64
vm-arm64: $(VM)/root-arm64.cpio
	tools/deps vm-arm64
	tests/vm/cross $(VM)/arm64 arm64

# tools/deps names the libraries: it changes with them.
$(VM)/root-%.cpio: tests/vm/root tests/vm/init tools/debian.sh tools/deps
	@mkdir -p $(@D)
	$(call say,ROOT,$@)
	$(Q)tests/vm/root $@ $* $(BUILD)/lgtrace

# --- measurements ---

.PHONY: accuracy accuracy-short
accuracy: all apps ## are stalls told as the right requests'? 12 minutes (root); ROWS="py311 node20" STALLS=100
	tools/deps test accuracy
	BUILD=$(BUILD) $(PYTHON) -B tests/accuracy/accuracy.py --rows "$(ROWS)" --places "$(PLACES)" --stalls $(STALLS) \
		--probes $(PROBES) --json $(BUILD)/accuracy.json

accuracy-short: all apps ## ... for a minute, with what Debian 12 has (root)
	$(PYTHON) -B -m pytest -c tests/pytest.ini tests/accuracy
	BUILD=$(BUILD) $(PYTHON) -B tests/accuracy/accuracy.py --short

PLANTS ?= 200
.PHONY: places
places: all apps ## do stalls come with their place in the code? 4 minutes (root); ROWS="py313 rust" PLANTS=50
	tools/deps test accuracy
	$(MAKE) $(PLACES_BIN)
	BUILD=$(BUILD) $(PYTHON) -B tests/accuracy/places.py --rows "$(ROWS)" --plants $(PLANTS) --json $(BUILD)/places.json

.PHONY: bench
BENCH_BIN = $(BUILD)/bench/floor $(BUILD)/bench/loops $(BUILD)/bench/price
bench: all apps $(BENCH_BIN) $(BUILD)/bpf/load ## what lgtrace costs, beside others: 13 minutes (root); GROUPS="cost host" SERVERS="nginx" ROUNDS=3
	tools/deps test
	$(PYTHON) -B -m pytest -q -c tests/pytest.ini tests/bench
	$(PYTHON) -B tests/bench/bench.py $(if $(GROUPS),--groups "$(GROUPS)") $(if $(SERVERS),--servers "$(SERVERS)") \
		$(if $(CONDITIONS),--conditions "$(CONDITIONS)") $(if $(ROUNDS),--rounds $(ROUNDS))
	$(PYTHON) -B tests/bench/bench_summary.py

$(BUILD)/bench/floor.skel.h: $(BUILD)/$(ARCH)/tests/bench/floor.bpf.o
	@mkdir -p $(@D)
	$(call say,SKEL,$@)
	$(Q)$(BPFTOOL) gen skeleton $< name floor_bpf > $@

$(BUILD)/bench/floor: $(BUILD)/bench/floor.skel.h $(BUILD)/user/probe/multi.o \
	$(patsubst %.c,$(BUILD)/%.o,$(wildcard user/base/*.c user/target/*.c))
$(BUILD)/bench/%: tests/bench/%.c
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(USER_CFLAGS) -isystem $(BUILD) -isystem $(BUILD)/bench -MF $@.d -MT $@ -o $@ $< $(filter %.o,$^) $(LIBS)

-include $(BENCH_BIN:=.d) $(BUILD)/$(ARCH)/tests/bench/floor.bpf.d

# --- lint ---

C_FILES = $(wildcard include/*.h bpf/*.c bpf/*.h user/*/*.c user/*/*.h tests/*/*.c tests/*/*.h)

lint: man ## format, static checks, layers, sizes, scripts, man page
	@tools/lint $(BUILD) $(C_FILES)

format: ## format all C sources in place
	clang-format -i $(C_FILES)

# --- documents and installation ---

man: $(BUILD)/lgtrace.8 ## the man pages, one for each command too, from the option tables

$(BUILD)/lgtrace.8: $(BUILD)/lgtrace
	@rm -f $(BUILD)/lgtrace-*.8
	$(Q)for c in $$($< __commands); do $< __man $$c > $(BUILD)/lgtrace-$$c.8; done
	$(Q)$< __man > $@

$(BUILD)/complete/lgtrace.%: $(BUILD)/lgtrace
	@mkdir -p $(@D)
	$(BUILD)/lgtrace __complete $* > $@

install: all man $(COMPLETE) ## install program, man page and completions (DESTDIR, PREFIX)
	install -D -m 755 $(BUILD)/lgtrace $(DESTDIR)$(PREFIX)/bin/lgtrace
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/man/man8 $(BUILD)/lgtrace.8 $(BUILD)/lgtrace-*.8
	install -D -m 644 $(BUILD)/complete/lgtrace.bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/lgtrace
	install -D -m 644 $(BUILD)/complete/lgtrace.zsh $(DESTDIR)$(PREFIX)/share/zsh/site-functions/_lgtrace
	install -D -m 644 $(BUILD)/complete/lgtrace.fish $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/lgtrace.fish

clean: ## remove everything that was built
	rm -rf $(BUILD) lgtrace

-include $(USER_OBJ:.o=.d) $(ASAN_OBJ:.o=.d) $(UNIT_BIN:=.d) $(APP_BIN:=.d) $(APP_LIB:=.d)
-include $(BPF_SRC:%.c=$(BUILD)/x86/%.d) $(BPF_SRC:%.c=$(BUILD)/arm64/%.d)

AM_CPPFLAGS += -DTEST_DATA='"$(abs_top_srcdir)/tests/data"' -DTEST_BUILD='"$(abs_top_builddir)"'

TEST_EXTENSIONS = .sh

# Each area lists its own tests, one line each.
unit_tests =
live_tests =
e2e_tests =
fuzz_targets =
include tests/base.mk
include tests/manifests.mk
include tests/images.mk
include tests/netplan.mk
include tests/runtime.mk
include tests/orchestrator.mk
include tests/lint/local.mk
include tests/bench/local.mk

if HAVE_CRITERION
check_PROGRAMS += $(unit_tests) $(live_tests)
TESTS += $(unit_tests) $(live_tests)
endif

# Criterion passes a test whose process leaks unless the leak is an abort.
AM_TESTS_ENVIRONMENT = \
	ASAN_OPTIONS=abort_on_error=1; export ASAN_OPTIONS; \
	srcdir=$(srcdir); export srcdir; \
	builddir=$(abs_builddir); export builddir;

# What sanitizers are for: no root, no containers.
check-unit: $(unit_tests)
	$(MAKE) $(AM_MAKEFLAGS) check-TESTS check_PROGRAMS= TESTS='$(unit_tests)'

# The installed command, one scenario a script: make check-e2e ORCH=/usr/bin/orch. Base images are
# kept in ORCH_TEST_CACHE between runs.
dist_check_SCRIPTS += $(e2e_tests)
check-e2e:
	ORCH="$${ORCH:-$(bindir)/orch}"; export ORCH; \
	ORCH_TEST_CACHE="$${ORCH_TEST_CACHE:-/var/cache/orch-test}"; export ORCH_TEST_CACHE; \
	$(MAKE) $(AM_MAKEFLAGS) -j2 check-TESTS check_PROGRAMS= TESTS='$(e2e_tests)'

.PHONY: check-unit check-e2e

# Each parser, for a while: make fuzz FUZZ_SECONDS=3600. Needs clang; what it finds stays in fuzz/.
FUZZ_SECONDS = 60
FUZZ_JOBS = `nproc`
FUZZ_CC = clang
fuzz_sources = $(abs_top_srcdir)/base/*.c $(abs_top_srcdir)/manifests/*.c \
	$(abs_top_srcdir)/orchestrator/backup.c $(abs_top_srcdir)/tests/fuzz/project.c
fuzz_flags = -g -O1 -std=gnu17 -fsanitize=fuzzer-no-link,address,undefined -I$(abs_top_srcdir) \
	$(AM_CPPFLAGS) $(YAML_CFLAGS) $(PCRE2_CFLAGS) $(JANSSON_CFLAGS)
fuzz:
	@$(MKDIR_P) fuzz/objects
	@echo "  CC       fuzz/objects"; cd fuzz/objects && printf '%s\n' $(fuzz_sources) | \
	  xargs -P $(FUZZ_JOBS) -n 8 $(FUZZ_CC) $(fuzz_flags) -c
	@set -e; for target in $(fuzz_targets); do \
	  name=$${target##*/}; echo "  CCLD     fuzz/$$name"; \
	  $(FUZZ_CC) $(fuzz_flags) -fsanitize=fuzzer -o fuzz/$$name $(srcdir)/$$target.c fuzz/objects/*.o \
	    $(YAML_LIBS) $(PCRE2_LIBS) $(JANSSON_LIBS) $(CRYPTO_LIBS) $(CRYPT_LIBS); \
	  $(MKDIR_P) fuzz/$$name.found; \
	done
	@printf '%s\n' $(fuzz_targets) | xargs -P $(FUZZ_JOBS) -n 1 \
	  bash $(srcdir)/tests/fuzz/run.sh $(FUZZ_SECONDS) $(srcdir)/tests/fuzz/corpus

.PHONY: fuzz

# A group on Debian's own kernel with systemd and cgroup v2, and after a reboot. VM_TEST WORKDIR FOLDER OUT runs FOLDER/run as root
# in a new virtual machine and brings back what that left in ./out. One processor: emulated ones trip over each other
# when the kernel patches itself.
VM_TEST = vm-test
vm_packages = libyaml-0-2,libsquashfs1,libnl-route-3-200,libnftnl11,libmnl0,libuv1,libjansson4,libseccomp2,libsqlite3-0
vm_guest = $(vm_packages),libpcre2-8-0,libssl3,e2fsprogs,xfsprogs,git,curl,ca-certificates,nftables,iproute2,jq
check-vm: all
	rm -rf vm && $(MKDIR_P) vm/test vm/out
	$(MAKE) $(AM_MAKEFLAGS) -s install DESTDIR=$(abs_builddir)/vm/test/tree >/dev/null
	cp $(srcdir)/tests/vm/run vm/test/ && echo $(bindir)/orch >vm/test/orch-path
	CPUS=1 LIMIT=900 PKGS=$(vm_guest) $(VM_TEST) $(abs_builddir)/vm-work vm/test $(abs_builddir)/vm/out
	mv vm/out/state.tar vm/test/
	CPUS=1 LIMIT=900 PKGS=$(vm_guest) $(VM_TEST) $(abs_builddir)/vm-work vm/test

.PHONY: check-vm
EXTRA_DIST += tests/vm/run
EXTRA_DIST += tests/fuzz/run.sh

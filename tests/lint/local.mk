lint_scripts = %D%/layers.sh %D%/sizes.sh
TESTS += $(lint_scripts)
dist_check_SCRIPTS += $(lint_scripts)

# Formatting is that of clang-format 14; another version would have other opinions.
lint_c = find base manifests images netplan runtime orchestrator tests -name '*.[ch]'
lint_sources = find base manifests images netplan runtime orchestrator -name '*.c'
lint_sh = demo check .ci/run packaging/*.sh tests/*/*.sh
lint_flags = -std=gnu17 -D_GNU_SOURCE -I. -DORCH_SHARE=\"/x\" -DORCH_LIBEXEC=\"/x\" -DORCH_VERSION=\"0\" \
	$(YAML_CFLAGS) $(NL_CFLAGS) $(NFT_CFLAGS) $(UV_CFLAGS) $(SQFS_CFLAGS) $(SQLITE_CFLAGS) \
	$(JANSSON_CFLAGS) $(SECCOMP_CFLAGS) $(CRYPTO_CFLAGS) $(PCRE2_CFLAGS)

# Wrong about cleanup attributes, about va_list after the first file of a run, and about the cast
# that takes const away for execve(2).
lint_not = -clang-analyzer-unix.Malloc,-clang-analyzer-valist.Uninitialized,-performance-no-int-to-ptr

lint: lint-format lint-cppcheck lint-tidy lint-shell
	cd $(srcdir) && bash %D%/layers.sh && bash %D%/sizes.sh

lint-format:
	@echo "  LINT     clang-format"; cd $(srcdir) && \
	format=`command -v clang-format-14 || command -v clang-format` && \
	case `$$format --version` in \
	*" version 14."*) $(lint_c) | xargs $$format --dry-run -Werror ;; \
	*) echo "skipped: clang-format 14 is not here" ;; \
	esac

# It does not understand cleanup attributes (base/auto.h), and doubts that NULL is a pointer.
lint-cppcheck:
	@echo "  LINT     cppcheck"; cd $(srcdir) && cppcheck --std=c11 --enable=warning,portability,performance \
	  --suppress=memleak --suppress=resourceLeak --suppress=varFuncNullUB --inline-suppr --error-exitcode=1 --quiet \
	  -j2 -I. -D_GNU_SOURCE base manifests images netplan runtime orchestrator

lint-tidy:
	@echo "  LINT     clang-tidy"; cd $(srcdir) && $(lint_sources) | \
	  xargs -P2 -n4 sh -c 'clang-tidy --quiet --checks=$(lint_not) "$$@" -- $(lint_flags) 2>/dev/null' sh

lint-shell:
	@if command -v shellcheck >/dev/null; then \
	  echo "  LINT     shellcheck"; cd $(srcdir) && shellcheck -x $(lint_sh); \
	else echo "skipped: shellcheck is not here"; fi

.PHONY: lint lint-format lint-cppcheck lint-tidy lint-shell

unit_tests += tests/unit/test_netplan

live_tests += tests/live/test_links tests/live/test_rules tests/live/test_uplink
tests_live_test_links_SOURCES = tests/live/test_links.c tests/live/netlab.c tests/live/netlab.h
tests_live_test_rules_SOURCES = tests/live/test_rules.c tests/live/netlab.c tests/live/netlab.h
tests_live_test_uplink_SOURCES = tests/live/test_uplink.c tests/live/netlab.c tests/live/netlab.h

# Runs inside containers, whatever they hold: static, and of no library but libc.
check_DATA += tests/live/probe
EXTRA_DIST += tests/live/probe.c
CLEANFILES += tests/live/probe
tests/live/probe: tests/live/probe.c
	$(AM_V_CC)$(MKDIR_P) tests/live && \
	$(MUSL_CC) -static -std=gnu17 -D_GNU_SOURCE -Os $(WARN_CFLAGS) -o $@ $(srcdir)/tests/live/probe.c

live_tests += tests/live/test_container
check_PROGRAMS += tests/live/payload
tests_live_payload_CFLAGS = -std=gnu17 $(WARN_CFLAGS)
tests_live_payload_LDFLAGS = -static
tests_live_payload_LDADD =
tests/live/test_container.log: tests/live/payload$(EXEEXT)

unit_tests += tests/unit/test_status
live_tests += tests/live/test_pid1
tests/live/test_pid1.log: runtime/orch-init

# payload runs inside the containers that the tests make; orch-init is their PID 1.
live_tests += tests/live/test_container
live_tests += tests/live/test_pid1
live_tests += tests/live/test_pool
live_tests += tests/live/test_volume
live_tests += tests/live/test_volume_diff
check_PROGRAMS += tests/live/payload
check_DATA += runtime/orch-init
tests_live_payload_CFLAGS = -std=gnu17 $(WARN_CFLAGS)
tests_live_payload_LDFLAGS = -static
tests_live_payload_LDADD =

unit_tests += tests/unit/test_oom
unit_tests += tests/unit/test_status

# tests of orchestrator/: unit_tests += tests/unit/test_x, live_tests += tests/live/test_x
unit_tests += tests/unit/test_project tests/unit/test_plan tests/unit/test_contract tests/unit/test_apply
tests_unit_test_apply_SOURCES = tests/unit/test_apply.c tests/unit/fake_backend.c \
	tests/unit/fake_backend.h

# tests of orchestrator/, and of all of it together
unit_tests += tests/unit/test_project tests/unit/test_plan tests/unit/test_contract tests/unit/test_apply
unit_tests += tests/unit/test_ci
tests_unit_test_apply_SOURCES = tests/unit/test_apply.c tests/unit/fake_backend.c \
	tests/unit/fake_backend.h
e2e_tests += tests/e2e/group.sh tests/e2e/shop.sh tests/e2e/locations.sh tests/e2e/contract.sh tests/e2e/corpus.sh
EXTRA_DIST += tests/e2e/lib.sh tests/e2e/images.sh
e2e_tests += tests/e2e/group.sh tests/e2e/drills.sh tests/e2e/shop.sh tests/e2e/run.sh
e2e_tests += tests/e2e/group.sh tests/e2e/shop.sh tests/e2e/run.sh
e2e_tests += tests/e2e/branch.sh tests/e2e/clones.sh
EXTRA_DIST += tests/e2e/lib.sh

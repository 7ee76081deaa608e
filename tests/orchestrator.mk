# tests of orchestrator/, and of all of it together
unit_tests += tests/unit/test_access
unit_tests += tests/unit/test_apply
tests_unit_test_apply_SOURCES = tests/unit/test_apply.c tests/unit/fake_backend.c \
	tests/unit/fake_backend.h
unit_tests += tests/unit/test_backup
unit_tests += tests/unit/test_ci
unit_tests += tests/unit/test_contract
unit_tests += tests/unit/test_desired
tests_unit_test_desired_SOURCES = tests/unit/test_desired.c tests/unit/fake_backend.c \
	tests/unit/fake_backend.h
unit_tests += tests/unit/test_effects
unit_tests += tests/unit/test_gc
unit_tests += tests/unit/test_limits
tests_unit_test_limits_SOURCES = tests/unit/test_limits.c tests/unit/fake_backend.c \
	tests/unit/fake_backend.h
unit_tests += tests/unit/test_lower
tests_unit_test_lower_SOURCES = tests/unit/test_lower.c tests/unit/fake_backend.c \
	tests/unit/fake_backend.h
unit_tests += tests/unit/test_log_file
unit_tests += tests/unit/test_names
tests_unit_test_names_SOURCES = tests/unit/test_names.c tests/unit/fake_backend.c \
	tests/unit/fake_backend.h
unit_tests += tests/unit/test_plan
unit_tests += tests/unit/test_project
unit_tests += tests/unit/test_routes
tests_unit_test_routes_SOURCES = tests/unit/test_routes.c tests/unit/fake_backend.c \
	tests/unit/fake_backend.h
unit_tests += tests/unit/test_tree
unit_tests += tests/unit/test_variables
live_tests += tests/live/test_group
fuzz_targets += tests/fuzz/fuzz_backup
EXTRA_DIST += tests/fuzz/fuzz_backup.c
e2e_tests += tests/e2e/backup.sh
e2e_tests += tests/e2e/branch.sh
e2e_tests += tests/e2e/caches.sh
e2e_tests += tests/e2e/clones.sh
e2e_tests += tests/e2e/clones-postgresql.sh
e2e_tests += tests/e2e/contract.sh
e2e_tests += tests/e2e/corpus.sh
e2e_tests += tests/e2e/dependencies.sh
EXTRA_DIST += tests/e2e/registry.py
e2e_tests += tests/e2e/drills.sh
e2e_tests += tests/e2e/effects.sh
EXTRA_DIST += tests/e2e/effects.py tests/e2e/dbgp.py
e2e_tests += tests/e2e/environments.sh
e2e_tests += tests/e2e/firewall.sh
e2e_tests += tests/e2e/group.sh
e2e_tests += tests/e2e/idle.sh
e2e_tests += tests/e2e/limits.sh
e2e_tests += tests/e2e/locations.sh
e2e_tests += tests/e2e/mounts.sh
e2e_tests += tests/e2e/operations.sh
e2e_tests += tests/e2e/rollback.sh
e2e_tests += tests/e2e/router.sh
e2e_tests += tests/e2e/run.sh
e2e_tests += tests/e2e/services.sh
e2e_tests += tests/e2e/source.sh
e2e_tests += tests/e2e/shop.sh
e2e_tests += tests/e2e/volumes.sh
EXTRA_DIST += tests/data/router
EXTRA_DIST += tests/e2e/images.sh tests/e2e/lib.sh tests/e2e/prefix.sh tests/e2e/requests.sh
e2e_tests += tests/e2e/workers.sh
e2e_tests += tests/e2e/xdebug.sh

# tests of orchestrator/, and of all of it together
e2e_tests += tests/e2e/group.sh tests/e2e/shop.sh
EXTRA_DIST += tests/e2e/lib.sh

# tests of manifests/: unit_tests += tests/unit/test_x, live_tests += tests/live/test_x

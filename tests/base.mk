# tests of base/: unit_tests += tests/unit/test_x, live_tests += tests/live/test_x

unit_tests += tests/unit/test_manifest
tests_unit_test_manifest_LDADD = manifests/libmanifests.a base/libbase.a \
	$(YAML_LIBS) $(PCRE2_LIBS) $(JANSSON_LIBS) $(CRYPTO_LIBS) $(CRITERION_LIBS)
fuzz_targets += tests/fuzz/fuzz_manifest
schema_tests = tests/schema/schema.sh
TESTS += $(schema_tests)
dist_check_SCRIPTS += $(schema_tests)
EXTRA_DIST += tests/fuzz/fuzz_manifest.c tests/data/bad tests/data/good tests/data/later tests/data/catalog \
	tests/schema/check.mjs

unit_tests += tests/unit/test_arena
unit_tests += tests/unit/test_cli
unit_tests += tests/unit/test_error
unit_tests += tests/unit/test_file
unit_tests += tests/unit/test_json
unit_tests += tests/unit/test_process
unit_tests += tests/unit/test_secret
unit_tests += tests/unit/test_sha256
unit_tests += tests/unit/test_table
unit_tests += tests/unit/test_text
unit_tests += tests/unit/test_xml

# base/ stands alone: its tests link nothing above it, which proves it.
base_test_libs = base/libbase.a $(JANSSON_LIBS) $(CRYPTO_LIBS) $(CRITERION_LIBS)
tests_unit_test_arena_LDADD = $(base_test_libs)
tests_unit_test_cli_LDADD = $(base_test_libs)
tests_unit_test_error_LDADD = $(base_test_libs)
tests_unit_test_file_LDADD = $(base_test_libs)
tests_unit_test_json_LDADD = $(base_test_libs)
tests_unit_test_process_LDADD = $(base_test_libs)
tests_unit_test_secret_LDADD = $(base_test_libs)
tests_unit_test_sha256_LDADD = $(base_test_libs)
tests_unit_test_table_LDADD = $(base_test_libs)
tests_unit_test_text_LDADD = $(base_test_libs)
tests_unit_test_xml_LDADD = $(base_test_libs)

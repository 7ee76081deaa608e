unit_tests += tests/unit/test_manifest tests/unit/test_cron tests/unit/test_files tests/unit/test_format tests/unit/test_mutants
tests_unit_test_mutants_SOURCES = tests/unit/test_mutants.c tests/fuzz/project.c tests/fuzz/project.h
tests_unit_test_mutants_LDADD = $(replay_libs) $(CRITERION_LIBS)
tests_unit_test_manifest_LDADD = manifests/libmanifests.a base/libbase.a \
	$(YAML_LIBS) $(PCRE2_LIBS) $(JANSSON_LIBS) $(CRYPTO_LIBS) $(CRITERION_LIBS)

# Parsers, for `make fuzz`; in `make check` each runs over what is in its corpus.
fuzz_names = tree recipe app services routes include cron
fuzz_targets += $(fuzz_names:%=tests/fuzz/fuzz_%)
replay_libs = manifests/libmanifests.a base/libbase.a $(YAML_LIBS) $(PCRE2_LIBS) $(JANSSON_LIBS) $(CRYPTO_LIBS)
replay_sources = tests/fuzz/replay.c tests/fuzz/project.c tests/fuzz/project.h
tests_fuzz_replay_tree_SOURCES = tests/fuzz/fuzz_tree.c $(replay_sources)
tests_fuzz_replay_tree_CPPFLAGS = $(AM_CPPFLAGS) -DTEST_FOLDER='"$(abs_top_srcdir)/tests/fuzz/corpus/tree"'
tests_fuzz_replay_tree_LDADD = $(replay_libs)
tests_fuzz_replay_recipe_SOURCES = tests/fuzz/fuzz_recipe.c $(replay_sources)
tests_fuzz_replay_recipe_CPPFLAGS = $(AM_CPPFLAGS) -DTEST_FOLDER='"$(abs_top_srcdir)/tests/fuzz/corpus/recipe"'
tests_fuzz_replay_recipe_LDADD = $(replay_libs)
tests_fuzz_replay_app_SOURCES = tests/fuzz/fuzz_app.c $(replay_sources)
tests_fuzz_replay_app_CPPFLAGS = $(AM_CPPFLAGS) -DTEST_FOLDER='"$(abs_top_srcdir)/tests/fuzz/corpus/app"'
tests_fuzz_replay_app_LDADD = $(replay_libs)
tests_fuzz_replay_services_SOURCES = tests/fuzz/fuzz_services.c $(replay_sources)
tests_fuzz_replay_services_CPPFLAGS = $(AM_CPPFLAGS) -DTEST_FOLDER='"$(abs_top_srcdir)/tests/fuzz/corpus/services"'
tests_fuzz_replay_services_LDADD = $(replay_libs)
tests_fuzz_replay_routes_SOURCES = tests/fuzz/fuzz_routes.c $(replay_sources)
tests_fuzz_replay_routes_CPPFLAGS = $(AM_CPPFLAGS) -DTEST_FOLDER='"$(abs_top_srcdir)/tests/fuzz/corpus/routes"'
tests_fuzz_replay_routes_LDADD = $(replay_libs)
tests_fuzz_replay_include_SOURCES = tests/fuzz/fuzz_include.c $(replay_sources)
tests_fuzz_replay_include_CPPFLAGS = $(AM_CPPFLAGS) -DTEST_FOLDER='"$(abs_top_srcdir)/tests/fuzz/corpus/include"'
tests_fuzz_replay_include_LDADD = $(replay_libs)
tests_fuzz_replay_cron_SOURCES = tests/fuzz/fuzz_cron.c $(replay_sources)
tests_fuzz_replay_cron_CPPFLAGS = $(AM_CPPFLAGS) -DTEST_FOLDER='"$(abs_top_srcdir)/tests/fuzz/corpus/cron"'
tests_fuzz_replay_cron_LDADD = $(replay_libs)
replay_tests = tests/fuzz/replay_tree tests/fuzz/replay_recipe tests/fuzz/replay_app tests/fuzz/replay_services tests/fuzz/replay_routes tests/fuzz/replay_include tests/fuzz/replay_cron
check_PROGRAMS += $(replay_tests)
TESTS += $(replay_tests)
schema_tests = tests/schema/schema.sh
TESTS += $(schema_tests)
dist_check_SCRIPTS += $(schema_tests)
EXTRA_DIST += tests/fuzz/corpus tests/data/bad tests/data/good tests/data/later tests/data/catalog \
	tests/schema/check.mjs

noinst_LIBRARIES += %D%/libmanifests.a
%C%_libmanifests_a_CPPFLAGS = $(AM_CPPFLAGS) $(YAML_CFLAGS) $(PCRE2_CFLAGS)
%C%_libmanifests_a_SOURCES = \
	%D%/manifest.h \
	%D%/problem.h \
	%D%/recipe.h

noinst_LIBRARIES += %D%/libmanifests.a
%C%_libmanifests_a_CPPFLAGS = $(AM_CPPFLAGS) $(YAML_CFLAGS) $(PCRE2_CFLAGS)
%C%_libmanifests_a_SOURCES = \
	%D%/app.c \
	%D%/catalog.c \
	%D%/check.c \
	%D%/document.c \
	%D%/image.c \
	%D%/image.h \
	%D%/load.c \
	%D%/manifest.h \
	%D%/parts.h \
	%D%/pattern.c \
	%D%/pattern.h \
	%D%/problem.c \
	%D%/problem.h \
	%D%/recipe.c \
	%D%/recipe.h \
	%D%/recipe_include.c \
	%D%/relationships.c \
	%D%/scalar.c \
	%D%/scalar.h \
	%D%/schema.c \
	%D%/schema.h \
	%D%/services.c \
	%D%/tree.c \
	%D%/tree.h \
	%D%/web.c

noinst_LIBRARIES += %D%/libnetplan.a
%C%_libnetplan_a_CPPFLAGS = $(AM_CPPFLAGS) $(NL_CFLAGS) $(NFT_CFLAGS)
%C%_libnetplan_a_SOURCES = \
	%D%/links.h \
	%D%/plan.h \
	%D%/rules.h

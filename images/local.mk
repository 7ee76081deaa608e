noinst_LIBRARIES += %D%/libimages.a
%C%_libimages_a_CPPFLAGS = $(AM_CPPFLAGS) $(SQFS_CFLAGS)
%C%_libimages_a_SOURCES = \
	%D%/base.h \
	%D%/mount.h \
	%D%/squash.h \
	%D%/store.h

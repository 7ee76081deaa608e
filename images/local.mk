noinst_LIBRARIES += %D%/libimages.a
%C%_libimages_a_CPPFLAGS = $(AM_CPPFLAGS) $(SQFS_CFLAGS)
%C%_libimages_a_SOURCES = \
	%D%/base.c %D%/base.h \
	%D%/mount.c %D%/mount.h \
	%D%/rootfs.c %D%/rootfs.h \
	%D%/squash.c %D%/squash.h \
	%D%/squash_inodes.c \
	%D%/squash_read.c \
	%D%/squash_writer.h \
	%D%/store.c %D%/store.h \
	%D%/tree.c %D%/tree.h

noinst_LIBRARIES += %D%/libbase.a
%C%_libbase_a_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS) $(CRYPTO_CFLAGS) $(CRYPT_CFLAGS)
%C%_libbase_a_SOURCES = \
	%D%/arena.c %D%/arena.h \
	%D%/auto.h \
	%D%/cli.c %D%/cli.h %D%/cli_help.c \
	%D%/clock.c %D%/clock.h \
	%D%/copy.c %D%/copy.h \
	%D%/cron.c %D%/cron.h \
	%D%/error.c %D%/error.h \
	%D%/file.c %D%/file.h \
	%D%/json.c %D%/json.h \
	%D%/log.c %D%/log.h \
	%D%/password.c %D%/password.h \
	%D%/process.c %D%/process.h \
	%D%/secret.c %D%/secret.h \
	%D%/sha256.c %D%/sha256.h \
	%D%/table.c %D%/table.h \
	%D%/text.c %D%/text.h \
	%D%/xml.c %D%/xml.h

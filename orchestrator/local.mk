noinst_LIBRARIES += %D%/liborchestrator.a
%C%_liborchestrator_a_CPPFLAGS = $(AM_CPPFLAGS) $(UV_CFLAGS) $(SQLITE_CFLAGS)
%C%_liborchestrator_a_SOURCES = %D%/state.c %D%/state.h

bin_PROGRAMS += orch
orch_SOURCES = %D%/main.c
orch_LDADD = $(ORCH_LIBS)

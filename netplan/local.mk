noinst_LIBRARIES += %D%/libnetplan.a
%C%_libnetplan_a_CPPFLAGS = $(AM_CPPFLAGS) $(NL_CFLAGS) $(NFT_CFLAGS)
%C%_libnetplan_a_SOURCES = \
	%D%/links.c %D%/links.h \
	%D%/match.c %D%/match.h \
	%D%/message.c %D%/message.h \
	%D%/netlink.c %D%/netlink.h \
	%D%/netns.c %D%/netns.h \
	%D%/nft.c %D%/nft.h \
	%D%/outbound.c \
	%D%/pair.c %D%/pair.h \
	%D%/pin.c \
	%D%/plan.c %D%/plan.h \
	%D%/resolvers.c \
	%D%/rules_chains.c \
	%D%/rules_host.c \
	%D%/rules_list.c \
	%D%/rules_router.c \
	%D%/rules_wake.c \
	%D%/rules.h \
	%D%/uplink.c \
	%D%/wake.h

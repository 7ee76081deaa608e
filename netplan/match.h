/*
 * match.h - what a rule looks for and does, one function for each phrase of nft(8)
 *
 * A rule applies to a packet when all its phrases do, in the order they were added.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct nftnl_rule;

enum match_is { IS, IS_NOT };

/* Parts of a packet, or of what is known of its connection. */
enum match_field {
	FIELD_IN,	       /* iifname */
	FIELD_OUT,	       /* oifname */
	FIELD_SOURCE,	       /* ip saddr */
	FIELD_DESTINATION,     /* ip daddr */
	FIELD_PROTOCOL,	       /* meta l4proto */
	FIELD_SOURCE_PORT,     /* th sport, of TCP or UDP */
	FIELD_PORT,	       /* th dport */
	FIELD_ORIGINAL_SOURCE, /* ct original ip saddr: who opened the connection */
};

void match_link(struct nftnl_rule *r, enum match_field which, enum match_is is, const char *name);
/* address/prefix. */
void match_address(struct nftnl_rule *r, enum match_field which, enum match_is is, uint32_t address,
		   unsigned prefix);
void match_protocol(struct nftnl_rule *r, uint8_t protocol);
void match_port(struct nftnl_rule *r, enum match_is is, uint16_t port); /* after match_protocol */
/* The n fields together are a member of the set. */
void match_set(struct nftnl_rule *r, const char *set, const enum match_field *fields, size_t n);
/* One of these flags, of TCP, is set; after match_protocol. */
void match_tcp_flags(struct nftnl_rule *r, uint8_t flags);
void match_local(struct nftnl_rule *r); /* fib daddr type local: an address of this host */

void match_reply(struct nftnl_rule *r);	   /* ct direction reply */
void match_original(struct nftnl_rule *r); /* ct direction original */
void match_invalid(struct nftnl_rule *r);  /* ct state invalid */
void match_related(struct nftnl_rule *r);  /* ct state related */
void match_dnat(struct nftnl_rule *r);	   /* ct status dnat */

void rule_accept(struct nftnl_rule *r);
void rule_drop(struct nftnl_rule *r);
void rule_dnat(struct nftnl_rule *r, uint32_t address, uint16_t port);
void rule_snat(struct nftnl_rule *r, uint32_t address);
void rule_masquerade(struct nftnl_rule *r);
void rule_log(struct nftnl_rule *r, uint16_t group); /* to whoever listens: nfnetlink_log */

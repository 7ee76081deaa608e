#include "netplan/match.h"

/* Before the kernel's headers, which then leave out what libc defines. */
#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h> /* libnftnl/expr.h needs it */

#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_conntrack_tuple_common.h>
#include <linux/netfilter/nf_nat.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/rtnetlink.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define TCP_FLAGS_AT 13 /* RFC 9293, 3.1 */

/*
 * Registers: 16 of 32 bits, NFT_REG32_00 on. The first is called NFT_REG_1, and
 * the fifth NFT_REG_2, as nft(8) does, which prints the names it expects.
 */
static uint32_t register_at(unsigned slot)
{
	return slot % 4 ? NFT_REG32_00 + slot : NFT_REG_1 + slot / 4;
}

static struct nftnl_expr *add(struct nftnl_rule *r, const char *kind)
{
	struct nftnl_expr *e = nftnl_expr_alloc(kind);

	if (!e)
		abort();
	nftnl_rule_add_expr(r, e);
	return e;
}

static void load_payload(struct nftnl_rule *r, uint32_t base, uint32_t offset, uint32_t size,
			 uint32_t to)
{
	struct nftnl_expr *e = add(r, "payload");

	nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_BASE, base);
	nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_OFFSET, offset);
	nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_LEN, size);
	nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_DREG, to);
}

static void load_meta(struct nftnl_rule *r, uint32_t key, uint32_t to)
{
	struct nftnl_expr *e = add(r, "meta");

	nftnl_expr_set_u32(e, NFTNL_EXPR_META_KEY, key);
	nftnl_expr_set_u32(e, NFTNL_EXPR_META_DREG, to);
}

static struct nftnl_expr *load_ct(struct nftnl_rule *r, uint32_t key, uint32_t to)
{
	struct nftnl_expr *e = add(r, "ct");

	nftnl_expr_set_u32(e, NFTNL_EXPR_CT_KEY, key);
	nftnl_expr_set_u32(e, NFTNL_EXPR_CT_DREG, to);
	return e;
}

/* Into the registers from `slot` on; returns how many of them it took. */
static unsigned load(struct nftnl_rule *r, enum match_field field, unsigned slot)
{
	const uint32_t to = register_at(slot);

	switch (field) {
	case FIELD_IN:
		load_meta(r, NFT_META_IIFNAME, to);
		return IFNAMSIZ / 4;
	case FIELD_OUT:
		load_meta(r, NFT_META_OIFNAME, to);
		return IFNAMSIZ / 4;
	case FIELD_SOURCE: /* RFC 791, 3.1 */
		load_payload(r, NFT_PAYLOAD_NETWORK_HEADER, 12, 4, to);
		return 1;
	case FIELD_DESTINATION:
		load_payload(r, NFT_PAYLOAD_NETWORK_HEADER, 16, 4, to);
		return 1;
	case FIELD_PROTOCOL:
		load_meta(r, NFT_META_L4PROTO, to);
		return 1;
	case FIELD_SOURCE_PORT: /* the same in UDP: RFC 768, and in TCP: RFC 9293, 3.1 */
		load_payload(r, NFT_PAYLOAD_TRANSPORT_HEADER, 0, 2, to);
		return 1;
	case FIELD_PORT:
		load_payload(r, NFT_PAYLOAD_TRANSPORT_HEADER, 2, 2, to);
		return 1;
	case FIELD_ORIGINAL_SOURCE:
		nftnl_expr_set_u8(load_ct(r, NFT_CT_SRC_IP, to), NFTNL_EXPR_CT_DIR,
				  IP_CT_DIR_ORIGINAL);
		return 1;
	}
	abort();
}

static void compare(struct nftnl_rule *r, enum match_is is, const void *value, uint32_t size)
{
	struct nftnl_expr *e = add(r, "cmp");

	nftnl_expr_set_u32(e, NFTNL_EXPR_CMP_SREG, NFT_REG_1);
	nftnl_expr_set_u32(e, NFTNL_EXPR_CMP_OP, is == IS ? NFT_CMP_EQ : NFT_CMP_NEQ);
	nftnl_expr_set(e, NFTNL_EXPR_CMP_DATA, value, size);
}

static void mask(struct nftnl_rule *r, uint32_t bits)
{
	const uint32_t none = 0;
	struct nftnl_expr *e = add(r, "bitwise");

	nftnl_expr_set_u32(e, NFTNL_EXPR_BITWISE_SREG, NFT_REG_1);
	nftnl_expr_set_u32(e, NFTNL_EXPR_BITWISE_DREG, NFT_REG_1);
	nftnl_expr_set_u32(e, NFTNL_EXPR_BITWISE_LEN, sizeof(bits));
	nftnl_expr_set(e, NFTNL_EXPR_BITWISE_MASK, &bits, sizeof(bits));
	nftnl_expr_set(e, NFTNL_EXPR_BITWISE_XOR, &none, sizeof(none));
}

void match_link(struct nftnl_rule *r, enum match_field which, enum match_is is, const char *name)
{
	char padded[IFNAMSIZ] = { 0 };

	memcpy(padded, name, strnlen(name, sizeof(padded) - 1));
	load(r, which, 0);
	compare(r, is, padded, sizeof(padded));
}

void match_address(struct nftnl_rule *r, enum match_field which, enum match_is is, uint32_t address,
		   unsigned prefix)
{
	const uint32_t wire = htonl(address);

	load(r, which, 0);
	if (prefix < 32)
		mask(r, htonl(~(UINT32_MAX >> prefix)));
	compare(r, is, &wire, sizeof(wire));
}

void match_protocol(struct nftnl_rule *r, uint8_t protocol)
{
	load(r, FIELD_PROTOCOL, 0);
	compare(r, IS, &protocol, sizeof(protocol));
}

void match_port(struct nftnl_rule *r, enum match_is is, uint16_t port)
{
	const uint16_t wire = htons(port);

	load(r, FIELD_PORT, 0);
	compare(r, is, &wire, sizeof(wire));
}

void match_set(struct nftnl_rule *r, const char *set, const enum match_field *fields, size_t n)
{
	struct nftnl_expr *e;
	unsigned slot = 0;

	for (size_t i = 0; i < n; i++)
		slot += load(r, fields[i], slot);
	e = add(r, "lookup");
	nftnl_expr_set_u32(e, NFTNL_EXPR_LOOKUP_SREG, NFT_REG_1);
	nftnl_expr_set_str(e, NFTNL_EXPR_LOOKUP_SET, set);
}

void match_tcp_flags(struct nftnl_rule *r, uint8_t flags)
{
	const uint32_t none = 0;
	uint32_t bits = 0;

	memcpy(&bits, &flags, sizeof(flags));
	load_payload(r, NFT_PAYLOAD_TRANSPORT_HEADER, TCP_FLAGS_AT, sizeof(flags), NFT_REG_1);
	mask(r, bits);
	compare(r, IS_NOT, &none, sizeof(none));
}

void match_local(struct nftnl_rule *r)
{
	const uint32_t local = RTN_LOCAL;
	struct nftnl_expr *e = add(r, "fib");

	nftnl_expr_set_u32(e, NFTNL_EXPR_FIB_DREG, NFT_REG_1);
	nftnl_expr_set_u32(e, NFTNL_EXPR_FIB_FLAGS, NFTA_FIB_F_DADDR);
	nftnl_expr_set_u32(e, NFTNL_EXPR_FIB_RESULT, NFT_FIB_RESULT_ADDRTYPE);
	compare(r, IS, &local, sizeof(local));
}

static void match_direction(struct nftnl_rule *r, uint8_t direction)
{
	load_ct(r, NFT_CT_DIRECTION, NFT_REG_1);
	compare(r, IS, &direction, sizeof(direction));
}

void match_reply(struct nftnl_rule *r)
{
	match_direction(r, IP_CT_DIR_REPLY);
}

void match_original(struct nftnl_rule *r)
{
	match_direction(r, IP_CT_DIR_ORIGINAL);
}

static void match_ct_bit(struct nftnl_rule *r, uint32_t key, uint32_t bit)
{
	const uint32_t none = 0;

	load_ct(r, key, NFT_REG_1);
	mask(r, bit);
	compare(r, IS_NOT, &none, sizeof(none));
}

void match_invalid(struct nftnl_rule *r)
{
	match_ct_bit(r, NFT_CT_STATE, NF_CT_STATE_INVALID_BIT);
}

void match_related(struct nftnl_rule *r)
{
	match_ct_bit(r, NFT_CT_STATE, NF_CT_STATE_BIT(IP_CT_RELATED));
}

void match_dnat(struct nftnl_rule *r)
{
	match_ct_bit(r, NFT_CT_STATUS, IPS_DST_NAT);
}

static void verdict(struct nftnl_rule *r, uint32_t what)
{
	struct nftnl_expr *e = add(r, "immediate");

	nftnl_expr_set_u32(e, NFTNL_EXPR_IMM_DREG, NFT_REG_VERDICT);
	nftnl_expr_set_u32(e, NFTNL_EXPR_IMM_VERDICT, what);
}

void rule_accept(struct nftnl_rule *r)
{
	verdict(r, NF_ACCEPT);
}

void rule_drop(struct nftnl_rule *r)
{
	verdict(r, NF_DROP);
}

static void immediate(struct nftnl_rule *r, uint32_t to, const void *value, uint32_t size)
{
	struct nftnl_expr *e = add(r, "immediate");

	nftnl_expr_set_u32(e, NFTNL_EXPR_IMM_DREG, to);
	nftnl_expr_set(e, NFTNL_EXPR_IMM_DATA, value, size);
}

static struct nftnl_expr *translate(struct nftnl_rule *r, uint32_t which, uint32_t address)
{
	const uint32_t wire = htonl(address);
	struct nftnl_expr *e;

	immediate(r, NFT_REG_1, &wire, sizeof(wire));
	e = add(r, "nat");
	nftnl_expr_set_u32(e, NFTNL_EXPR_NAT_TYPE, which);
	nftnl_expr_set_u32(e, NFTNL_EXPR_NAT_FAMILY, NFPROTO_IPV4);
	nftnl_expr_set_u32(e, NFTNL_EXPR_NAT_REG_ADDR_MIN, NFT_REG_1);
	return e;
}

void rule_dnat(struct nftnl_rule *r, uint32_t address, uint16_t port)
{
	const uint16_t wire = htons(port);
	struct nftnl_expr *e;

	immediate(r, NFT_REG_2, &wire, sizeof(wire));
	e = translate(r, NFT_NAT_DNAT, address);
	nftnl_expr_set_u32(e, NFTNL_EXPR_NAT_REG_PROTO_MIN, NFT_REG_2);
	nftnl_expr_set_u32(e, NFTNL_EXPR_NAT_FLAGS, NF_NAT_RANGE_PROTO_SPECIFIED);
}

void rule_snat(struct nftnl_rule *r, uint32_t address)
{
	translate(r, NFT_NAT_SNAT, address);
}

void rule_masquerade(struct nftnl_rule *r)
{
	add(r, "masq");
}

void rule_log(struct nftnl_rule *r, uint16_t group)
{
	struct nftnl_expr *e = add(r, "log");

	nftnl_expr_set_u16(e, NFTNL_EXPR_LOG_GROUP, group);
	nftnl_expr_set_u16(e, NFTNL_EXPR_LOG_QTHRESHOLD, 1);
}

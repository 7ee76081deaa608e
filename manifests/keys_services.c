/* The table of services.yaml. */
#include <string.h>

#include "manifests/rows.h"
#include "manifests/schema.h"
#include "manifests/tree.h"

static const char *service_name(struct problems *p, const struct node *member)
{
	/* Kept all the same: what refers to it needn't complain, too. */
	(void)check_name(p, member->key, "a service", member->key_at);
	return member->key;
}

static const struct key service_keys[] = {
	{ "type", KEY_RAW, KEY_REQUIRED, .about = "PRODUCT:VERSION" },
	ROW_SIZE("AUTO", sizes_of_services),
	ROW_RESOURCES("null"),
	ROW_PROFILE("null"),
	ROW_DISK("null", 1),
	{ "configuration", KEY_NAMES, .about = "what the product understands", .otherwise = "{}",
	  .item = &any_item },
	ROW_RELATIONSHIPS("{}"),
	{ "access", KEY_NAMES, KEY_IDLE, .about = "least roles", .otherwise = "{}",
	  .item = &any_item },
	ROW_FIREWALL("null"),
	{ NULL, KEY_END },
};
static const struct key service_item = { NULL, KEY_MAP, .keys = service_keys };

const struct key format_services = { NULL,
				     KEY_NAMES,
				     KEY_EMPTY,
				     .item = &service_item,
				     .name_of = service_name,
				     .name_pattern = NAME_PATTERN };

#include "manifests/rows.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <string.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "manifests/scalar.h"
#include "manifests/schema.h"
#include "manifests/tree.h"

const char *const sizes_of_apps[] = { "AUTO", "XS", "S", "M", "L", "XL", "2XL", "4XL", NULL };
const char *const sizes_of_services[] = { "AUTO", "S", "M", "L", "XL", "2XL", "4XL", NULL };
const char *const profiles[] = { "HIGH_CPU", "BALANCED", "HIGH_MEMORY", "HIGHER_MEMORY", NULL };

const struct key any_item = { NULL, KEY_ANY };
const struct key text_item = { NULL, KEY_TEXT };

const struct key resources_keys[] = {
	{ "base_memory", KEY_NUMBER, .about = "megabytes, whatever the size", .otherwise = "64",
	  .min = 64, .max = 1024 },
	{ "memory_ratio", KEY_NUMBER, .about = "megabytes a processor", .otherwise = "128",
	  .min = 128, .max = 1024 },
	{ NULL, KEY_END },
};

/* "collaborator" is what contributors were called once. */
static const char *const roles[] = { "viewer", "contributor", "admin", "collaborator", NULL };

const struct key access_keys[] = {
	{ "ssh", KEY_CHOICE, .about = "viewer, contributor or admin", .otherwise = "contributor",
	  .choices = roles },
	{ NULL, KEY_END },
};

const char *inner_path(struct problems *p, const char *path, struct place at)
{
	size_t len;

	path += strspn(path, "/");
	len = strlen(path);
	while (len && path[len - 1] == '/')
		len--;
	path = arena_strndup(p->arena, path, len);
	for (const char *s = path; *s;) {
		size_t part = strcspn(s, "/");

		if (!part || (part == 1 && *s == '.') || (part == 2 && !strncmp(s, "..", 2))) {
			(void)problem_add(p, PROBLEM_ERROR, "E0209", at,
					  "\"%s\" must be a path without \".\", \"..\" and \"//\"",
					  path);
			return NULL;
		}
		s += part + (s[part] == '/');
	}
	return path;
}

struct node *folder_check(struct problems *p, const struct node *n, struct node *out)
{
	out->text = inner_path(p, n->text, n->at);
	return out->text ? out : NULL;
}

const char *relationship_name(struct problems *p, const struct node *member)
{
	return check_name(p, member->key, "a relationship", member->key_at) ? member->key : NULL;
}

/* The name of a relationship is that of its service, if nothing else is said. */
static struct node *relationship_check(struct problems *p, const struct node *n, struct node *out)
{
	if (node_is_null(tree_get(out, "service"))) {
		struct node *service = node_scalar(p->arena, n->key, false, n);

		service->at = node_place(n);
		service->key = "service";
		for (struct node *m = out->child; m; m = m->next)
			if (!strcmp(m->key, "service"))
				m->text = n->key, m->plain = false, m->at = node_place(n);
	}
	return out;
}

static const struct key relationship_keys[] = {
	{ "service", KEY_TEXT, .about = "a service or an app", .otherwise = "null" },
	{ "endpoint", KEY_TEXT, .about = "one of its endpoints", .otherwise = "null" },
	{ NULL, KEY_END },
};
const struct key relationship_item = {
	NULL,
	KEY_MAP,
	KEY_EMPTY | KEY_ALSO_TEXT,
	.text_pattern = "^[^:]+:.",
	.keys = relationship_keys,
	.fix = fix_relationship,
	.check = relationship_check,
};

const char *mount_name(struct problems *p, const struct node *member)
{
	const char *path = inner_path(p, member->key, member->key_at);

	if (path && *path)
		return arena_printf(p->arena, "/%s", path);
	if (path)
		(void)problem_add(p, PROBLEM_ERROR, "E0209", member->key_at,
				  "the app's root can't be a mount");
	return NULL;
}

static struct node *mount_check(struct problems *p, const struct node *n, struct node *out)
{
	const char *source = tree_text(out, "source", NULL);
	const struct node *service = tree_get(n, "service");

	if (!source)
		return NULL;
	for (struct node *m = out->child; m; m = m->next) {
		if (!strcmp(m->key, "source") && !strcmp(source, "temporary"))
			m->text = "tmp";
		if (!strcmp(m->key, "source_path") && node_is_null(m)) {
			m->text = inner_path(p, n->key, n->key_at);
			if (!m->text)
				return NULL;
			m->plain = false;
		}
	}
	if (!strcmp(source, "service") && !tree_text(out, "service", NULL)) {
		problem_add(p, PROBLEM_ERROR, "E0202", node_place(n),
			    "\"service\" is missing in \"%s\"", n->key)
			->hint = "the name of a service whose type stores files";
		return NULL;
	}
	if (service && strcmp(source, "service") != 0 && strcmp(source, "storage") != 0) {
		(void)problem_add(p, PROBLEM_ERROR, "E0206", node_place(service),
				  "\"service\" goes with source \"service\", not with \"%s\"",
				  source);
		return NULL;
	}
	return out;
}

static const char *const sources[] = { "local",	   "service", "tmp", "temporary",
				       "instance", "storage", NULL };
static const struct key mount_keys[] = {
	{ "source", KEY_CHOICE, KEY_REQUIRED,
	  .about = "local: the app's disk; tmp: scratch; service: a shared volume",
	  .choices = sources },
	{ "source_path", KEY_RAW, .about = "the folder on the disk; \"\" is its root",
	  .otherwise = "null", .check = folder_check },
	{ "service", KEY_TEXT, .about = "with source service: whose volume" },
	{ NULL, KEY_END },
};
const struct key mount_item = { NULL,
				KEY_MAP,
				KEY_ALSO_TEXT,
				.text_pattern = "^shared:files(/|$)",
				.keys = mount_keys,
				.fix = fix_mount,
				.check = mount_check };

static const struct node *fix_prefix(struct problems *p, const struct node *n)
{
	if (n->kind == NODE_MAP || node_is_null(n))
		return n;
	wrong_type(p, n, "a map")->hint = "variables have a prefix: env, php or one of your own";
	return NULL;
}

const struct key prefix_item = { NULL, KEY_NAMES, KEY_EMPTY, .item = &any_item, .fix = fix_prefix };

static void check_variable(struct problems *p, const char *prefix, const struct node *n)
{
	static const char letters[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789";
	bool env = !strcmp(prefix, "env");

	if (*n->key &&
	    (!env ||
	     ((*n->key < '0' || *n->key > '9') && strspn(n->key, letters) == strlen(n->key))))
		return;
	problem_add(p, PROBLEM_ERROR, "E0207", n->key_at, "\"%s\" can't be the name of a variable",
		    n->key)
		->hint = env ? "letters, digits and \"_\"" : NULL;
}

struct node *variables_check(struct problems *p, const struct node *n, struct node *out)
{
	for (const struct node *prefix = n->child; prefix; prefix = prefix->next)
		for (const struct node *m = prefix->child; prefix->kind == NODE_MAP && m;
		     m = m->next)
			check_variable(p, prefix->key, m);
	return out;
}

/* A folder of zones is none, nor is what else lies there. */
static bool is_zone(struct arena *arena, const char *path)
{
	struct error ignored;
	char *data;
	size_t size;

	return file_read(arena, AT_FDCWD, path, 65536, &data, &size, &ignored) == 0 && size > 4 &&
		!memcmp(data, "TZif", 4);
}

struct node *timezone_check(struct problems *p, const struct node *n, struct node *out)
{
	static const char zones[] = "/usr/share/zoneinfo";
	const char *path = arena_printf(p->arena, "%s/%s", zones, out->text);

	if (!strstr(out->text, "..") && *out->text != '/' && !strpbrk(out->text, " \t\n") &&
	    (!file_exists(zones) || is_zone(p->arena, path)))
		return out;
	wrong_value(p, n, "no time zone \"%s\"", out->text)->hint = "such as Europe/Berlin";
	return NULL;
}

/* "10.0.0.0/8" */
static bool good_network(const char *text, bool *bare)
{
	const char *slash = strchr(text, '/');
	size_t len = slash ? (size_t)(slash - text) : strlen(text);
	unsigned char address[16];
	char host[INET6_ADDRSTRLEN];
	uint64_t bits;

	*bare = !slash;
	if (len >= sizeof(host))
		return false;
	memcpy(host, text, len);
	host[len] = '\0';
	if (inet_pton(AF_INET, host, address) == 1)
		return !slash || text_to_u64(slash + 1, 32, &bits) == 0;
	return inet_pton(AF_INET6, host, address) == 1 &&
		(!slash || text_to_u64(slash + 1, 128, &bits) == 0);
}

static struct node *network_check(struct problems *p, const struct node *n, struct node *out)
{
	bool bare;

	if (!good_network(out->text, &bare)) {
		wrong_value(p, n, "\"%s\" is no network", out->text)->hint = "such as 10.0.0.0/8";
		return NULL;
	}
	if (bare)
		out->text = arena_printf(p->arena, "%s/%s", out->text,
					 strchr(out->text, ':') ? "128" : "32");
	return out;
}

static struct node *domain_check(struct problems *p, const struct node *n, struct node *out)
{
	if (*out->text && *out->text != '.' &&
	    strspn(out->text,
		   "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._") ==
		    strlen(out->text))
		return out;
	(void)wrong_value(p, n, "\"%s\" is no domain", out->text);
	return NULL;
}

/* As it was given: what of it was refused has been complained about. */
static bool has_some(const struct node *rule, const char *key)
{
	const struct node *n = tree_get(rule, key);

	return n && !node_is_null(n) && (n->kind == NODE_SCALAR || n->n);
}

static struct node *rule_check(struct problems *p, const struct node *n, struct node *out)
{
	bool ips = has_some(n, "ips"), domains = has_some(n, "domains");

	if (ips && domains)
		(void)problem_add(p, PROBLEM_ERROR, "E0211", node_place(n),
				  "a rule has \"ips\" or \"domains\", not both");
	else if (!ips && !domains && !has_some(n, "ports"))
		(void)problem_add(p, PROBLEM_ERROR, "E0211", node_place(n),
				  "a rule needs \"ips\", \"domains\" or \"ports\"");
	return out;
}

static const struct key network_item = { NULL, KEY_TEXT, .check = network_check };
static const struct key domain_item = { NULL, KEY_TEXT, .check = domain_check };
static const struct key port_item = { NULL, KEY_NUMBER, .min = 1, .max = 65535 };
static const char *const protocols[] = { "tcp", NULL };
static const struct key rule_keys[] = {
	{ "protocol", KEY_CHOICE, .about = "tcp", .otherwise = "tcp", .choices = protocols },
	{ "ips", KEY_LIST, .about = "networks", .otherwise = "[]", .item = &network_item },
	{ "domains", KEY_LIST, .about = "host names", .otherwise = "[]", .item = &domain_item },
	{ "ports", KEY_LIST, .about = "none: all", .otherwise = "[]", .item = &port_item },
	{ NULL, KEY_END },
};
static const struct key rule_item = { NULL, KEY_MAP, .keys = rule_keys, .check = rule_check };

const struct key firewall_keys[] = {
	{ "outbound", KEY_LIST, .about = "what matches one of these is allowed", .otherwise = "[]",
	  .item = &rule_item },
	{ NULL, KEY_END },
};

const char *host_name(struct problems *p, const struct node *member)
{
	if (*member->key &&
	    strspn(member->key,
		   "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._") ==
		    strlen(member->key))
		return member->key;
	(void)problem_add(p, PROBLEM_ERROR, "E0207", member->key_at,
			  "\"%s\" can't be the name of a host", member->key);
	return NULL;
}

static struct node *address_check(struct problems *p, const struct node *n, struct node *out)
{
	unsigned char address[16];

	if (inet_pton(AF_INET, out->text, address) == 1 ||
	    inet_pton(AF_INET6, out->text, address) == 1)
		return out;
	wrong_value(p, n, "\"%s\" is no address", out->text)->hint = "such as 192.0.2.10";
	return NULL;
}

const struct key host_item = { NULL, KEY_TEXT, .check = address_check };

/*
 * publish.c - the address on the host that leads to an environment's app
 */
#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/error.h"
#include "base/text.h"
#include "netplan/plan.h"
#include "orchestrator/request.h"
#include "orchestrator/session.h"

/* Below ip_local_port_range's default of 32768, where the kernel gives out its own: ip(7). */
#define FIRST_PORT 20000
#define N_PORTS 10000

static bool is_free(uint32_t address, uint16_t port)
{
	const struct sockaddr_in at = { .sin_family = AF_INET,
					.sin_port = htons(port),
					.sin_addr.s_addr = htonl(address) };
	AUTO(fd) int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	const int yes = 1;

	/* As a server would: what is only waiting to be forgotten doesn't count. */
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	return fd >= 0 && bind(fd, (const struct sockaddr *)(const void *)&at, sizeof(at)) == 0;
}

static bool is_taken(const struct environment *list, size_t n, const char *id, uint16_t port)
{
	for (size_t i = 0; i < n; i++)
		if (list[i].publish_port == port && strcmp(list[i].id, id) != 0)
			return true;
	return false;
}

static int choose(struct session *s, uint32_t address, struct error *err)
{
	struct environment *list = NULL;
	char digest[SHA256_HEX];
	uint32_t start = 0;
	size_t n = 0;

	if (s->state && state_list(s->state, &s->arena, &list, &n, err) < 0)
		return -1;
	sha256_of(s->env.id, strlen(s->env.id), digest);
	for (size_t i = 0; i < 6; i++)
		start = start * 31 + (unsigned char)digest[i];
	for (uint32_t i = 0; i < N_PORTS; i++) {
		uint16_t port = (uint16_t)(FIRST_PORT + (start + i) % N_PORTS);

		if (is_taken(list, n, s->env.id, port) || !is_free(address, port))
			continue;
		s->env.publish_port = port;
		return 0;
	}
	return fail(err, ERROR_SYSTEM, "no port is free from %d to %d", FIRST_PORT,
		    FIRST_PORT + N_PORTS - 1);
}

/* "ADDRESS:PORT", ":PORT", "PORT" or "ADDRESS". */
static int parse(struct session *s, const char *text, struct error *err)
{
	char *copy = arena_strdup(&s->arena, text);
	char *colon = strrchr(copy, ':');
	const char *port = colon ? colon + 1 : strchr(copy, '.') ? NULL : copy;
	uint32_t address;
	uint64_t n;

	if (colon)
		*colon = '\0';
	if ((colon && *copy) || !port) {
		if (net_parse(copy, &address) < 0)
			return fail(err, ERROR_INPUT, "--publish %s: \"%s\" is no IPv4 address",
				    text, copy);
		s->env.publish_address = copy;
		s->env.publish_port = 0;
	}
	if (!port)
		return 0;
	if (text_to_u64(port, 65535, &n) < 0 || n == 0)
		return fail(err, ERROR_INPUT, "--publish %s: \"%s\" is no port (1 to 65535)", text,
			    port);
	s->env.publish_port = (uint16_t)n;
	return 0;
}

/* Names for {default} and {all}, in their order. */
static int set_domains(struct session *s, struct error *err)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789.-";
	char *rest = arena_strdup(&s->arena, s->options->domains), *name;
	const char *all = "";

	if (!strcmp(rest, "-"))
		*rest = '\0';
	while (*s->options->domains && rest && (name = strsep(&rest, "\n"))) {
		if (!*name)
			continue;
		if (strspn(name, allowed) != strlen(name) || strlen(name) > 253 ||
		    strchr(".-", *name))
			return fail(err, ERROR_INPUT,
				    "--domain %s: no name of a host, such as "
				    "shop.example.com",
				    name);
		all = arena_printf(&s->arena, "%s%s%s", all, *all ? " " : "", name);
	}
	s->env.domains = all;
	return 0;
}

int request_publish(struct session *s, struct error *err)
{
	const struct environment had = s->env;
	uint32_t address;

	if (s->options->domains && set_domains(s, err) < 0)
		return -1;
	if (s->options->publish && parse(s, s->options->publish, err) < 0)
		return -1;
	if (net_parse(s->env.publish_address, &address) < 0)
		return fail(err, ERROR_SYSTEM, "bad address %s", s->env.publish_address);
	if (!s->env.publish_port)
		return choose(s, address, err);
	if (s->options->publish &&
	    (had.publish_port != s->env.publish_port ||
	     strcmp(had.publish_address, s->env.publish_address) != 0) &&
	    !is_free(address, s->env.publish_port))
		return fail(err, ERROR_CONFLICT, "%s:%u is in use by another program",
			    s->env.publish_address, s->env.publish_port);
	return 0;
}

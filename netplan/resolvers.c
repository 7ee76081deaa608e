/*
 * resolvers.c - which DNS servers of the host are of use to a container; see links.h
 */
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/error.h"
#include "base/file.h"
#include "netplan/links.h"

static bool is_reachable(uint32_t address)
{
	/* 0.0.0.0/8 is the host itself, too: resolv.conf(5) users write 0.0.0.0 for it. */
	return address >> 24 != 0 && address >> 24 != 127 && address < NET_IP(224, 0, 0, 0) &&
		address != NET_GATEWAY && address - NET_CONTAINERS >= NET_CONTAINERS_N &&
		address - NET_UPLINKS >= NET_UPLINKS_N;
}

static bool is_among(const uint32_t *list, size_t n, uint32_t address)
{
	for (size_t i = 0; i < n; i++)
		if (list[i] == address)
			return true;
	return false;
}

/* "nameserver ADDRESS"; IPv6 ones are of no use inside. */
static bool read_line(char *line, uint32_t *out)
{
	static const char blank[] = " \t\r";
	char *rest = NULL;
	char *word = strtok_r(line, blank, &rest);

	if (!word || strcmp(word, "nameserver") != 0)
		return false;
	word = strtok_r(NULL, blank, &rest);
	return word && net_parse(word, out) == 0;
}

size_t links_resolvers(const char *path, uint32_t *out, size_t max)
{
	AUTO(arena) struct arena arena = { 0 };
	struct error ignored = { 0 };
	char *text, *rest = NULL;
	uint32_t address;
	size_t n = 0;

	if (file_read(&arena, AT_FDCWD, path, 65536, &text, NULL, &ignored) != 0)
		return 0;
	for (char *line = strtok_r(text, "\n", &rest); line && n < max;
	     line = strtok_r(NULL, "\n", &rest))
		if (read_line(line, &address) && is_reachable(address) &&
		    !is_among(out, n, address))
			out[n++] = address;
	return n;
}

#include "orchestrator/var_value.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/error.h"
#include "base/json.h"
#include "base/text.h"

#define VALUE_MAX (64u << 10) /* execve(2) takes 128 KiB a string */

static int read_all(struct arena *arena, int fd, const char **out, struct error *err)
{
	AUTO(text) struct text text = { 0 };
	char block[4096];
	ssize_t got;

	while ((got = TEMP_FAILURE_RETRY(read(fd, block, sizeof(block)))) > 0) {
		text_add_bytes(&text, block, (size_t)got);
		if (text.size > VALUE_MAX)
			break;
	}
	if (got < 0)
		return fail_errno(err, "read the value");
	if (strlen(text_get(&text)) != text.size)
		return fail(err, ERROR_INPUT, "the value has a NUL byte");
	*out = arena_strdup(arena, text_get(&text));
	return 0;
}

int var_value_read(struct arena *arena, const char *file, const char *word, const char **out,
		   struct error *err)
{
	AUTO(json) struct json_t *json = NULL;
	AUTO(fd) int fd = -1;
	size_t size;

	if ((word != NULL) == (file != NULL))
		return fail(err, ERROR_INPUT,
			    "usage: orch var set NAME VALUE, orch var set NAME - (standard input), "
			    "or orch var set NAME --file FILE");
	if (file) {
		fd = open(file, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			return fail_errno(err, "open %s", file);
		if (read_all(arena, fd, out, err) < 0)
			return -1;
	} else if (!strcmp(word, "-")) {
		if (read_all(arena, STDIN_FILENO, out, err) < 0)
			return -1;
		size = strlen(*out);
		if (size && (*out)[size - 1] == '\n')
			*out = arena_strndup(arena, *out, size - 1);
	} else {
		*out = word;
	}
	if (strlen(*out) > VALUE_MAX)
		return fail(err, ERROR_INPUT, "the value has more than %u bytes", VALUE_MAX);
	json = json_new_text(*out);
	if (strcmp(json_text(json, ""), *out) != 0)
		return fail(err, ERROR_INPUT, "the value is not UTF-8");
	return 0;
}

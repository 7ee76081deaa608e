#include "orchestrator/report.h"

#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <time.h>

#include "base/auto.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/text.h"
#include "base/xml.h"
#include "orchestrator/host.h"

#define LAST_OUTPUT 65536 /* of the command's output that the test case holds */

int report_open(struct report *r, int *out, struct error *err)
{
	const char *path;

	*out = -1;
	r->began = (int64_t)time(NULL);
	if (!r->folder)
		return 0;
	if (file_make_dirs(r->folder, 0755, err) < 0)
		return -1;
	path = arena_printf(&r->arena, "%s/command.log", r->folder);
	*out = open(path, O_RDWR | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0644);
	return *out < 0 ? fail_errno(err, "open %s", path) : 0;
}

void report_close(struct report *r)
{
	arena_clear(&r->arena);
}

void report_step(void *ctx, const char *what, const char *name, const char *detail, uint64_t ms)
{
	struct report *r = ctx;
	struct report_step *step = arena_push(&r->arena, &r->steps);

	*step = (struct report_step){ .what = arena_strdup(&r->arena, what),
				      .name = arena_strdup(&r->arena, name),
				      .detail = arena_strdup(&r->arena, detail),
				      .ms = ms };
}

/* A container's root can put anything into its log folder: nothing but files is followed or waited for. */
static int copy_file(int from, int to, const char *name, struct error *err)
{
	AUTO(fd)
	int in = openat(from, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	AUTO(fd) int out = -1;
	struct stat st;
	ssize_t n;

	if (in < 0 || fstat(in, &st) < 0 || !S_ISREG(st.st_mode))
		return 0;
	out = openat(to, name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (out < 0)
		return fail_errno(err, "write %s", name);
	/* No more than was there: a log may grow for as long as it is read. */
	for (off_t left = st.st_size; left > 0; left -= n) {
		n = sendfile(out, in, NULL, (size_t)left);
		if (n < 0)
			return fail_errno(err, "copy %s", name);
		if (n == 0)
			break;
	}
	return 0;
}

static int copy_folder(struct arena *arena, const char *from, const char *to, struct error *err)
{
	AUTO(fd) int in = open(from, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	AUTO(fd) int out = -1;
	const char **names;
	size_t n;

	/* The supervisor's own lies between the containers' folders. */
	if (in < 0)
		return 0;
	if (file_make_dirs(to, 0755, err) < 0)
		return -1;
	out = open(to, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (out < 0)
		return fail_errno(err, "open %s", to);
	if (file_list(arena, from, &names, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (copy_file(in, out, names[i], err) < 0)
			return fail_in(err, "%s", to);
	return 0;
}

int report_logs(const struct report *r, const struct host *h, const char *id, struct error *err)
{
	AUTO(arena) struct arena arena = { 0 };
	const char *from = arena_printf(&arena, "%s/%s", h->log, id);
	const char **names;
	size_t n = 0;

	if (!r->folder)
		return 0;
	if (file_list(&arena, from, &names, &n, err) < 0 ||
	    copy_folder(&arena, from, arena_printf(&arena, "%s/logs", r->folder), err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (copy_folder(&arena, arena_printf(&arena, "%s/%s", from, names[i]),
				arena_printf(&arena, "%s/logs/%s", r->folder, names[i]), err) < 0)
			return -1;
	return 0;
}

static const char *result_of(const struct report *r)
{
	if (r->late)
		return "timeout";
	if (r->exit == ERROR_INTERRUPTED)
		return "interrupted";
	if (r->failed)
		return "error";
	return r->exit ? "failed" : "passed";
}

static const char *began_text(const struct report *r, char buf[32])
{
	time_t at = (time_t)r->began;
	struct tm tm;

	strftime(buf, 32, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&at, &tm));
	return buf;
}

static char *make_summary(struct report *r)
{
	AUTO(json) struct json_t *all = json_new_map();
	struct json_t *list;
	char began[32];

	json_put_text(all, "schema", "orch.run/1");
	json_put_text(all, "environment", r->environment);
	json_put_text(all, "machine_name", r->machine_name);
	json_put_text(all, "url", r->url);
	list = json_put(all, "command", json_new_list());
	for (size_t i = 0; r->command[i]; i++)
		json_add(list, json_new_text(r->command[i]));
	json_put_text(all, "result", result_of(r));
	json_put_number(all, "exit", r->exit);
	json_put_text(all, "error", r->failed);
	json_put_text(all, "began", began_text(r, began));
	json_put_number(all, "ms", (int64_t)r->ms);
	json_put_number(all, "deploy_ms", (int64_t)r->deploy_ms);
	json_put_number(all, "command_ms", (int64_t)r->command_ms);
	list = json_put(all, "steps", json_new_list());
	for (size_t i = 0; i < r->steps.n; i++) {
		struct json_t *step = json_add(list, json_new_map());

		json_put_text(step, "event", r->steps.items[i].what);
		json_put_text(step, "name", r->steps.items[i].name);
		json_put_text(step, "detail", r->steps.items[i].detail);
		json_put_number(step, "ms", (int64_t)r->steps.items[i].ms);
	}
	return json_print(&r->arena, all, FORM_PRETTY);
}

static void add_text(struct text *t, const char *s)
{
	xml_add(t, s, strlen(s));
}

static void begin_case(struct text *t, const char *class, const char *name, uint64_t ms)
{
	text_printf(t, "    <testcase classname=\"orch.%s\" name=\"", class);
	add_text(t, name);
	text_printf(t, "\" time=\"%.3f\">\n", (double)ms / 1000);
}

static void add_problem(struct text *t, const char *kind, const char *message, const char *more)
{
	text_printf(t, "      <%s message=\"", kind);
	add_text(t, message);
	text_add(t, "\">");
	add_text(t, more);
	text_printf(t, "</%s>\n", kind);
}

static void add_output(struct text *t, int log)
{
	char block[LAST_OUTPUT];
	struct stat st;
	off_t from;
	ssize_t got;

	if (fstat(log, &st) < 0)
		return;
	from = st.st_size > LAST_OUTPUT ? st.st_size - LAST_OUTPUT : 0;
	got = pread(log, block, sizeof(block), from);
	text_add(t, "      <system-out>");
	if (from)
		text_add(t, "... the whole of it is in command.log\n");
	xml_add(t, block, got < 0 ? 0 : (size_t)got);
	text_add(t, "</system-out>\n");
}

static void add_command(struct report *r, struct text *t, int log)
{
	AUTO(text) struct text line = { 0 };

	for (size_t i = 0; r->command[i]; i++)
		text_printf(&line, "%s%s", i ? " " : "", r->command[i]);
	begin_case(t, "run", text_get(&line), r->command_ms);
	if (!r->ran)
		text_add(t, "      <skipped/>\n");
	else if (r->late)
		add_problem(t, "failure", "timed out", "");
	else if (r->exit)
		add_problem(t, "failure", arena_printf(&r->arena, "exit %d", r->exit), "");
	if (r->ran)
		add_output(t, log);
	text_add(t, "    </testcase>\n");
}

static void make_junit(struct report *r, int log, struct text *t)
{
	char began[32];

	text_add(t, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n");
	text_add(t, "  <testsuite name=\"orch run ");
	add_text(t, r->environment);
	text_printf(t, "\" tests=\"%zu\" failures=\"%d\" errors=\"%d\" skipped=\"%d\"",
		    r->steps.n + 2, r->ran && r->exit && !r->failed, r->failed != NULL, !r->ran);
	text_printf(t, " time=\"%.3f\" timestamp=\"%.19s\">\n", (double)r->ms / 1000,
		    began_text(r, began));
	for (size_t i = 0; i < r->steps.n; i++) {
		const struct report_step *step = &r->steps.items[i];

		begin_case(t, "deploy",
			   arena_printf(&r->arena, "%s%s%s", step->what, *step->name ? " " : "",
					step->name),
			   step->ms);
		if (*step->detail) {
			text_add(t, "      <system-out>");
			add_text(t, step->detail);
			text_add(t, "</system-out>\n");
		}
		text_add(t, "    </testcase>\n");
	}
	begin_case(t, "deploy", "environment", r->deploy_ms);
	if (r->failed)
		add_problem(t, "error", "orch failed", r->failed);
	text_add(t, "    </testcase>\n");
	add_command(r, t, log);
	text_add(t, "  </testsuite>\n</testsuites>\n");
}

int report_write(struct report *r, struct error *err)
{
	AUTO(text) struct text junit = { 0 };
	AUTO(fd) int folder = -1;
	AUTO(fd) int log = -1;
	const char *summary;

	if (!r->folder)
		return 0;
	folder = open(r->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (folder < 0)
		return fail_errno(err, "open %s", r->folder);
	log = openat(folder, "command.log", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	make_junit(r, log, &junit);
	summary = arena_printf(&r->arena, "%s\n", make_summary(r));
	if (file_write(folder, "junit.xml", text_get(&junit), junit.size, 0644, false, err) < 0)
		return -1;
	return file_write(folder, "summary.json", summary, strlen(summary), 0644, false, err);
}

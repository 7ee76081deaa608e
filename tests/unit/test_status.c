#include <criterion/criterion.h>
#include <string.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/error.h"
#include "base/text.h"
#include "runtime/init.h"

static int parse(struct arena *arena, const char *text, struct init_status *s)
{
	struct error err;

	return init_status_parse(arena, text, strlen(text), s, &err);
}

Test(status, is_read_as_written)
{
	AUTO(arena) struct arena arena = { 0 };
	struct init_status s;

	cr_assert_eq(parse(&arena,
			   "state ready\nepoch 3\nwhy a b\nprocess app 12 34567 2 -1\n"
			   "process nginx 0 0 0 137\n",
			   &s),
		     0);
	cr_expect_eq(s.state, INIT_READY);
	cr_expect_eq(s.epoch, 3);
	cr_expect_str_eq(s.why, "a b");
	cr_assert_eq(s.n, 2);
	cr_expect_str_eq(s.processes[0].name, "app");
	cr_expect_eq(s.processes[0].since_ms, 34567);
	cr_expect_eq(s.processes[1].last_exit, 137);
}

/* The text is under the control of the container's root. */
Test(status, nonsense_is_refused)
{
	static const char *const texts[] = {
		"",
		"x",
		"state",
		"state dancing\n",
		"epoch -1\n",
		"epoch 99999999999\n",
		"process\n",
		"process a\n",
		"process a b 1 1 1\n",
		"process a 1 1 1\n",
		"process a 1 1 1 300\n",
		"process  1 1 1 1\n",
		"process a 99999999999 1 1 1\n",
		"other 1\n",
	};
	AUTO(arena) struct arena arena = { 0 };
	struct init_status s;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		cr_expect_eq(parse(&arena, texts[i], &s), -1, "\"%s\"", texts[i]);
}

Test(init, values_may_hold_anything)
{
	static const char *const argv[] = { "sh", "-c", "a\nb \\n c", NULL };
	static const char *const env[] = { "X=1 2", NULL };
	const struct init_process p = { .name = "app", .uid = 5, .argv = argv, .env = env };
	const struct init_spec spec = { .processes = &p, .n = 1, .log_folder = "/var/log" };
	AUTO(text) struct text out = { 0 };

	init_spec_print(&spec, &out);
	cr_expect_not_null(strstr(text_get(&out), "arg a\\nb \\\\n c\n"), "%s", text_get(&out));
	cr_expect_not_null(strstr(text_get(&out), "env X=1 2\n"));
}

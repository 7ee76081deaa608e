#include <criterion/criterion.h>
#include <fcntl.h>
#include <string.h>
#include <sys/wait.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/error.h"
#include "base/process.h"
#include "base/text.h"

static struct error err;

static int run(const char *script, struct process_spec spec)
{
	const char *argv[] = { "sh", "-c", script, NULL };

	spec.argv = argv;
	return process_run(&spec, &err);
}

static void join_line(void *ctx, const char *line)
{
	text_printf(ctx, "[%s]", line);
}

Test(process, collects_output_apart_from_errors)
{
	AUTO(text) struct text out = { 0 };
	AUTO(text) struct text lines = { 0 };

	cr_assert_eq(run("echo out; echo one >&2; printf 'two\\rthree' >&2",
			 (struct process_spec){ .out = &out, .line = join_line, .ctx = &lines }),
		     0, "%s", err.text);
	cr_expect_str_eq(text_get(&out), "out\n");
	cr_expect_str_eq(text_get(&lines), "[one][two][three]");
}

Test(process, lines_of_both_streams_when_output_is_not_wanted)
{
	AUTO(text) struct text lines = { 0 };

	cr_assert_eq(run("echo a; echo b >&2",
			 (struct process_spec){ .line = join_line, .ctx = &lines }),
		     0);
	cr_expect_str_eq(text_get(&lines), "[a][b]");
}

Test(process, says_how_it_ended)
{
	AUTO(text) struct text lines = { 0 };
	struct process_spec spec = { .line = join_line, .ctx = &lines };

	cr_expect_eq(run("echo first >&2; echo last words >&2; exit 7", spec), -1);
	cr_expect_str_eq(err.text, "sh: exit 7: last words");
	cr_expect_eq(err.kind, ERROR_SYSTEM);
	cr_expect_eq(run("kill -9 $$", spec), -1);
	cr_expect_str_eq(err.text, "sh: killed by signal 9");
}

Test(process, a_missing_program_or_folder_is_named)
{
	static const char *const argv[] = { "/no/such/program", NULL };
	AUTO(text) struct text lines = { 0 };
	struct process_spec spec = { .argv = argv, .line = join_line, .ctx = &lines };

	cr_expect_eq(process_run(&spec, &err), -1);
	cr_expect_not_null(strstr(err.text, "/no/such/program: No such file"), "%s", err.text);
	spec.folder = "/no/such/folder";
	cr_expect_eq(process_run(&spec, &err), -1);
	cr_expect_not_null(strstr(err.text, "/no/such/folder: No such file"), "%s", err.text);
}

Test(process, keeps_no_more_than_wanted)
{
	AUTO(text) struct text out = { 0 };

	cr_assert_eq(
		run("yes | head -c 300000", (struct process_spec){ .out = &out, .out_max = 1000 }),
		0, "the rest is read and dropped, so that the program can end");
	cr_expect_eq(out.size, 1000);
}

Test(process, gets_folder_environment_and_no_descriptors)
{
	static const char *const env[] = { "ORCH_TEST_WORD=hello", NULL };
	AUTO(text) struct text out = { 0 };
	int open_here = open("/dev/null", O_RDONLY); /* without O_CLOEXEC on purpose */

	cr_assert_eq(run("pwd; echo $ORCH_TEST_WORD; cat; ls /proc/self/fd | wc -l",
			 (struct process_spec){ .out = &out, .folder = "/", .env = env }),
		     0, "%s", err.text);
	/* 0, 1, 2 and the one by which ls reads the folder */
	cr_expect_str_eq(text_get(&out), "/\nhello\n4\n");
	close(open_here);
}

Test(process, runs_as_another_user)
{
	AUTO(text) struct text out = { 0 };

	if (geteuid() != 0)
		cr_skip_test("needs root to become somebody else");
	cr_assert_eq(run("id -u; id -g; id -G",
			 (struct process_spec){ .out = &out, .uid = 1234, .gid = 2345 }),
		     0, "%s", err.text);
	cr_expect_str_eq(text_get(&out), "1234\n2345\n2345\n");
}

Test(process, wait_gives_exit_code_or_signal)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(3);
	cr_expect_eq(process_wait(pid), 3);
	cr_expect_eq(process_wait(pid), 255, "there is no such child any more");
	pid = fork();
	if (pid == 0) {
		signal(SIGTERM, SIG_DFL);
		raise(SIGTERM);
		_exit(0);
	}
	cr_expect_eq(process_wait(pid), 128 + SIGTERM);
}

Test(process, start_time)
{
	uint64_t mine = process_start_time(getpid());
	pid_t child;

	cr_expect_gt(mine, 0);
	cr_expect_eq(process_start_time(getpid()), mine);
	cr_expect_leq(process_start_time(1), mine);
	child = fork();
	if (child == 0)
		_exit(0);
	waitpid(child, NULL, 0);
	cr_expect_eq(process_start_time(child), 0, "gone");
}

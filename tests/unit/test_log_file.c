/*
 * A log that grows, is put aside when it is full, and is begun again, as orch-init does it.
 */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/error.h"
#include "base/file.h"
#include "orchestrator/log_file.h"

static char folder[] = "/tmp/orch-log-XXXXXX", path[64], aside[66];
static struct error err;

static void begin(void)
{
	cr_assert_not_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/a.log", folder);
	snprintf(aside, sizeof(aside), "%s.1", path);
}

static void end(void)
{
	(void)file_remove(AT_FDCWD, folder, &err);
}

TestSuite(log_file, .init = begin, .fini = end);

static void append(const char *text)
{
	AUTO(fd) int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

	cr_assert_geq(fd, 0);
	cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
}

static void expect(struct log_file *f, const char *wanted)
{
	AUTO(arena) struct arena arena = { 0 };
	const char *got = log_file_more(&arena, f);

	cr_expect_str_eq(got ? got : "", wanted);
}

Test(log_file, gives_whole_lines_once)
{
	struct log_file f = { .path = path };

	expect(&f, "");
	append("one\ntwo\nthr");
	expect(&f, "one\ntwo");
	expect(&f, "");
	append("ee\n");
	expect(&f, "three");
}

Test(log_file, skips_what_is_there)
{
	struct log_file f = { .path = path };

	append("old\n");
	log_file_skip(&f, 0);
	expect(&f, "");
	append("new\n");
	expect(&f, "new");
	log_file_skip(&f, 6);
	expect(&f, "d\nnew");
	log_file_skip(&f, 100);
	expect(&f, "old\nnew");
}

Test(log_file, loses_nothing_where_a_full_log_is_put_aside)
{
	struct log_file f = { .path = path };

	append("one\n");
	expect(&f, "one");
	append("two\n");
	cr_assert_eq(rename(path, aside), 0);
	append("three\n");
	expect(&f, "two\nthree");
	append("four\n");
	cr_assert_eq(rename(path, aside), 0);
	append("");
	expect(&f, "four");
	append("five\n");
	expect(&f, "five");
}

Test(log_file, follows_no_link)
{
	struct log_file f = { .path = path };

	cr_assert_eq(symlink("/etc/passwd", path), 0);
	expect(&f, "");
}

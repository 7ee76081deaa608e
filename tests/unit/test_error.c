#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "base/error.h"

Test(error, says_where_and_why)
{
	struct error err = { 0 };

	errno = ENOENT;
	cr_assert_eq(fail_errno(&err, "open %s", "/x"), -1);
	cr_assert_eq(fail_in(&err, "container %s", "web"), -1);
	cr_expect_str_eq(err.text, "container web: open /x: No such file or directory");
	cr_expect_eq(err.errnum, ENOENT);
	cr_expect_eq(err.kind, ERROR_SYSTEM);
}

Test(error, keeps_the_kind_when_context_is_added)
{
	struct error err = { .errnum = EBUSY };

	cr_assert_eq(fail(&err, ERROR_INPUT, "line %d", 3), -1);
	cr_expect_eq(err.errnum, 0, "a failure without errno has none");
	fail_in(&err, "app.yaml");
	cr_expect_eq(err.kind, ERROR_INPUT);
	cr_expect_str_eq(err.text, "app.yaml: line 3");
}

Test(error, truncates_but_always_terminates)
{
	struct error err = { 0 };
	char big[2000];

	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	fail(&err, ERROR_INPUT, "%s", big);
	cr_expect_eq(strlen(err.text), sizeof(err.text) - 1);
	errno = EIO;
	fail_errno(&err, "%s", big);
	cr_expect_eq(strlen(err.text), sizeof(err.text) - 1);
	for (int i = 0; i < 10; i++)
		fail_in(&err, "%s", big);
	cr_expect_eq(strlen(err.text), sizeof(err.text) - 1);
}

Test(error, kinds_are_the_exit_codes_of_the_manual)
{
	cr_expect_eq(ERROR_SYSTEM, 1);
	cr_expect_eq(ERROR_INPUT, 2);
	cr_expect_eq(ERROR_ABSENT, 3);
	cr_expect_eq(ERROR_CONFLICT, 4);
	cr_expect_eq(ERROR_PERMISSION, 5);
	cr_expect_eq(ERROR_TIMEOUT, 6);
	cr_expect_eq(ERROR_BROKEN, 7);
	cr_expect_eq(ERROR_HOST, 9);
	cr_expect_eq(ERROR_INTERRUPTED, 130);
}

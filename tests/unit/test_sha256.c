#include <criterion/criterion.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>

#include "base/auto.h"
#include "base/error.h"
#include "base/sha256.h"

/* FIPS 180-4 examples: the empty message and "abc". */
static const char of_nothing[] = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
static const char of_abc[] = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

Test(sha256, known_answers)
{
	char hex[SHA256_HEX];

	sha256_of("", 0, hex);
	cr_expect_str_eq(hex, of_nothing);
	sha256_of("abc", 3, hex);
	cr_expect_str_eq(hex, of_abc);
}

Test(sha256, parts_are_the_whole)
{
	struct sha256 *hash = sha256_begin();
	char hex[SHA256_HEX];

	sha256_add(hash, "a", 1);
	sha256_add(hash, "", 0);
	sha256_add(hash, "bc", 2);
	sha256_end(hash, hex);
	cr_expect_str_eq(hex, of_abc);
}

Test(sha256, of_a_file_from_its_offset)
{
	AUTO(fd) int fd = memfd_create("test", MFD_CLOEXEC);
	struct error err = { 0 };
	char hex[SHA256_HEX];

	cr_assert_eq(write(fd, "xxabc", 5), 5);
	lseek(fd, 2, SEEK_SET);
	cr_assert_eq(sha256_of_fd(fd, hex, &err), 0, "%s", err.text);
	cr_expect_str_eq(hex, of_abc);
}

Test(sha256, of_a_file_larger_than_a_block)
{
	AUTO(fd) int fd = memfd_create("test", MFD_CLOEXEC);
	AUTO(free) char *data = malloc(200001);
	char a[SHA256_HEX], b[SHA256_HEX];
	struct error err = { 0 };

	memset(data, 'z', 200001);
	cr_assert_eq(write(fd, data, 200001), 200001);
	lseek(fd, 0, SEEK_SET);
	cr_assert_eq(sha256_of_fd(fd, a, &err), 0);
	sha256_of(data, 200001, b);
	cr_expect_str_eq(a, b);
}

Test(sha256, an_unreadable_file_is_a_failure)
{
	AUTO(fd) int fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct error err = { 0 };
	char hex[SHA256_HEX];

	cr_expect_eq(sha256_of_fd(fd, hex, &err), -1);
	cr_expect_eq(err.errnum, EISDIR);
}

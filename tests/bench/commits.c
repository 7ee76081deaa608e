/*
 * commits SECONDS FOLDER: a database's writes, as one number: transactions a second
 *
 * A transaction is 600 bytes at the next place of a log that was written before (as those of InnoDB and PostgreSQL are) and fdatasync(2). Each 64th
 * one writes 32 random pages of 16 KiB in place, and syncs them: a checkpoint. Files stay for the next run.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LOG (16 << 20)
#define DATA (64 << 20)
#define PAGE 16384
#define RECORD 600

static char page[PAGE];

static void die(const char *what)
{
	fprintf(stderr, "commits: %s: %s\n", what, strerror(errno));
	exit(1);
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void put(int fd, size_t n, off_t at)
{
	if (pwrite(fd, page, n, at) != (ssize_t)n)
		die("write");
}

/* Written in full, once. */
static int open_file(const char *folder, const char *name, off_t size)
{
	char path[PATH_MAX];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	if (fd < 0)
		die(path);
	for (off_t at = lseek(fd, 0, SEEK_END); at < size; at += PAGE)
		put(fd, PAGE, at);
	if (fsync(fd) < 0)
		die("fsync");
	return fd;
}

static void checkpoint(int data)
{
	for (int i = 0; i < 32; i++)
		put(data, PAGE, (off_t)(random() % (DATA / PAGE)) * PAGE);
	if (fdatasync(data) < 0)
		die("fdatasync");
}

int main(int argc, char **argv)
{
	double seconds = argc > 2 ? atof(argv[1]) : 0, since;
	long n = 0;
	int log, data;

	if (seconds <= 0)
		return fprintf(stderr, "usage: commits SECONDS FOLDER\n"), 2;
	for (size_t i = 0; i < sizeof(page); i++)
		page[i] = (char)random();
	log = open_file(argv[2], "log", LOG);
	data = open_file(argv[2], "data", DATA);
	since = now();
	do {
		put(log, RECORD, (off_t)(n * RECORD) % (LOG - PAGE));
		if (fdatasync(log) < 0)
			die("fdatasync");
		if (++n % 64 == 0)
			checkpoint(data);
	} while (now() - since < seconds);
	printf("%.0f\n", (double)n / (now() - since));
	return 0;
}

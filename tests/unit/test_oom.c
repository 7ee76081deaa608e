#include <criterion/criterion.h>

#include "base/auto.h"
#include "runtime/oom.h"

#define ID UINT32_C(1879244800)

Test(oom, records_of_the_kernel)
{
	static const struct {
		const char *record, *name;
		int pid;
		uint64_t bytes;
	} table[] = {
		{ "3,1089,11725245152,-;Memory cgroup out of memory: Killed process 7917 (tail) "
		  "total-vm:187824kB, anon-rss:64384kB, file-rss:1392kB, shmem-rss:0kB, "
		  "UID:1879244800 pgtables:172kB oom_score_adj:0\n",
		  "tail", 7917, UINT64_C(64384) * 1024 },
		{ "3,7,1,-;Out of memory: Killed process 12 (php-fpm8.2) total-vm:1kB, "
		  "anon-rss:2kB, file-rss:0kB, shmem-rss:0kB, UID:1879254800 pgtables:1kB\n",
		  "php-fpm8.2", 12, 2048 },
		/* Names are the container's. */
		{ "3,7,1,-;Memory cgroup out of memory: Killed process 12 (a) total-vm:(b) "
		  "total-vm:1kB, anon-rss:3kB, file-rss:0kB, shmem-rss:0kB, UID:1879310335 p\n",
		  "a) total-vm:(b", 12, 3072 },
		{ "3,7,1,-;Memory cgroup out of memory: Killed process 12 (x) total-vm:1kB, "
		  "anon-rss:2kB, file-rss:0kB, shmem-rss:0kB, UID:1879310336 pgtables:1kB\n" },
		{ "3,7,1,-;Memory cgroup out of memory: Killed process 12 (x) total-vm:1kB, "
		  "anon-rss:2kB, file-rss:0kB, shmem-rss:0kB, UID:0 pgtables:1kB\n" },
		{ "6,1,1,-;x invoked oom-killer: Memory cgroup out of memory: Killed process 1 (x) "
		  "total-vm:1kB, anon-rss:2kB, UID:1879244800\n" },
		{ "3,7,1,-;Memory cgroup out of memory: Killed process 12\n" },
		{ "3,7,1,-;Memory cgroup out of memory: Killed process 1 (x) total-vm:1kB\n" },
		{ "3,7,1,-" },
		{ "" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		struct oom_victim v = { .pid = -1 };
		bool found = oom_parse(table[i].record, ID, &v);

		cr_expect_eq(found, table[i].name != NULL, "row %zu", i);
		if (!found || !table[i].name)
			continue;
		cr_expect_str_eq(v.name, table[i].name, "row %zu", i);
		cr_expect_eq(v.pid, table[i].pid, "row %zu", i);
		cr_expect_eq(v.bytes, table[i].bytes, "row %zu", i);
	}
}

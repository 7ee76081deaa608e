#include <criterion/criterion.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>

#include "base/arena.h"
#include "base/auto.h"

Test(arena, gives_zeroed_aligned_memory)
{
	AUTO(arena) struct arena arena = { 0 };

	for (size_t size = 0; size < 200; size++) {
		unsigned char *p = arena_alloc(&arena, size);

		cr_assert_eq((uintptr_t)p % _Alignof(max_align_t), 0);
		for (size_t i = 0; i < size; i++)
			cr_assert_eq(p[i], 0);
		memset(p, 0xff, size);
	}
}

Test(arena, copies_text)
{
	AUTO(arena) struct arena arena = { 0 };

	cr_expect_str_eq(arena_strdup(&arena, ""), "");
	cr_expect_str_eq(arena_strdup(&arena, "abc"), "abc");
	cr_expect_str_eq(arena_strndup(&arena, "abcdef", 3), "abc");
	cr_expect_str_eq(arena_printf(&arena, "%s-%d", "x", 42), "x-42");
	cr_expect_eq(strlen(arena_printf(&arena, "%5000s", "")), 5000);
}

Test(arena, list_grows_and_keeps_its_items)
{
	AUTO(arena) struct arena arena = { 0 };
	ARENA_LIST(size_t) list = { 0 };

	for (size_t i = 0; i < 1000; i++) {
		size_t *item = arena_push(&arena, &list);

		cr_assert_eq(*item, 0, "a new item is zeroed");
		*item = i * 3;
	}
	cr_assert_eq(list.n, 1000);
	for (size_t i = 0; i < list.n; i++)
		cr_assert_eq(list.items[i], i * 3);
}

Test(arena, can_be_used_again_after_clear)
{
	struct arena arena = { 0 };

	arena_alloc(&arena, 10);
	arena_clear(&arena);
	cr_expect_null(arena.head);
	cr_expect_str_eq(arena_strdup(&arena, "again"), "again");
	arena_clear(&arena);
	arena_clear(&arena);
}

Test(arena, array_aborts_on_overflow, .signal = SIGABRT)
{
	struct arena arena = { 0 };

	arena_array(&arena, SIZE_MAX / 2, 3);
}

/*
 * clock.h - time that has passed: CLOCK_MONOTONIC, clock_gettime(2)
 */
#pragma once

#include <stdint.h>

uint64_t clock_us(void);
uint64_t clock_ms(void);

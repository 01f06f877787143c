// Width 8: x86-64 with AVX2 and FMA.
#include "tables.h"
#if defined(__x86_64__)
#include <immintrin.h>
#define CK_WIDTH 8
#define CK_TABLE ck_table_avx2
#define CK_LEVEL_NAME "avx2"
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#include "kernels/table.h"
#pragma clang attribute pop
#endif

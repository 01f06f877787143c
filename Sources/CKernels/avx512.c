// Width 16: x86-64 with AVX-512 F, BW, DQ and VL; and with BF16 and AMX beside them, in tables of their own.
#include "tables.h"
#if defined(__x86_64__)
#include <immintrin.h>
#define CK_WIDTH 16
#define CK_TABLE ck_table_avx512
#define CK_LEVEL_NAME "avx512"
#pragma clang attribute push( \
    __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma"))), apply_to = function)
#include "kernels/table.h"
#pragma clang attribute pop
#pragma clang attribute push( \
    __attribute__((target("avx512bf16,avx512f,avx512bw,avx512dq,avx512vl,avx2,fma"))), \
    apply_to = function)
#include "kernels/bfloat16.h"
#pragma clang attribute pop
#pragma clang attribute push( \
    __attribute__((target("amx-tile,amx-bf16,avx512bf16,avx512f,avx512bw,avx512dq,avx512vl,avx2,fma"))), \
    apply_to = function)
#include "kernels/bfloat16_tiles.h"
#pragma clang attribute pop
#endif

// The tables of this build, one per level; dispatch.c chooses.
#ifndef EMEND_CKERNELS_TABLES_H
#define EMEND_CKERNELS_TABLES_H

#include "include/CKernels.h"

extern const ck_table ck_table_generic;
extern const ck_bfloat16_table ck_bfloat16_table_twin, ck_bfloat16_tiles_twin;
#if defined(__x86_64__)
extern const ck_table ck_table_avx2, ck_table_avx512;
extern const ck_bfloat16_table ck_bfloat16_table_avx512, ck_bfloat16_tiles_amx;
#endif
#if defined(__aarch64__)
extern const ck_table ck_table_neon;
#endif

#endif

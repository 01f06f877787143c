// Which level this processor and operating system offer: asked by cpuid and xgetbv, never by name.
#include "tables.h"

#if defined(__x86_64__)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>

/// The operating system saves these parts of the register state (XCR0).
static int saved_state(uint64_t mask) {
    unsigned eax, ebx, ecx, edx;
    if (!__get_cpuid(1, &eax, &ebx, &ecx, &edx) || !(ecx & bit_OSXSAVE)) return 0;
    uint32_t low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (((uint64_t)high << 32 | low) & mask) == mask;
}

static int has_avx2(void) {
    unsigned eax, ebx, ecx, edx;
    if (!saved_state(0x6)) return 0;
    if (!__get_cpuid(1, &eax, &ebx, &ecx, &edx) || !(ecx & bit_FMA)) return 0;
    return __get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) && (ebx & bit_AVX2);
}

static int has_avx512(void) {
    unsigned eax, ebx, ecx, edx;
    unsigned needed = bit_AVX512F | bit_AVX512BW | bit_AVX512DQ | bit_AVX512VL;
    if (!has_avx2() || !saved_state(0xe6)) return 0;
    return __get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) && (ebx & needed) == needed;
}

static int has_avx512_bf16(void) {
    unsigned eax, ebx, ecx, edx;
    return has_avx512() && __get_cpuid_count(7, 1, &eax, &ebx, &ecx, &edx) && (eax & bit_AVX512BF16);
}

/// Asks Linux for the registers too, which it gives to a process, all its threads, once it has asked.
static int has_amx_bf16(void) {
    enum { REQUEST_STATE = 0x1023, TILE_DATA = 18 };  // ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA
    unsigned eax, ebx, ecx, edx;
    unsigned needed = bit_AMXTILE | bit_AMXBF16;
    return has_avx512_bf16() && saved_state(0x600e6)
           && __get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) && (edx & needed) == needed
           && syscall(SYS_arch_prctl, REQUEST_STATE, TILE_DATA) == 0;
}
#endif

const ck_table *ck_table_for(ck_isa level) {
    switch (level) {
    case CK_GENERIC: return &ck_table_generic;
#if defined(__x86_64__)
    case CK_AVX2: return has_avx2() ? &ck_table_avx2 : NULL;
    case CK_AVX512: return has_avx512() ? &ck_table_avx512 : NULL;
#endif
#if defined(__aarch64__)
    case CK_NEON: return &ck_table_neon;
#endif
    default: return NULL;
    }
}

const ck_bfloat16_table *ck_bfloat16_beside(const ck_table *kernels) {
#if defined(__x86_64__)
    if (kernels == &ck_table_avx512 && has_avx512_bf16()) return &ck_bfloat16_table_avx512;
#endif
    return kernels == ck_twin_table() ? &ck_bfloat16_table_twin : NULL;
}

const ck_bfloat16_table *ck_bfloat16_tiles_beside(const ck_table *kernels) {
#if defined(__x86_64__)
    if (kernels == &ck_table_avx512 && has_amx_bf16()) return &ck_bfloat16_tiles_amx;
#endif
    return kernels == ck_twin_table() ? &ck_bfloat16_tiles_twin : NULL;
}

ck_isa ck_best_isa(void) {
    const ck_isa order[] = {CK_AVX512, CK_AVX2, CK_NEON};
    for (unsigned i = 0; i < sizeof order / sizeof order[0]; i++)
        if (ck_table_for(order[i])) return order[i];
    return CK_GENERIC;
}

const ck_table *ck_kernels(void) {
    // Racing threads write the same value.
    static _Atomic(const ck_table *) chosen;
    const ck_table *table = chosen;
    if (!table) chosen = table = ck_table_for(ck_best_isa());
    return table;
}

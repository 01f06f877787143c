// What fused multiply-adds in registers reach, the bound of every product: no value is loaded.
#include "tables.h"

// At least the latency of a multiply-add times the two that a processor begins per clock.
enum { CHAINS = 12 };

/// CHAINS independent chains of vectors; `sink` keeps the compiler from leaving them out.
#define CK_CHAINS(name, lanes, level)                                                      \
    level static void name(ptrdiff_t rounds, volatile float *sink) {                       \
        typedef float vector __attribute__((vector_size((lanes) * sizeof(float))));        \
        vector chain[CHAINS], factor = (vector){0} + 0.5f, term = (vector){0} + sink[0];   \
        for (int i = 0; i < CHAINS; i++) chain[i] = (vector){0} + (float)i;                \
        for (ptrdiff_t round = 0; round < rounds; round++)                                 \
            for (int i = 0; i < CHAINS; i++)                                               \
                chain[i] = __builtin_elementwise_fma(chain[i], factor, term);              \
        for (int i = 1; i < CHAINS; i++) chain[0] += chain[i];                             \
        sink[0] = chain[0][0];                                                             \
    }

#if defined(__x86_64__)
CK_CHAINS(chains_avx2, 8, __attribute__((target("avx2,fma"))))
CK_CHAINS(chains_avx512, 16, __attribute__((target("avx512f,avx2,fma"))))
#endif
#if defined(__aarch64__)
CK_CHAINS(chains_neon, 4, )
#endif
CK_CHAINS(chains_generic, 1, )

double ck_fma_burst(ck_isa level, ptrdiff_t rounds) {
    volatile float sink = 1;
    double lanes;
    if (!ck_table_for(level)) return 0;
    switch (level) {
#if defined(__x86_64__)
    case CK_AVX2: chains_avx2(rounds, &sink), lanes = 8; break;
    case CK_AVX512: chains_avx512(rounds, &sink), lanes = 16; break;
#endif
#if defined(__aarch64__)
    case CK_NEON: chains_neon(rounds, &sink), lanes = 4; break;
#endif
    default: chains_generic(rounds, &sink), lanes = 1;
    }
    return 2 * CHAINS * lanes * (double)rounds;
}

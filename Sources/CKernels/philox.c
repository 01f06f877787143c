// Philox4x32-10, one block at a time, and scalars drawn from it.
#include "include/CKernels.h"

#pragma clang fp contract(off)

void ck_philox_block(uint32_t *out, const uint32_t *counter, const uint32_t *key) {
    uint32_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3];
    uint32_t k0 = key[0], k1 = key[1];
    for (int round = 0; round < 10; round++) {
        uint64_t product0 = (uint64_t)c0 * 0xD2511F53u, product1 = (uint64_t)c2 * 0xCD9E8D57u;
        c0 = (uint32_t)(product1 >> 32) ^ c1 ^ k0;
        c2 = (uint32_t)(product0 >> 32) ^ c3 ^ k1;
        c1 = (uint32_t)product1;
        c3 = (uint32_t)product0;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    out[0] = c0;
    out[1] = c1;
    out[2] = c2;
    out[3] = c3;
}

static void block_at(uint32_t *out, uint64_t key, uint64_t stream, uint64_t index) {
    const uint32_t counter[4] = {(uint32_t)index, (uint32_t)(index >> 32), (uint32_t)stream,
                                 (uint32_t)(stream >> 32)};
    const uint32_t keys[2] = {(uint32_t)key, (uint32_t)(key >> 32)};
    ck_philox_block(out, counter, keys);
}

uint64_t ck_philox_u64(uint64_t key, uint64_t stream, uint64_t index) {
    uint32_t words[4];
    block_at(words, key, stream, index);
    return (uint64_t)words[1] << 32 | words[0];
}

double ck_philox_uniform_f64(uint64_t key, uint64_t stream, uint64_t index) {
    return (double)(ck_philox_u64(key, stream, index) >> 11) * 0x1p-53;
}

double ck_philox_normal_f64(uint64_t key, uint64_t stream, uint64_t index) {
    uint32_t words[4];
    block_at(words, key, stream, index);
    uint64_t a = (uint64_t)words[1] << 32 | words[0], b = (uint64_t)words[3] << 32 | words[2];
    double radius_draw = (double)((a >> 11) + 1) * 0x1p-53;  // (0, 1], so that the log is finite
    double angle = (double)(b >> 11) * (0x1p-53 * 0x1.921fb54442d18p+2);
    return __builtin_sqrt(-2 * ck_log_f64(radius_draw)) * ck_cos_f64(angle);
}

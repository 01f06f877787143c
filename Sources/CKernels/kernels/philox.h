// Philox4x32-10 on 16 counters at a time (Salmon, Moraes, Dror, Shaw 2011).

CK_INLINE U high_product(U a, uint32_t b) {
    L wide = __builtin_convertvector(a, L) * (uint64_t)b;
    return __builtin_convertvector(wide >> 32, U);
}

/// One group of 64 words: words[16·w + l] is word w of counter (16·group + l, stream).
static void philox_group(uint32_t *words, uint64_t key, uint64_t stream, uint64_t group) {
    for (int part = 0; part < PARTS; part++) {
        uint64_t index = 16 * group + (uint64_t)(part * W);
        U c0 = splat_word((uint32_t)index), c1 = splat_word((uint32_t)(index >> 32));
        for (int i = 0; i < W; i++) c0[i] += (uint32_t)i;
        U c2 = splat_word((uint32_t)stream), c3 = splat_word((uint32_t)(stream >> 32));
        uint32_t k0 = (uint32_t)key, k1 = (uint32_t)(key >> 32);
        for (int round = 0; round < 10; round++) {
            U high0 = high_product(c0, 0xD2511F53u), low0 = c0 * 0xD2511F53u;
            U high1 = high_product(c2, 0xCD9E8D57u), low1 = c2 * 0xCD9E8D57u;
            c0 = high1 ^ c1 ^ k0;
            c1 = low1;
            c2 = high0 ^ c3 ^ k1;
            c3 = low0;
            k0 += 0x9E3779B9u;
            k1 += 0xBB67AE85u;
        }
        __builtin_memcpy(words + part * W, &c0, sizeof c0);
        __builtin_memcpy(words + 16 + part * W, &c1, sizeof c1);
        __builtin_memcpy(words + 32 + part * W, &c2, sizeof c2);
        __builtin_memcpy(words + 48 + part * W, &c3, sizeof c3);
    }
}

/// The word's top 24 bits as a multiple of 2⁻²⁴.
CK_INLINE V uniform_at(const uint32_t *words, ptrdiff_t i) {
    I word;
    __builtin_memcpy(&word, words + i, sizeof word);
    return __builtin_convertvector((I)((U)word >> 8), V) * splat(0x1p-24f);
}

static void philox_uniform(float *out, uint64_t key, uint64_t stream, ptrdiff_t first,
                           ptrdiff_t count) {
    uint32_t words[64];
    for (ptrdiff_t begin = 0; begin < count; begin += 64) {
        philox_group(words, key, stream, (uint64_t)(first + begin) / 64);
        ptrdiff_t end = count - begin < 64 ? count - begin : 64;
        for (ptrdiff_t i = 0; i < end; i += W)
            store(out + begin + i, uniform_at(words, i), end - i);
    }
}

static void dropout(float *out, const float *x, uint64_t key, uint64_t stream, float keep,
                    ptrdiff_t first, ptrdiff_t count) {
    uint32_t words[64];
    V factor = splat(1.0f / keep), threshold = splat(keep);
    for (ptrdiff_t begin = 0; begin < count; begin += 64) {
        philox_group(words, key, stream, (uint64_t)(first + begin) / 64);
        ptrdiff_t end = count - begin < 64 ? count - begin : 64;
        for (ptrdiff_t i = 0; i < end; i += W) {
            V kept = load(x + begin + i, end - i) * factor;
            I mask = uniform_at(words, i) < threshold;
            store(out + begin + i, (V)((I)kept & mask), end - i);
        }
    }
}

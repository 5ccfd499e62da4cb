/* Sums of products of int8: one input against four rows of weights at once, so that it is read once.
 *
 * By what the processor has, with the same whole numbers each way; define KWS_PLAIN for the portable form. */
#ifndef KWS_DOT_H
#define KWS_DOT_H

#include <stdint.h>

#define KWS_DOT_ROWS 4

static inline int32_t kws_dot(const int8_t *a, const int8_t *b, uint32_t count)
{
    int32_t sum = 0;
    for (uint32_t i = 0; i < count; i++)
        sum += a[i] * b[i];
    return sum;
}

#if defined(__ARM_FEATURE_MVE) && !defined(KWS_PLAIN)

#include <arm_mve.h>

/* Helium: sixteen at a time, the last ones under a mask. */
static inline void kws_dot4(const int8_t *a, const int8_t *b, uint32_t count, int32_t sums[KWS_DOT_ROWS])
{
    int32_t s0 = 0, s1 = 0, s2 = 0, s3 = 0;
    for (uint32_t i = 0; i < count; i += 16) {
        mve_pred16_t inside = vctp8q(count - i);
        int8x16_t x = vldrbq_z_s8(a + i, inside);
        s0 = vmladavaq_p_s8(s0, x, vldrbq_z_s8(b + i, inside), inside);
        s1 = vmladavaq_p_s8(s1, x, vldrbq_z_s8(b + count + i, inside), inside);
        s2 = vmladavaq_p_s8(s2, x, vldrbq_z_s8(b + 2 * count + i, inside), inside);
        s3 = vmladavaq_p_s8(s3, x, vldrbq_z_s8(b + 3 * count + i, inside), inside);
    }
    sums[0] = s0, sums[1] = s1, sums[2] = s2, sums[3] = s3;
}

#elif defined(__ARM_FEATURE_DSP) && defined(__ARM_FEATURE_UNALIGNED) && !defined(KWS_PLAIN)

#include <arm_acle.h>
#include <string.h>

static inline uint32_t kws_four(const int8_t *bytes)
{
    uint32_t word;
    memcpy(&word, bytes, sizeof word);
    return word;
}

/* Bytes 1 and 3 as halfwords; bytes 0 and 2 are __sxtb16. */
static inline uint32_t kws_odd(uint32_t word)
{
    uint32_t halves;
    __asm__("sxtb16 %0, %1, ror #8" : "=r"(halves) : "r"(word));
    return halves;
}

/* A sum and four products more. */
static inline int32_t kws_add4(int32_t sum, uint32_t even, uint32_t odd, const int8_t *bytes)
{
    uint32_t word = kws_four(bytes);
    return __smlad(odd, kws_odd(word), __smlad(even, __sxtb16(word), sum));
}

/* DSP extension: four at a time. A function of its own, and two pointers instead of four, so that all of the
 * loop stays in registers; the empty statement keeps the compiler from making four of them again. */
__attribute__((noinline)) static void kws_dot4(const int8_t *a, const int8_t *b, uint32_t count,
                                               int32_t sums[KWS_DOT_ROWS])
{
    const int8_t *c = b + 2 * count, *end = a + (count & ~3u);
    int32_t s0 = 0, s1 = 0, s2 = 0, s3 = 0;
    uint32_t row = count;
    for (; a != end; a += 4, b += 4, c += 4) {
        uint32_t x = kws_four(a), even = __sxtb16(x), odd = kws_odd(x);
        __asm__("" : "+r"(row));
        s0 = kws_add4(s0, even, odd, b);
        s1 = kws_add4(s1, even, odd, b + row);
        s2 = kws_add4(s2, even, odd, c);
        s3 = kws_add4(s3, even, odd, c + row);
    }
    sums[0] = s0 + kws_dot(a, b, count & 3u);
    sums[1] = s1 + kws_dot(a, b + count, count & 3u);
    sums[2] = s2 + kws_dot(a, c, count & 3u);
    sums[3] = s3 + kws_dot(a, c + count, count & 3u);
}

#else

static inline void kws_dot4(const int8_t *a, const int8_t *b, uint32_t count, int32_t sums[KWS_DOT_ROWS])
{
    const int8_t *b0 = b, *b1 = b + count, *b2 = b1 + count, *b3 = b2 + count;
    int32_t s0 = 0, s1 = 0, s2 = 0, s3 = 0;
    for (uint32_t i = 0; i < count; i++) {
        s0 += a[i] * b0[i];
        s1 += a[i] * b1[i];
        s2 += a[i] * b2[i];
        s3 += a[i] * b3[i];
    }
    sums[0] = s0, sums[1] = s1, sums[2] = s2, sums[3] = s3;
}

#endif

#endif

/* The Fourier transform in the 16-bit arithmetic of kissfft, radix 4 in place. */
#include "fixed_point.h"
#include "frontend.h"

#define HALF (KWS_FFT_SIZE / 2) /* complex points: even samples real, odd ones imaginary */
#define ONE 32767               /* 15 bits, as kissfft has it */

/* Radix 4 all the way: HALF is a power of 4. */
typedef char kws_fft_size_is_twice_a_power_of_4[(HALF & (HALF - 1)) == 0 && HALF % 3 == 1 ? 1 : -1];

struct complex {
    int32_t re, im;
};

static struct complex load(const int16_t *frame, unsigned index)
{
    struct complex value = {frame[2 * index], frame[2 * index + 1]};
    return value;
}

static void store(int16_t *frame, unsigned index, int32_t re, int32_t im)
{
    frame[2 * index] = (int16_t)kws_wrap16(re);
    frame[2 * index + 1] = (int16_t)kws_wrap16(im);
}

static int32_t rounded15(int32_t product)
{
    return kws_wrap16((product + (1 << 14)) >> 15);
}

/* Division by multiplying with the truncated reciprocal, so that no sum overflows. */
static struct complex divided(struct complex value, int32_t divisor)
{
    struct complex quotient = {rounded15(value.re * (ONE / divisor)), rounded15(value.im * (ONE / divisor))};
    return quotient;
}

/* The complex product. The true sum of two products always fits: one factor lies on the unit circle. */
static struct complex rotated(struct complex value, const int16_t *by)
{
    struct complex product = {
        rounded15(value.re * by[0] - value.im * by[1]),
        rounded15(value.re * by[1] + value.im * by[0]),
    };
    return product;
}

static unsigned digits_reversed(unsigned index)
{
    unsigned reversed = 0;
    for (unsigned place = 1; place < HALF; place *= 4) {
        reversed = reversed << 2 | (index & 3u);
        index >>= 2;
    }
    return reversed;
}

/* Points in the order of their base-4 digits read backwards, where radix 4 in place wants them. */
static void reorder(int16_t *frame)
{
    for (unsigned i = 0; i < HALF; i++) {
        unsigned j = digits_reversed(i);
        if (j > i) {
            struct complex a = load(frame, i), b = load(frame, j);
            store(frame, i, b.re, b.im);
            store(frame, j, a.re, a.im);
        }
    }
}

/* Four points `apart` of each other, a quarter of each, turned, become sums and differences. */
static inline void join(int16_t *frame, unsigned first, unsigned apart, struct complex a, struct complex b,
                        struct complex c, struct complex d)
{
    struct complex even = {a.re + c.re, a.im + c.im}, odd = {a.re - c.re, a.im - c.im};
    store(frame, first, even.re + (b.re + d.re), even.im + (b.im + d.im));
    store(frame, first + apart, odd.re + (b.im - d.im), odd.im - (b.re - d.re));
    store(frame, first + 2 * apart, even.re - (b.re + d.re), even.im - (b.im + d.im));
    store(frame, first + 3 * apart, odd.re - (b.im - d.im), odd.im + (b.re - d.re));
}

static struct complex quarter(const int16_t *frame, unsigned index)
{
    return divided(load(frame, index), 4);
}

/* `turn` is the step through the twiddles. */
static void butterfly(int16_t *frame, unsigned first, unsigned apart, unsigned turn)
{
    join(frame, first, apart, quarter(frame, first),
         rotated(quarter(frame, first + apart), kws_twiddles + 2 * turn),
         rotated(quarter(frame, first + 2 * apart), kws_twiddles + 4 * turn),
         rotated(quarter(frame, first + 3 * apart), kws_twiddles + 6 * turn));
}

/* The same for a turn of 0: a factor of 32767 / 32768 changes no quarter, since rounding undoes it. */
static void unturned_butterfly(int16_t *frame, unsigned first, unsigned apart)
{
    join(frame, first, apart, quarter(frame, first), quarter(frame, first + apart),
         quarter(frame, first + 2 * apart), quarter(frame, first + 3 * apart));
}

static void complex_fft(int16_t *frame)
{
    reorder(frame);
    for (unsigned apart = 1; apart < HALF; apart *= 4)
        for (unsigned group = 0; group < HALF; group += 4 * apart) {
            unturned_butterfly(frame, group, apart);
            for (unsigned k = 1; k < apart; k++)
                butterfly(frame, group + k, apart, k * (HALF / (4 * apart)));
        }
}

/* The spectra of even and odd samples lie in one another; take them apart and join them by one more butterfly,
 * bins k and HALF - k together. */
static void separate(int16_t *frame, unsigned k)
{
    struct complex z = divided(load(frame, k), 2), mirror = divided(load(frame, HALF - k), 2);
    struct complex even = {kws_wrap16(z.re + mirror.re), kws_wrap16(z.im - mirror.im)};
    struct complex odd = {kws_wrap16(z.re - mirror.re), kws_wrap16(z.im + mirror.im)};
    struct complex turned = rotated(odd, kws_real_twiddles + 2 * (k - 1));
    store(frame, k, (even.re + turned.re) >> 1, (even.im + turned.im) >> 1);
    store(frame, HALF - k, (even.re - turned.re) >> 1, (turned.im - even.im) >> 1);
}

void kws_real_fft(int16_t *frame)
{
    complex_fft(frame);
    for (unsigned k = 1; k <= HALF / 2; k++)
        separate(frame, k);
}

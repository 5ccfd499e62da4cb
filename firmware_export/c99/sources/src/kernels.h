/* The model's operators on int8 tensors, computed as TensorFlow Lite Micro's reference kernels compute them.
 *
 * Real numbers are (whole number - zero point) * scale. Offsets here are what is added: minus the zero point of
 * an input, plus that of an output. Multipliers have 31 bits of fraction; shift is a left shift where positive.
 * Operators of one argument (LOGISTIC, QUANTIZE, ...) are tables of all 256 answers.
 */
#ifndef KWS_KERNELS_H
#define KWS_KERNELS_H

#include <stdint.h>

/* What becomes of a sum of products in each output channel. */
struct kws_output {
    const int32_t *bias;       /* [channels] */
    const int32_t *multiplier; /* [channels] */
    const int8_t *shift;       /* [channels] */
    int32_t offset;
    int8_t min, max; /* fused activation */
};

/* Rows of inputs, each multiplied with the same matrix: FULLY_CONNECTED, and CONV_2D over whole rows without
 * padding. The inputs' offset is in the bias. */
struct kws_matrix {
    struct kws_output output;
    const int8_t *weights; /* [channels][depth] */
    uint32_t depth, channels;
    uint32_t rows, apart; /* input rows, and from the start of one to the next */
};

void kws_matrix(const struct kws_matrix *layer, const int8_t *input, int8_t *output);

/* Rows of inputs [depth][channels], each channel with weights [depth] of its own, stored as the inputs are:
 * DEPTHWISE_CONV_2D over whole rows without padding. */
void kws_columns(const struct kws_matrix *layer, const int8_t *input, int8_t *output);

/* A two-dimensional window that moves over [height][width][channels]; what lies outside counts as real 0. */
struct kws_window2 {
    int32_t in_height, in_width, in_channels;
    int32_t out_height, out_width, out_channels;
    int32_t height, width;     /* of the window */
    int32_t step_y, step_x;
    int32_t dilation_y, dilation_x;
    int32_t pad_top, pad_left;
};

/* CONV_2D and DEPTHWISE_CONV_2D with any window: what it covers is gathered into [height][width][channels], and
 * that is the one row of inputs of a kws_matrix or of kws_columns. */
struct kws_gathered {
    struct kws_matrix matrix;
    struct kws_window2 window;
    int32_t repeats; /* of each channel: the outputs that DEPTHWISE_CONV_2D makes of an input channel */
    int8_t zero;     /* real 0 */
};

void kws_convolution(const struct kws_gathered *layer, const int8_t *input, int8_t *row, int8_t *output);
void kws_depthwise(const struct kws_gathered *layer, const int8_t *input, int8_t *row, int8_t *output);

/* AVERAGE_POOL_2D and MAX_POOL_2D. */
struct kws_pool {
    struct kws_window2 window;
    int8_t min, max;
};

void kws_average_pool(const struct kws_pool *layer, const int8_t *input, int8_t *output);
void kws_max_pool(const struct kws_pool *layer, const int8_t *input, int8_t *output);

/* MEAN over neighbouring axes: input [outer][count][inner] -> output [outer][inner]. */
struct kws_mean {
    uint32_t outer, count, inner;
    int32_t zeros; /* the sum of `count` real zeros */
    int32_t multiplier;
    int8_t shift;
    int32_t offset;
};

void kws_mean(const struct kws_mean *layer, const int8_t *input, int8_t *output);

/* One side of an element-wise operator. */
struct kws_operand {
    uint32_t count; /* elements, repeated until the other side ends */
    int32_t offset, multiplier;
    int8_t shift;
};

/* ADD; SUB, whose `sign` is -1; MUL, which scales the product alone. */
struct kws_elementwise {
    struct kws_operand a, b;
    int32_t sign;
    int32_t offset, multiplier;
    int8_t shift;
    int8_t min, max;
};

void kws_add(const struct kws_elementwise *layer, const int8_t *a, const int8_t *b, int8_t *output);
void kws_multiply(const struct kws_elementwise *layer, const int8_t *a, const int8_t *b, int8_t *output);

/* output[i] = table[input[i] + 128]. */
void kws_lookup(const int8_t table[256], uint32_t count, const int8_t *input, int8_t *output);

/* `blocks` stretches of `bytes`, `from` and `to` bytes apart: CONCATENATION, SPLIT, STRIDED_SLICE, ... */
void kws_copy(uint32_t blocks, uint32_t bytes, uint32_t from, uint32_t to, const int8_t *input, int8_t *output);

#endif

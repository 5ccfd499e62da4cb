/* What a shared library of front end and model offers, beside kws_frontend_reset and kws_model_reset. */
#ifndef KWS_STAGES_H
#define KWS_STAGES_H

#include "kws.h"
#include "kws_shape.h"

/* What the model takes and gives: real = (stored - zero) * scale. */
struct kws_shape {
    double input_scale, output_scale;
    int32_t input_zero, output_zero;
    uint32_t rows, channels; /* of a step's input */
    uint32_t labels;         /* outputs of a step */
    uint32_t state_bytes;    /* of the model's variables */
    uint32_t frontend_bytes; /* of struct kws_frontend */
};

extern const struct kws_shape kws_shape;

/* Hear `count` samples. Returns how many rows they complete, written one after the other: at most one for every
 * KWS_STEP_SAMPLES begun. */
size_t kws_rows(struct kws_frontend *frontend, const int16_t *samples, size_t count, int8_t *rows);

/* `steps` steps of the model, each of kws_shape.rows rows. */
void kws_outputs(int8_t *state, const int8_t *rows, size_t steps, uint8_t *outputs);

#endif

/* The model, made by the exporter: kws_model.c. */
#ifndef KWS_MODEL_H
#define KWS_MODEL_H

#include <stdint.h>

/* Set the variables to their initial values. */
void kws_model_reset(int8_t *state);

/* One step: KWS_STRIDE rows -> KWS_LABELS outputs. `arena` is scratch. */
void kws_model_step(int8_t *state, int8_t *arena, const int8_t *input, uint8_t *output);

#endif

/* Front end and model by the stretch, for callers in other languages. Where they keep state, it is the caller's. */
#include "stages.h"

#include "frontend.h"
#include "model.h"

const struct kws_shape kws_shape = {
    .input_scale = KWS_INPUT_SCALE,
    .output_scale = KWS_OUTPUT_SCALE,
    .input_zero = KWS_INPUT_ZERO,
    .output_zero = KWS_OUTPUT_ZERO,
    .rows = KWS_STEP_ROWS,
    .channels = KWS_STEP_CHANNELS,
    .labels = KWS_LABELS,
    .state_bytes = KWS_STATE_BYTES,
    .frontend_bytes = sizeof(struct kws_frontend),
};

size_t kws_rows(struct kws_frontend *frontend, const int16_t *samples, size_t count, int8_t *rows)
{
    int16_t spectrum[KWS_FFT_SIZE];
    size_t found = 0;
    while (count > 0) {
        int complete;
        uint32_t some = count < KWS_STEP_SAMPLES ? (uint32_t)count : KWS_STEP_SAMPLES;
        uint32_t taken =
            kws_frontend_push(frontend, samples, some, spectrum, rows + found * KWS_CHANNELS, &complete);
        samples += taken;
        count -= taken;
        found += (size_t)complete;
    }
    return found;
}

void kws_outputs(int8_t *state, const int8_t *rows, size_t steps, uint8_t *outputs)
{
    int8_t arena[KWS_ARENA_BYTES];
    for (size_t i = 0; i < steps; i++)
        kws_model_step(state, arena, rows + i * KWS_STEP_ROWS * KWS_STEP_CHANNELS, outputs + i * KWS_LABELS);
}

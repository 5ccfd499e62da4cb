/* What the engine computes on the way, for comparisons: trace rows, or trace outputs.
 *
 * Raw audio (16 kHz, mono, 16 bits, little-endian) on standard input; on standard output KWS_CHANNELS bytes for
 * every row of the front end, or KWS_LABELS bytes for every step of the model. `trace model` takes rows
 * instead of audio and writes outputs. */
#include <stdio.h>
#include <string.h>

#include "frontend.h"
#include "kws.h"
#include "model.h"

#define INPUT_BYTES (KWS_STRIDE * KWS_CHANNELS)

static struct kws memory;
static int8_t input[INPUT_BYTES];
static size_t filled;

static void write_outputs(void)
{
    uint8_t outputs[KWS_LABELS];
    kws_model_step(memory.state, memory.work.arena, input, outputs);
    fwrite(outputs, 1, sizeof outputs, stdout);
    filled = 0;
}

static void take_row(const int8_t *row, int rows_only)
{
    if (rows_only) {
        fwrite(row, 1, KWS_CHANNELS, stdout);
        return;
    }
    memcpy(input + filled, row, KWS_CHANNELS);
    filled += KWS_CHANNELS;
    if (filled == INPUT_BYTES)
        write_outputs();
}

static void trace_audio(int rows_only)
{
    int16_t samples[KWS_STEP_SAMPLES];
    int8_t row[KWS_CHANNELS];
    size_t count;
    while ((count = fread(samples, sizeof *samples, KWS_STEP_SAMPLES, stdin)) > 0)
        for (uint32_t taken = 0; taken < count;) {
            int complete;
            taken += kws_frontend_push(&memory.frontend, samples + taken, (uint32_t)count - taken,
                                       memory.work.spectrum, row, &complete);
            if (complete)
                take_row(row, rows_only);
        }
}

static void trace_model(void)
{
    int8_t row[KWS_CHANNELS];
    while (fread(row, 1, KWS_CHANNELS, stdin) == KWS_CHANNELS)
        take_row(row, 0);
}

int main(int count, char **arguments)
{
    const char *what = count == 2 ? arguments[1] : "";
    if (!kws_init(&memory, sizeof memory))
        return 1;
    if (strcmp(what, "rows") == 0 || strcmp(what, "outputs") == 0)
        trace_audio(what[0] == 'r');
    else if (strcmp(what, "model") == 0)
        trace_model();
    else {
        fprintf(stderr, "usage: trace rows|outputs|model\n");
        return 2;
    }
    return 0;
}

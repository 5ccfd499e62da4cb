/* A recording in, events and figures out. Checksums (FNV-1a) of all front-end rows and model outputs show
 * whether this processor computes the same bits. */
#include "board.h"
#include "kws.h"

#define LOOPS 100000u
#define FNV_START 2166136261u

static struct kws memory;
static int16_t samples[KWS_STEP_SAMPLES];
static uint32_t row_sum, output_sum;
static uint64_t ticks;

static void add(uint32_t *sum, uint8_t byte)
{
    *sum = (*sum ^ byte) * 16777619u;
}

static void write_number(uint64_t number)
{
    char text[21];
    char *first = text + 20;
    *first = 0;
    do
        *--first = (char)('0' + number % 10);
    while (number /= 10);
    board_write(first);
}

static void write_line(const char *name, uint64_t number)
{
    board_write(name);
    board_write(" ");
    write_number(number);
    board_write("\n");
}

static void write_events(void)
{
    struct kws_event event;
    while (kws_poll(&memory, &event)) {
        board_write("event ");
        write_number(event.end);
        write_line("", event.score);
    }
}

/* What a tick is worth. */
static void calibrate(void)
{
    uint32_t start = board_ticks();
    board_count_down(LOOPS);
    write_line("calibration", board_since(start));
}

static void add_sums(uint64_t rows_before)
{
    if (memory.rows == rows_before)
        return;
    const int8_t *row = memory.input + (memory.rows - 1) % KWS_STRIDE * KWS_CHANNELS;
    for (int i = 0; i < KWS_CHANNELS; i++)
        add(&row_sum, (uint8_t)row[i]);
    for (int i = 0; memory.rows % KWS_STRIDE == 0 && i < KWS_LABELS; i++) {
        const struct kws_detector *detector = &memory.detectors[i];
        add(&output_sum, detector->history[(detector->oldest + KWS_WINDOW_STEPS - 1) % KWS_WINDOW_STEPS]);
    }
}

static void hear(uint32_t count)
{
    uint64_t rows = memory.rows;
    uint32_t start = board_ticks();
    kws_push(&memory, samples, count);
    ticks += board_since(start);
    add_sums(rows);
    write_events();
}

int main(void)
{
    uint32_t bytes;
    if (!kws_init(&memory, sizeof memory))
        return 1;
    row_sum = output_sum = FNV_START;
    calibrate();
    while ((bytes = board_read(samples, sizeof samples)) > 0)
        hear(bytes / 2);
    write_line("rows", memory.rows);
    write_line("row_sum", row_sum);
    write_line("output_sum", output_sum);
    write_line("ticks", ticks);
    write_line("stack", board_stack_used());
    write_line("memory", sizeof memory);
    return 0;
}

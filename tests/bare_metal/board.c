/* What all boards do alike: memory, stack, and the recording by way of semihosting. */
#include "board.h"

extern uint32_t bss_start[], bss_end[], stack_limit[], stack_top[];
int main(void);

#define PAINT 0xC0DEC0DEu
#define SYS_OPEN 0x01u
#define SYS_READ 0x06u
#define SYS_EXIT_EXTENDED 0x20u
#define APPLICATION_EXIT 0x20026u

static uint32_t open_input(void)
{
    static const char name[] = INPUT;
    uint32_t arguments[3] = {(uint32_t)name, 1 /* "rb" */, sizeof name - 1};
    return semihosting(SYS_OPEN, arguments);
}

uint32_t board_read(void *into, uint32_t bytes)
{
    static uint32_t handle;
    if (!handle)
        handle = open_input();
    uint32_t arguments[3] = {handle, (uint32_t)into, bytes};
    return bytes - semihosting(SYS_READ, arguments);
}

void board_exit(uint32_t code)
{
    uint32_t arguments[2] = {APPLICATION_EXIT, code};
    semihosting(SYS_EXIT_EXTENDED, arguments);
    for (;;)
        ;
}

void board_write(const char *text)
{
    while (*text)
        uart_write(*text++);
}

uint32_t board_since(uint32_t start)
{
    return (board_ticks() - start) & TICK_MASK;
}

uint32_t board_stack_used(void)
{
    const uint32_t *untouched = stack_limit;
    while (untouched < stack_top && *untouched == PAINT)
        untouched++;
    return (uint32_t)((const char *)stack_top - (const char *)untouched);
}

/* `volatile`, lest the compiler make calls of memset of these loops. */
static void fill(uint32_t *from, uint32_t *to, uint32_t value)
{
    for (volatile uint32_t *place = from; place < to; place++)
        *place = value;
}

void board_run(void)
{
    fill(bss_start, bss_end, 0);
    fill(stack_limit, stack_pointer() - 16, PAINT);
    uart_start();
    board_exit((uint32_t)main());
}

/* From reset to main on a Cortex-M under QEMU: vectors, cleared memory, a UART, semihosting, SysTick. */
#include "board.h"

extern uint32_t bss_start[], bss_end[], stack_limit[], stack_top[];
int main(void);
void reset(void);

#define PAINT 0xC0DEC0DEu

#define SYSTICK_CONTROL (*(volatile uint32_t *)0xE000E010u)
#define SYSTICK_RELOAD (*(volatile uint32_t *)0xE000E014u)
#define SYSTICK_VALUE (*(volatile uint32_t *)0xE000E018u)
#define COPROCESSOR_ACCESS (*(volatile uint32_t *)0xE000ED88u)
#define UART_DATA (*(volatile uint32_t *)(UART + 0u))
#define UART_STATE (*(volatile uint32_t *)(UART + 4u))
#define UART_CONTROL (*(volatile uint32_t *)(UART + 8u))
#define UART_DIVIDER (*(volatile uint32_t *)(UART + 16u))

/* Any fault ends the program with an error. */
static void fault(void)
{
    board_exit(1);
}

typedef void (*handler)(void);
__attribute__((section(".vectors"), used)) static const handler vectors[16] = {
    (handler)stack_top, reset, fault, fault, fault, fault, fault, fault,
    fault, fault, fault, fault, fault, fault, fault, fault,
};

static uint32_t semihosting(uint32_t operation, const void *arguments)
{
    register uint32_t r0 __asm__("r0") = operation;
    register const void *r1 __asm__("r1") = arguments;
    __asm__ volatile("bkpt 0xAB" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
}

static uint32_t open_input(void)
{
    static const char name[] = INPUT;
    uint32_t arguments[3] = {(uint32_t)name, 1 /* "rb" */, sizeof name - 1};
    return semihosting(0x01, arguments);
}

uint32_t board_read(void *into, uint32_t bytes)
{
    static uint32_t handle;
    if (!handle)
        handle = open_input();
    uint32_t arguments[3] = {handle, (uint32_t)into, bytes};
    return bytes - semihosting(0x06, arguments);
}

void board_exit(uint32_t code)
{
    uint32_t arguments[2] = {0x20026 /* the application ends */, code};
    semihosting(0x20, arguments);
    for (;;)
        ;
}

void board_write(const char *text)
{
    for (; *text; text++) {
        while (UART_STATE & 1u)
            ;
        UART_DATA = (uint8_t)*text;
    }
}

uint32_t board_ticks(void)
{
    return 0xFFFFFFu - SYSTICK_VALUE;
}

uint32_t board_stack_used(void)
{
    const uint32_t *untouched = stack_limit;
    while (untouched < stack_top && *untouched == PAINT)
        untouched++;
    return (uint32_t)((const char *)stack_top - (const char *)untouched);
}

static void paint_stack(void)
{
    uint32_t *top;
    __asm__ volatile("mov %0, sp" : "=r"(top));
    for (uint32_t *place = stack_limit; place < top - 16; place++)
        *(volatile uint32_t *)place = PAINT;
}

void reset(void)
{
    COPROCESSOR_ACCESS |= 0xFu << 20; /* floating point and vector registers, where there are any */
    for (uint32_t *place = bss_start; place < bss_end; place++)
        *(volatile uint32_t *)place = 0;
    paint_stack();
    UART_DIVIDER = 16;
    UART_CONTROL = 1;
    SYSTICK_RELOAD = 0xFFFFFFu;
    SYSTICK_VALUE = 0;
    SYSTICK_CONTROL = 5; /* on, from the processor's clock, without interrupts */
    board_exit((uint32_t)main());
}

/* A Cortex-M on one of QEMU's mps boards: vectors, SysTick, the CMSDK UART. */
#include "board.h"

#define SYSTICK_CONTROL (*(volatile uint32_t *)0xE000E010u)
#define SYSTICK_RELOAD (*(volatile uint32_t *)0xE000E014u)
#define SYSTICK_VALUE (*(volatile uint32_t *)0xE000E018u)
#define COPROCESSOR_ACCESS (*(volatile uint32_t *)0xE000ED88u)
#define UART_DATA (*(volatile uint32_t *)(UART + 0u))
#define UART_STATE (*(volatile uint32_t *)(UART + 4u))
#define UART_CONTROL (*(volatile uint32_t *)(UART + 8u))
#define UART_DIVIDER (*(volatile uint32_t *)(UART + 16u))

typedef char tick_mask_is_that_of_systick[TICK_MASK == 0xFFFFFF ? 1 : -1];

extern uint32_t stack_top[];
void reset(void);

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

void reset(void)
{
    COPROCESSOR_ACCESS |= 0xFu << 20; /* floating point and vector registers, where there are any */
    SYSTICK_RELOAD = TICK_MASK;
    SYSTICK_VALUE = 0;
    SYSTICK_CONTROL = 5; /* on, from the processor's clock, without interrupts */
    board_run();
}

uint32_t board_ticks(void)
{
    return TICK_MASK - SYSTICK_VALUE;
}

void board_count_down(uint32_t rounds)
{
    __asm__ volatile("1: subs %0, %0, #1\n bne 1b" : "+r"(rounds) : : "cc");
}

void uart_start(void)
{
    UART_DIVIDER = 16;
    UART_CONTROL = 1;
}

void uart_write(char character)
{
    while (UART_STATE & 1u)
        ;
    UART_DATA = (uint8_t)character;
}

uint32_t semihosting(uint32_t operation, const void *arguments)
{
    register uint32_t r0 __asm__("r0") = operation;
    register const void *r1 __asm__("r1") = arguments;
    __asm__ volatile("bkpt 0xAB" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
}

uint32_t *stack_pointer(void)
{
    uint32_t *top;
    __asm__ volatile("mov %0, sp" : "=r"(top));
    return top;
}

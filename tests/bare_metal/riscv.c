/* QEMU's RISC-V board "virt": entry, cycle counter, the 16550 UART. */
#include "board.h"

#define UART_DATA (*(volatile uint8_t *)(UART + 0u))
#define UART_STATE (*(volatile uint8_t *)(UART + 5u))

__attribute__((naked, section(".vectors"), used)) void reset(void)
{
    __asm__ volatile("la sp, stack_top\n la t0, trapped\n csrw mtvec, t0\n j board_run");
}

/* Any fault ends the program with an error. */
__attribute__((used, aligned(4))) void trapped(void)
{
    board_exit(1);
}

uint32_t board_ticks(void)
{
    uint32_t cycles;
    __asm__ volatile("csrr %0, mcycle" : "=r"(cycles));
    return cycles;
}

void board_count_down(uint32_t rounds)
{
    __asm__ volatile("1: addi %0, %0, -1\n bnez %0, 1b" : "+r"(rounds));
}

void uart_start(void)
{
}

void uart_write(char character)
{
    while (!(UART_STATE & 0x20u))
        ;
    UART_DATA = (uint8_t)character;
}

/* The three instructions that mark a call of the debugger; they must not be compressed or parted. */
__attribute__((noinline, aligned(16))) uint32_t semihosting(uint32_t operation, const void *arguments)
{
    register uint32_t a0 __asm__("a0") = operation;
    register const void *a1 __asm__("a1") = arguments;
    __asm__ volatile(".option push\n .option norvc\n .balign 16\n slli x0, x0, 0x1f\n ebreak\n srai x0, x0, 7\n"
                     ".option pop"
                     : "+r"(a0)
                     : "r"(a1)
                     : "memory");
    return a0;
}

uint32_t *stack_pointer(void)
{
    uint32_t *top;
    __asm__ volatile("mv %0, sp" : "=r"(top));
    return top;
}

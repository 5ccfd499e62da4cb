/* What the program needs of a board, and what board.c needs of a processor. */
#ifndef BOARD_H
#define BOARD_H

#include <stdint.h>

/* Up to `bytes` bytes of the recording; 0 at its end. */
uint32_t board_read(void *into, uint32_t bytes);

/* Text to the UART. */
void board_write(const char *text);

/* Ticks from `start`, an earlier board_ticks(). */
uint32_t board_since(uint32_t start);

/* The most stack that was in use since reset, bytes. */
uint32_t board_stack_used(void);

/* From reset to the end: main with cleared memory and a painted stack. */
void board_run(void);

void board_exit(uint32_t code);

/* Per processor: arm.c, riscv.c. */

/* A counter of TICK_MASK's bits that goes up with the instructions. */
uint32_t board_ticks(void);

/* A loop of two instructions a round. */
void board_count_down(uint32_t rounds);

void uart_start(void);
void uart_write(char character);

/* The debugger's services. */
uint32_t semihosting(uint32_t operation, const void *arguments);

uint32_t *stack_pointer(void);

#endif

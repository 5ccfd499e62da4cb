/* What the program needs of a board. */
#ifndef BOARD_H
#define BOARD_H

#include <stdint.h>

/* Up to `bytes` bytes of the recording; 0 at its end. */
uint32_t board_read(void *into, uint32_t bytes);

/* Text to the UART. */
void board_write(const char *text);

/* SysTick, 24 bits. */
uint32_t board_ticks(void);

/* The most stack that was in use since reset, bytes. */
uint32_t board_stack_used(void);

void board_exit(uint32_t code);

#endif

#include <string.h>

#include "kernels.h"

void kws_lookup(const int8_t table[256], uint32_t count, const int8_t *input, int8_t *output)
{
    for (uint32_t i = 0; i < count; i++)
        output[i] = table[input[i] + 128];
}

void kws_copy(uint32_t blocks, uint32_t bytes, uint32_t from, uint32_t to, const int8_t *input, int8_t *output)
{
    for (uint32_t i = 0; i < blocks; i++)
        memcpy(output + i * to, input + i * from, bytes);
}

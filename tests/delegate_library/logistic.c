/* An external delegate for LiteRT that computes LOGISTIC on int8, from a table as an accelerator has it.
 *
 * Options, all whole numbers: `error` is added to every result, `refuse` declines every graph, `fail_after` lets
 * so many operators succeed and no more, `device` must be 0, the only one there is. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "litert.h"

struct options {
    int error, refuse, fail_after, device;
};

struct kernel {
    struct options *options;
    int input, output; /* indices of tensors */
    int8_t table[256];
};

static int within_int8(int value)
{
    return value < -128 ? -128 : value > 127 ? 127 : value;
}

static void tabulate(struct kernel *kernel, const struct tensor *input, const struct tensor *output)
{
    for (int stored = -128; stored < 128; stored++) {
        float x = input->params.scale * (float)(stored - input->params.zero_point);
        float y = 1 / (1 + expf(-x)) / output->params.scale;
        int rounded = (int)roundf(y) + output->params.zero_point + kernel->options->error;
        kernel->table[stored + 128] = (int8_t)within_int8(rounded);
    }
}

static void *init(struct context *context, const char *buffer, size_t length)
{
    const struct params *params = (const void *)buffer;
    struct kernel *kernel = malloc(sizeof *kernel);
    struct registration *registration;
    struct node *node;
    (void)length;
    context->get_node(context, params->nodes->data[0], &node, &registration);
    kernel->options = params->delegate->data;
    kernel->input = node->inputs->data[0];
    kernel->output = node->outputs->data[0];
    tabulate(kernel, &context->tensors[kernel->input], &context->tensors[kernel->output]);
    return kernel;
}

static void release(struct context *context, void *kernel)
{
    (void)context;
    free(kernel);
}

static enum status ready(struct context *context, struct node *node)
{
    (void)context, (void)node;
    return OK;
}

static enum status invoke(struct context *context, struct node *node)
{
    const struct kernel *kernel = node->user_data;
    const struct tensor *input = &context->tensors[kernel->input];
    const int8_t *from = input->data;
    int8_t *to = context->tensors[kernel->output].data;
    if (kernel->options->fail_after >= 0 && kernel->options->fail_after-- == 0) {
        context->report_error(context, "the device is gone");
        return ERROR;
    }
    for (size_t i = 0; i < input->bytes; i++)
        to[i] = kernel->table[from[i] + 128];
    return OK;
}

static bool takes(struct context *context, int index)
{
    struct registration *registration;
    struct node *node;
    context->get_node(context, index, &node, &registration);
    return registration->builtin_code == LOGISTIC && context->tensors[node->inputs->data[0]].type == INT8;
}

static enum status take(struct context *context, struct delegate *delegate, int index)
{
    struct registration kernel = {.init = init, .free = release, .prepare = ready, .invoke = invoke,
                                  .custom_name = "Logistic", .version = 1};
    int one[] = {1, index}; /* laid out as struct numbers */
    return context->replace_nodes(context, kernel, (const void *)one, delegate);
}

static enum status prepare(struct context *context, struct delegate *delegate)
{
    const struct options *options = delegate->data;
    struct numbers *plan;
    if (options->refuse) {
        context->report_error(context, "no graph pleases this delegate");
        return ERROR;
    }
    context->get_execution_plan(context, &plan);
    int count = plan->size, *nodes = malloc((size_t)count * sizeof *nodes);
    memcpy(nodes, plan->data, (size_t)count * sizeof *nodes); /* the plan changes with every replacement */
    enum status status = OK;
    for (int i = 0; i < count && status == OK; i++)
        if (takes(context, nodes[i]))
            status = take(context, delegate, nodes[i]);
    free(nodes);
    return status;
}

static bool read_option(struct options *options, const char *key, const char *value)
{
    struct {
        const char *name;
        int *number;
    } known[] = {{"error", &options->error}, {"refuse", &options->refuse},
                 {"fail_after", &options->fail_after}, {"device", &options->device}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(key, known[i].name) == 0) {
            *known[i].number = atoi(value);
            return true;
        }
    return false;
}

static const char *fault(struct options *options, char **keys, char **values, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!read_option(options, keys[i], values[i]))
            return "an option is unknown";
    return options->device ? "no such device" : NULL;
}

void tflite_plugin_destroy_delegate(struct delegate *delegate)
{
    if (delegate)
        free(delegate->data);
    free(delegate);
}

struct delegate *tflite_plugin_create_delegate(char **keys, char **values, size_t count,
                                               void (*report_error)(const char *))
{
    struct delegate *delegate = calloc(1, sizeof *delegate);
    struct options *options = calloc(1, sizeof *options);
    options->fail_after = -1;
    delegate->data = options;
    delegate->prepare = prepare;
    const char *found = fault(options, keys, values, count);
    if (!found)
        return delegate;
    report_error(found);
    tflite_plugin_destroy_delegate(delegate);
    return NULL;
}

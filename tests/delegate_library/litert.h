/* What an external delegate needs of LiteRT's C interface (tensorflow/lite/core/c/common.h); the packages bring
 * no headers. Order and types of the members are the interface; those that are not used here have no type. */
#ifndef LITERT_H
#define LITERT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum status { OK, ERROR };
enum { LOGISTIC = 14 }; /* BuiltinOperator of schema.fbs */
enum { INT8 = 9 };      /* TfLiteType */

struct numbers { /* TfLiteIntArray */
    int size;
    int data[];
};

struct tensor { /* TfLiteTensor */
    int type;
    void *data;
    struct numbers *dims;
    struct {
        float scale;
        int32_t zero_point;
    } params;
    int allocation_type;
    size_t bytes;
    const void *allocation;
    const char *name;
    void *delegate;
    int buffer_handle;
    bool data_is_stale, is_variable;
    struct {
        int type;
        void *params;
    } quantization;
    void *sparsity;
    const struct numbers *dims_signature;
};

struct node { /* TfLiteNode */
    struct numbers *inputs, *outputs, *intermediates, *temporaries;
    void *user_data;
    void *builtin_data;
    const void *custom_initial_data;
    int custom_initial_data_size;
    void *delegate;
    bool might_have_side_effect;
};

struct context;
struct delegate;

struct registration { /* TfLiteRegistration */
    void *(*init)(struct context *, const char *buffer, size_t length);
    void (*free)(struct context *, void *);
    enum status (*prepare)(struct context *, struct node *);
    enum status (*invoke)(struct context *, struct node *);
    const char *(*profiling_string)(const struct context *, const struct node *);
    int32_t builtin_code;
    const char *custom_name;
    int version;
    void *registration_external;
    void *async_kernel;
    uint64_t inplace_operator;
};

struct context { /* TfLiteContext, its beginning */
    size_t tensors_size;
    enum status (*get_execution_plan)(struct context *, struct numbers **plan);
    struct tensor *tensors;
    void *impl;
    void *resize_tensor;
    void (*report_error)(struct context *, const char *message, ...);
    void *add_tensors;
    enum status (*get_node)(struct context *, int index, struct node **, struct registration **);
    enum status (*replace_nodes)(struct context *, struct registration, const struct numbers *nodes,
                                 struct delegate *);
};

struct delegate { /* TfLiteDelegate */
    void *data;
    enum status (*prepare)(struct context *, struct delegate *);
    void *copy_from_buffer_handle, *copy_to_buffer_handle, *free_buffer_handle;
    int64_t flags;
    void *opaque_delegate_builder;
};

struct params { /* TfLiteDelegateParams, the buffer of init */
    struct delegate *delegate;
    struct numbers *nodes, *inputs, *outputs;
};

#endif

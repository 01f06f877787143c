// Lists of tagged parameters in the preprocessor: CK_EACH(prefix, A(x), B(y)) is prefixA(x) prefixB(y).
#ifndef EMEND_CKERNEL_RECORDING_EACH_H
#define EMEND_CKERNEL_RECORDING_EACH_H

// Each round of expansion takes one element: 27 are more than CK_ARGUMENT_LIMIT.
#define CK_ROUNDS(...) CK_ROUNDS_9(CK_ROUNDS_9(CK_ROUNDS_9(__VA_ARGS__)))
#define CK_ROUNDS_9(...) CK_ROUNDS_3(CK_ROUNDS_3(CK_ROUNDS_3(__VA_ARGS__)))
#define CK_ROUNDS_3(...) CK_ROUND(CK_ROUND(CK_ROUND(__VA_ARGS__)))
#define CK_ROUND(...) __VA_ARGS__

#define CK_NOTHING
#define CK_EACH(prefix, ...) CK_ROUNDS(CK_EACH_FIRST(prefix, __VA_ARGS__))
#define CK_EACH_FIRST(prefix, first, ...) \
    prefix##first __VA_OPT__(CK_EACH_REST CK_NOTHING()(prefix, __VA_ARGS__))
#define CK_EACH_REST() CK_EACH_FIRST

/// CK_LIST(_ , a, b) is a, b: the list of what CK_EACH made with a comma before each.
#define CK_LIST(...) CK_WITHOUT_FIRST(__VA_ARGS__)
#define CK_WITHOUT_FIRST(first, ...) __VA_ARGS__

#endif

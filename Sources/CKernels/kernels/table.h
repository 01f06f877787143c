// All kernels of one level and their table, named by CK_TABLE and CK_LEVEL_NAME.
#include "vector.h"
#include "exponential.h"
#include "elementwise.h"
#include "rows.h"
#include "normalisation.h"
#include "softmax.h"
#include "depthwise.h"
#include "columns.h"
#include "products.h"
#include "resize.h"
#include "optimizers.h"
#include "philox.h"

const ck_table CK_TABLE = {
    .name = CK_LEVEL_NAME,
#include "entries.h"
};

// Width 1: any processor, fused multiply-add from libm where the instruction is missing.
#define CK_WIDTH 1
#define CK_TABLE ck_table_generic
#define CK_LEVEL_NAME "generic"
#include "tables.h"
#include "kernels/table.h"

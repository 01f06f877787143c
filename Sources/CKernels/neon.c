// Width 4: arm64, where NEON with fused multiply-add is always present.
#include "tables.h"
#if defined(__aarch64__)
#define CK_WIDTH 4
#define CK_TABLE ck_table_neon
#define CK_LEVEL_NAME "neon"
#include "kernels/table.h"
#endif

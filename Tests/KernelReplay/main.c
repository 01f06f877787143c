#include "program.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Noreturn void fail(int status, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fputs("kernel-replay: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    exit(status);
}

static const ck_table *table_named(const char *name) {
    const ck_isa levels[] = {CK_GENERIC, CK_AVX2, CK_AVX512, CK_NEON};
    for (unsigned i = 0; i < sizeof levels / sizeof levels[0]; i++) {
        const ck_table *table = ck_table_for(levels[i]);
        if (table && strcmp(table->name, name) == 0) return table;
    }
    const ck_table *twins = ck_twin_table();
    if (strcmp(twins->name, name) == 0) return twins;
    fail(78, "this processor or build has no %s; `levels` prints what it has", name);
}

static void print_levels(void) {
    const ck_isa levels[] = {CK_GENERIC, CK_AVX2, CK_AVX512, CK_NEON};
    for (unsigned i = 0; i < sizeof levels / sizeof levels[0]; i++)
        if (ck_table_for(levels[i])) puts(ck_table_for(levels[i])->name);
    puts(ck_twin_table()->name);
}

int main(int count, char **words) {
    const char *command = count > 1 ? words[1] : "";
    if (count == 2 && strcmp(command, "levels") == 0) print_levels();
    else if ((count == 3 || count == 4) && strcmp(command, "exercise") == 0)
        exercise(table_named(words[2]), count == 4 ? words[3] : NULL);
    else if (count == 4 && strcmp(command, "replay") == 0) replay(table_named(words[2]), words[3]);
    else
        fail(64, "say `levels`, `exercise LEVEL [ENTRY]` or `replay LEVEL RECORDING`");
    if (fflush(stdout) != 0) fail(74, "standard output cannot be written");
    return 0;
}

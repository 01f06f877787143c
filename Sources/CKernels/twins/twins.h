// The twins: every kernel again as a plain scalar loop nest over indices, written from the
// header's formulas and sharing nothing with kernels/, so that an error in either shows.
#ifndef EMEND_CKERNELS_TWINS_H
#define EMEND_CKERNELS_TWINS_H

#include "../include/CKernels.h"

#include <math.h>
#include <string.h>

#pragma clang fp contract(off)

float ck_twin_exp(float x);
float ck_twin_log(float x);
float ck_twin_activation(float x, ck_activation activation);
/// 1 where the activation lets the gradient through at x.
int ck_twin_is_open(float x, ck_activation activation);
/// Σ terms over 16 lanes by index mod 16, folded by halves.
float ck_twin_fold(const float *lanes);

void ck_twin_add_elementwise(ck_table *table);
void ck_twin_add_rows(ck_table *table);
void ck_twin_add_windows(ck_table *table);
void ck_twin_add_products(ck_table *table);
void ck_twin_add_resize(ck_table *table);
void ck_twin_add_optimizers(ck_table *table);

#endif

// Threads that share out numbered tiles. A run is published by raising `generation`; tiles are
// claimed from one counter; the caller works too and waits until every thread has left the run, so
// that the next run may reuse its fields.
#include "include/CKernels.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

enum { SPINS = 4000 };  // some tens of microseconds, then sleep

typedef struct {
    ck_pool *pool;
    ptrdiff_t thread;  // from 1; the caller is 0
    pthread_t handle;
} Worker;

struct ck_pool {
    ptrdiff_t threads, started;
    Worker *workers;
    // Written by the caller before `generation` is raised, read by the threads after they saw it.
    ck_tile_function function;
    void *context;
    ptrdiff_t count;
    _Atomic ptrdiff_t next_tile;
    _Atomic ptrdiff_t working;  // threads that have not yet left the current run
    _Atomic uint64_t generation;
    atomic_int stopping;
    atomic_flag running;
    pthread_mutex_t mutex;
    pthread_cond_t work, done;
};

static void relax(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

static void claim_tiles(ck_pool *pool, ptrdiff_t thread) {
    for (;;) {
        ptrdiff_t tile = atomic_fetch_add_explicit(&pool->next_tile, 1, memory_order_relaxed);
        if (tile >= pool->count) return;
        pool->function(pool->context, tile, thread);
    }
}

/// Waits for another generation than `seen`, spinning first.
static uint64_t await_generation(ck_pool *pool, uint64_t seen) {
    for (int i = 0; i < SPINS; i++) {
        uint64_t now = atomic_load_explicit(&pool->generation, memory_order_acquire);
        if (now != seen) return now;
        relax();
    }
    pthread_mutex_lock(&pool->mutex);
    uint64_t now;
    while ((now = atomic_load_explicit(&pool->generation, memory_order_acquire)) == seen)
        pthread_cond_wait(&pool->work, &pool->mutex);
    pthread_mutex_unlock(&pool->mutex);
    return now;
}

static void *worker_main(void *argument) {
    const Worker *worker = argument;
    ck_pool *pool = worker->pool;
    uint64_t seen = 0;
    for (;;) {
        seen = await_generation(pool, seen);
        if (atomic_load_explicit(&pool->stopping, memory_order_relaxed)) return NULL;
        claim_tiles(pool, worker->thread);
        if (atomic_fetch_sub_explicit(&pool->working, 1, memory_order_acq_rel) == 1) {
            pthread_mutex_lock(&pool->mutex);
            pthread_cond_signal(&pool->done);
            pthread_mutex_unlock(&pool->mutex);
        }
    }
}

static void raise_generation(ck_pool *pool) {
    pthread_mutex_lock(&pool->mutex);
    atomic_fetch_add_explicit(&pool->generation, 1, memory_order_release);
    pthread_cond_broadcast(&pool->work);
    pthread_mutex_unlock(&pool->mutex);
}

static void await_workers(ck_pool *pool) {
    for (int i = 0; i < SPINS; i++) {
        if (atomic_load_explicit(&pool->working, memory_order_acquire) == 0) return;
        relax();
    }
    pthread_mutex_lock(&pool->mutex);
    while (atomic_load_explicit(&pool->working, memory_order_acquire) != 0)
        pthread_cond_wait(&pool->done, &pool->mutex);
    pthread_mutex_unlock(&pool->mutex);
}

ck_pool *ck_pool_create(ptrdiff_t threads) {
    if (threads < 1) return NULL;
    ck_pool *pool = calloc(1, sizeof *pool);
    if (!pool) return NULL;
    pool->threads = threads;
    atomic_flag_clear(&pool->running);
    pthread_mutex_init(&pool->mutex, NULL);
    pthread_cond_init(&pool->work, NULL);
    pthread_cond_init(&pool->done, NULL);
    pool->workers = calloc((size_t)threads, sizeof *pool->workers);
    for (; pool->workers && pool->started < threads - 1; pool->started++) {
        Worker *worker = &pool->workers[pool->started];
        *worker = (Worker){.pool = pool, .thread = pool->started + 1};
        if (pthread_create(&worker->handle, NULL, worker_main, worker) != 0) break;
    }
    if (pool->workers && pool->started == threads - 1) return pool;
    ck_pool_destroy(pool);
    return NULL;
}

void ck_pool_run(ck_pool *pool, ptrdiff_t count, ck_tile_function function, void *context) {
    if (atomic_flag_test_and_set_explicit(&pool->running, memory_order_acquire)) {
        fputs("ck_pool_run: called within a tile or by two threads at a time\n", stderr);
        abort();
    }
    if (pool->started == 0 || count <= 1) {
        for (ptrdiff_t tile = 0; tile < count; tile++) function(context, tile, 0);
    } else {
        pool->function = function;
        pool->context = context;
        pool->count = count;
        atomic_store_explicit(&pool->next_tile, 0, memory_order_relaxed);
        atomic_store_explicit(&pool->working, pool->started, memory_order_relaxed);
        raise_generation(pool);
        claim_tiles(pool, 0);
        await_workers(pool);
    }
    atomic_flag_clear_explicit(&pool->running, memory_order_release);
}

ptrdiff_t ck_pool_thread_count(const ck_pool *pool) { return pool->threads; }

void ck_pool_destroy(ck_pool *pool) {
    if (!pool) return;
    atomic_store_explicit(&pool->stopping, 1, memory_order_relaxed);
    raise_generation(pool);
    for (ptrdiff_t i = 0; i < pool->started; i++) pthread_join(pool->workers[i].handle, NULL);
    pthread_cond_destroy(&pool->work);
    pthread_cond_destroy(&pool->done);
    pthread_mutex_destroy(&pool->mutex);
    free(pool->workers);
    free(pool);
}

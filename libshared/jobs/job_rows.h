/* job_rows.h - what becomes of a JOB row: a prototype, a kind, a line of the list of kinds.
 *
 *      #define JOB JOB_PROTOTYPE          then begin.def, <service>.def, end.def: what handlers and those who put need
 *      #define JOB JOB_KIND               the kinds, with adapters of the handlers
 *      #define JOB JOB_LINE               lines of a const struct job_kind *[]
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/jobs/jobs.h"

/* clang-format off */
#define JOB_PROTOTYPE(noun, verb, in, where, attempts, first, longest, timeout, every, waiting, of_one, doc) \
    JOB_PROTOTYPE_##where(noun, verb, in) \
    extern const struct job_kind noun##_##verb##_job;
#define JOB_PROTOTYPE_WORKER(noun, verb, in) \
    enum err noun##_##verb(struct call *call, const struct job *job, const struct in *payload) MUST_CHECK;
#define JOB_PROTOTYPE_LATER(noun, verb, in) \
    void noun##_##verb(struct call *call, const struct job *job, const struct in *payload, struct job_run *run);

#define JOB_KIND(noun, verb, in, where_, attempts_, first, longest, timeout, every, waiting, of_one, doc) \
    JOB_ADAPTER_##where_(noun, verb) \
    const struct job_kind noun##_##verb##_job = { .name = #noun "." #verb, .payload = in##_shape, .where = where_, \
        .attempts = attempts_, .first_delay_ms = first, .longest_delay_ms = longest, .timeout_ms = timeout, \
        .every_s = every, .waiting_max = waiting, .subject_max = of_one, JOB_RUN_##where_(noun, verb) };
#define JOB_ADAPTER_WORKER(noun, verb) \
    static enum err run_job_##noun##_##verb(struct call *call, const struct job *job, const void *payload) \
    { return noun##_##verb(call, job, payload); }
#define JOB_ADAPTER_LATER(noun, verb) \
    static void begin_job_##noun##_##verb( \
        struct call *call, const struct job *job, const void *payload, struct job_run *run) \
    { noun##_##verb(call, job, payload, run); }
#define JOB_RUN_WORKER(noun, verb) .run = run_job_##noun##_##verb
#define JOB_RUN_LATER(noun, verb)  .begin = begin_job_##noun##_##verb

#define JOB_LINE(noun, verb, in, where, attempts, first, longest, timeout, every, waiting, of_one, doc) \
    &noun##_##verb##_job,
/* clang-format on */

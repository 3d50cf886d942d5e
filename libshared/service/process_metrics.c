/* process_metrics.c - memory, processor time and descriptors of this process. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/service/process_metrics.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "libshared/base/log.h"
#include "libshared/base/log_out.h"

static long resident_bytes(void)
{
    long pages = 0;
    FILE *file = fopen("/proc/self/statm", "re");
    if (file == NULL) return 0;
    if (fscanf(file, "%*d %ld", &pages) != 1) pages = 0;
    fclose(file);
    return pages * sysconf(_SC_PAGESIZE);
}

static long open_descriptors(void)
{
    long n = 0;
    DIR *dir = opendir("/proc/self/fd");
    if (dir == NULL) return 0;
    while (readdir(dir) != NULL) n++;
    closedir(dir);
    return n - 3; /* . and .. and the directory's own */
}

static double cpu_seconds(void)
{
    struct rusage use;
    getrusage(RUSAGE_SELF, &use);
    return (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) +
           (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e6;
}

void process_metrics_print(struct buf *out)
{
    struct rlimit limit = { 0 };
    getrlimit(RLIMIT_NOFILE, &limit);
    buf_printf(out,
        "# HELP process_resident_memory_bytes Memory in RAM\n# TYPE process_resident_memory_bytes "
        "gauge\nprocess_resident_memory_bytes %ld\n",
        resident_bytes());
    buf_printf(out,
        "# HELP process_cpu_seconds_total Processor time\n# TYPE process_cpu_seconds_total "
        "counter\nprocess_cpu_seconds_total %.6f\n",
        cpu_seconds());
    buf_printf(out, "# HELP process_open_fds Open descriptors\n# TYPE process_open_fds gauge\nprocess_open_fds %ld\n",
        open_descriptors());
    buf_printf(out,
        "# HELP madang_log_dropped_total Log lines that their reader did not take in time\n"
        "# TYPE madang_log_dropped_total counter\nmadang_log_dropped_total %" PRIu64 "\n",
        log_dropped());
    buf_printf(out,
        "# HELP madang_log_waiting_bytes Bytes of log lines that their reader has not taken yet\n"
        "# TYPE madang_log_waiting_bytes gauge\nmadang_log_waiting_bytes %zu\n",
        log_waiting());
    buf_printf(out, "# HELP process_max_fds How many there may be\n# TYPE process_max_fds gauge\nprocess_max_fds %lu\n",
        (unsigned long)limit.rlim_cur);
}

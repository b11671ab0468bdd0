/* Loaded before the C library by tests: calls fail with EIO for as long as a file says so.
 *
 * FAULTS names that file. Each of its lines is a call, "write" or "sync", and a part of a path: "sync journal.db-wal". A
 * part with a $ behind it is the end of a path.
 *
 * After a failed sync the kernel forgets what it could not write, and the next sync says that all is well. So here, too:
 * what was written since the last good sync is undone, and reads find what the disk holds.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef ssize_t (*write_call)(int, const void *, size_t);
typedef ssize_t (*pwrite_call)(int, const void *, size_t, off64_t);
typedef int (*sync_call)(int);

/* What stood where something was written, the newest first. */
struct before {
    char path[PATH_MAX];
    off64_t at;
    size_t length;
    char *bytes;
    struct before *older;
};

static struct before *newest;
static pthread_mutex_t alone = PTHREAD_MUTEX_INITIALIZER;

static void *original(const char *name) { return dlsym(RTLD_NEXT, name); }

static int path_of(int file, char *path) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, PATH_MAX - 1);
    path[length > 0 ? length : 0] = 0;
    return length > 0;
}

static int fits(const char *path, const char *part) {
    size_t all = strlen(path), length = strlen(part);
    if (length == 0 || part[length - 1] != '$') return strstr(path, part) != NULL;
    return all >= length - 1 && strncmp(path + all - (length - 1), part, length - 1) == 0;
}

static int fails(const char *call, const char *path) {
    const char *faults = getenv("FAULTS");
    FILE *lines = faults ? fopen(faults, "r") : NULL;
    char which[16], part[PATH_MAX];
    int found = 0;
    if (!lines) return 0;
    while (!found && fscanf(lines, "%15s %4095s", which, part) == 2)
        found = strcmp(which, call) == 0 && fits(path, part);
    fclose(lines);
    return found;
}

/* Only what a test may undo is kept: the journal's log. */
static void keep(const char *path, int file, off64_t at, size_t length) {
    if (!strstr(path, "-wal")) return;
    struct before *one = calloc(1, sizeof *one);
    strcpy(one->path, path);
    one->at = at;
    one->length = length;
    one->bytes = calloc(1, length);
    int reader = open(path, O_RDONLY);
    if (reader >= 0) {
        if (pread64(reader, one->bytes, length, at) < 0) memset(one->bytes, 0, length);
        close(reader);
    }
    (void)file;
    pthread_mutex_lock(&alone);
    one->older = newest;
    newest = one;
    pthread_mutex_unlock(&alone);
}

static void forget(const char *path, int file, int undo) {
    pwrite_call put = (pwrite_call)original("pwrite64");
    pthread_mutex_lock(&alone);
    for (struct before **next = &newest; *next;) {
        struct before *one = *next;
        if (strcmp(one->path, path) != 0) {
            next = &one->older;
            continue;
        }
        if (undo && put(file, one->bytes, one->length, one->at) < 0) abort();
        *next = one->older;
        free(one->bytes);
        free(one);
    }
    pthread_mutex_unlock(&alone);
}

static ssize_t put(int file, const void *bytes, size_t length, off64_t at, int moves) {
    char path[PATH_MAX];
    if (path_of(file, path)) {
        if (fails("write", path)) {
            errno = EIO;
            return -1;
        }
        keep(path, file, moves ? lseek64(file, 0, SEEK_CUR) : at, length);
    }
    return moves ? ((write_call)original("write"))(file, bytes, length)
                 : ((pwrite_call)original("pwrite64"))(file, bytes, length, at);
}

ssize_t write(int file, const void *bytes, size_t length) { return put(file, bytes, length, 0, 1); }
ssize_t pwrite(int file, const void *bytes, size_t length, off_t at) { return put(file, bytes, length, at, 0); }
ssize_t pwrite64(int file, const void *bytes, size_t length, off64_t at) { return put(file, bytes, length, at, 0); }

static int sync_file(const char *name, int file) {
    char path[PATH_MAX];
    if (!path_of(file, path)) return ((sync_call)original(name))(file);
    if (fails("sync", path)) {
        forget(path, file, 1);
        errno = EIO;
        return -1;
    }
    int done = ((sync_call)original(name))(file);
    if (done == 0) forget(path, file, 0);
    return done;
}

int fsync(int file) { return sync_file("fsync", file); }
int fdatasync(int file) { return sync_file("fdatasync", file); }

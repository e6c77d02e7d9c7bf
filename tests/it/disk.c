/*
 * Preloaded into a run, lets one call go wrong that changes a file below $DISK_DIR: the $DISK_AT-th one, as $DISK_MODE says.
 *
 * eio    It fails, and the next ones work again.
 * full   A write is cut to half, and from then on there is no space: nothing can be written, created or made longer.
 * crash  A write is cut to half, anything else is not done, and the process is killed. What a synced file holds is copied
 *        to $DISK_SYNCED, so that the test can take away what a power cut would take.
 *
 * $DISK_HIT is created when the call is reached. With no $DISK_AT nothing goes wrong.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum turn { PASS, FAIL, HALF, NEVER };

static atomic_long calls;

static int is_mode(const char *mode) {
    return strcmp(getenv("DISK_MODE"), mode) == 0;
}

static int is_below(const char *path) {
    const char *dir = getenv("DISK_DIR");
    return path[0] != '/' || strncmp(path, dir, strlen(dir)) == 0;
}

/* Fills in the path of an open file; says whether it is one that counts. */
static int has_path(int fd, char path[4096]) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    long length = syscall(SYS_readlinkat, AT_FDCWD, link, path, 4095);
    if (length <= 0)
        return 0;
    path[length] = 0;
    return path[0] == '/' && is_below(path);
}

static void die(void) {
    syscall(SYS_kill, getpid(), SIGKILL);
    for (;;)
        pause();
}

/* What becomes of a call that counts. `grows` is whether it needs space. */
static enum turn turn(int grows) {
    long at = atomic_fetch_add(&calls, 1) + 1, wanted = atol(getenv("DISK_AT"));
    if (wanted == 0)
        return PASS;
    if (at == wanted)
        syscall(SYS_close, syscall(SYS_openat, AT_FDCWD, getenv("DISK_HIT"), O_CREAT | O_WRONLY, 0600));
    if (at < wanted || (is_mode("eio") && at > wanted))
        return PASS;
    if (is_mode("eio"))
        return errno = EIO, FAIL;
    if (is_mode("crash"))
        return at == wanted ? HALF : NEVER;
    if (!grows)
        return PASS;
    return errno = ENOSPC, at == wanted ? HALF : FAIL;
}

/* The same for calls that can't be done by half. */
static int is_done(int grows) {
    enum turn now = turn(grows);
    if (now == NEVER || (now == HALF && is_mode("crash")))
        die();
    return now == PASS;
}

static ssize_t written(int fd, const void *bytes, size_t length, off_t offset) {
    char path[4096];
    enum turn now = has_path(fd, path) ? turn(1) : PASS;
    if (now == NEVER)
        die();
    if (now == FAIL)
        return -1;
    if (now == HALF)
        length /= 2;
    ssize_t done = offset < 0 ? syscall(SYS_write, fd, bytes, length) : syscall(SYS_pwrite64, fd, bytes, length, offset);
    if (now == HALF && is_mode("crash"))
        die();
    if (now == HALF && length == 0)
        return errno = ENOSPC, -1;
    return done;
}

ssize_t write(int fd, const void *bytes, size_t length) {
    return written(fd, bytes, length, -1);
}

ssize_t pwrite(int fd, const void *bytes, size_t length, off_t offset) {
    return written(fd, bytes, length, offset);
}

ssize_t pwrite64(int fd, const void *bytes, size_t length, off_t offset) {
    return written(fd, bytes, length, offset);
}

/* A short write is allowed, so only the first part is written. */
ssize_t writev(int fd, const struct iovec *parts, int count) {
    char path[4096];
    if (count < 1 || !has_path(fd, path))
        return syscall(SYS_writev, fd, parts, count);
    return written(fd, parts[0].iov_base, parts[0].iov_len, -1);
}

static void name_copy(char copy[8192], const char *path) {
    const char *name = strrchr(path, '/');
    snprintf(copy, 8192, "%s/%s", getenv("DISK_SYNCED"), name ? name + 1 : path);
}

/* Reads by the program's own descriptor: closing another one of the file would end its locks. */
static void copy_synced(int fd, const char *path) {
    char copy[8192], growing[8200], bytes[65536];
    off_t at = 0;
    ssize_t length = pread(fd, bytes, sizeof bytes, at);
    if (length < 0)
        return; /* a directory, or a file that is only written */
    name_copy(copy, path);
    snprintf(growing, sizeof growing, "%s.new", copy);
    int to = syscall(SYS_openat, AT_FDCWD, growing, O_CREAT | O_TRUNC | O_WRONLY, 0600);
    for (; length > 0; length = pread(fd, bytes, sizeof bytes, at)) {
        syscall(SYS_write, to, bytes, length);
        at += length;
    }
    syscall(SYS_close, to);
    /* Another thread may end the process at any moment. */
    syscall(SYS_renameat2, AT_FDCWD, growing, AT_FDCWD, copy, 0);
}

/* Does not sync: what is taken away is for the test to decide, and syncs take long. */
static int synced(int fd) {
    char path[4096];
    if (!has_path(fd, path))
        return 0;
    if (!is_done(0))
        return -1;
    if (is_mode("crash"))
        copy_synced(fd, path);
    return 0;
}

int fsync(int fd) {
    return synced(fd);
}

int fdatasync(int fd) {
    return synced(fd);
}

static int truncated(int fd, off_t length) {
    char path[4096];
    struct stat stat;
    int grows = fstat(fd, &stat) != 0 || length > stat.st_size;
    return has_path(fd, path) && !is_done(grows) ? -1 : syscall(SYS_ftruncate, fd, length);
}

int ftruncate(int fd, off_t length) {
    return truncated(fd, length);
}

int ftruncate64(int fd, off_t length) {
    return truncated(fd, length);
}

static int opened(int dir, const char *path, int flags, va_list more) {
    mode_t mode = flags & O_CREAT ? va_arg(more, mode_t) : 0;
    int creates = flags & O_CREAT && syscall(SYS_faccessat, dir, path, F_OK) != 0;
    if ((creates || flags & O_TRUNC) && is_below(path) && !is_done(creates))
        return -1;
    return syscall(SYS_openat, dir, path, flags, mode);
}

#define OPEN(name)                                \
    int name(const char *path, int flags, ...) {  \
        va_list more;                             \
        va_start(more, flags);                    \
        int fd = opened(AT_FDCWD, path, flags, more); \
        va_end(more);                             \
        return fd;                                \
    }
OPEN(open)
OPEN(open64)

#define OPENAT(name)                                      \
    int name(int dir, const char *path, int flags, ...) { \
        va_list more;                                     \
        va_start(more, flags);                            \
        int fd = opened(dir, path, flags, more);          \
        va_end(more);                                     \
        return fd;                                        \
    }
OPENAT(openat)
OPENAT(openat64)

int mkdir(const char *path, mode_t mode) {
    return is_below(path) && !is_done(1) ? -1 : syscall(SYS_mkdirat, AT_FDCWD, path, mode);
}

int rename(const char *from, const char *to) {
    return is_below(to) && !is_done(0) ? -1 : syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
}

int unlink(const char *path) {
    char copy[8192];
    if (!is_below(path))
        return syscall(SYS_unlinkat, AT_FDCWD, path, 0);
    if (!is_done(0))
        return -1;
    name_copy(copy, path);
    syscall(SYS_unlinkat, AT_FDCWD, copy, 0);
    return syscall(SYS_unlinkat, AT_FDCWD, path, 0);
}

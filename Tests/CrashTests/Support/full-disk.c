// A disk that gets full, for LD_PRELOAD: regular files take as many more bytes as the number in the file FULL_DISK says (8 bytes, native
// order, shared by all processes), then writes answer ENOSPC. A write that fits in part is done in part, as a file system does it. Bytes that
// are written over others need no room, as on ext4 and XFS.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

static _Atomic int64_t *room;

__attribute__((constructor)) static void attach(void) {
    const char *path = getenv("FULL_DISK");
    if (!path) return;
    int fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0) return;
    void *map = mmap(NULL, sizeof(int64_t), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (map != MAP_FAILED) room = map;
}

// How many of the bytes may be written; -1 when none.
static ssize_t allowed(int fd, size_t count, off_t offset) {
    struct stat status;
    if (!room || count == 0 || fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) return (ssize_t)count;
    if (offset < 0) offset = fcntl(fd, F_GETFL) & O_APPEND ? status.st_size : lseek(fd, 0, SEEK_CUR);
    int64_t over = status.st_size > offset ? status.st_size - offset : 0;
    if (over >= (int64_t)count) return (ssize_t)count;
    int64_t left = atomic_load(room);
    while (1) {
        int64_t grown = (int64_t)count - over;
        int64_t taken = left < grown ? left : grown;
        if (taken <= 0 && over > 0) return over;
        if (taken <= 0) {
            errno = ENOSPC;
            return -1;
        }
        if (atomic_compare_exchange_weak(room, &left, left - taken)) return (ssize_t)(over + taken);
    }
}

ssize_t write(int fd, const void *bytes, size_t count) {
    static ssize_t (*real)(int, const void *, size_t);
    if (!real) real = dlsym(RTLD_NEXT, "write");
    ssize_t some = allowed(fd, count, -1);
    return some < 0 ? -1 : real(fd, bytes, (size_t)some);
}

ssize_t pwrite64(int fd, const void *bytes, size_t count, off64_t offset) {
    static ssize_t (*real)(int, const void *, size_t, off64_t);
    if (!real) real = dlsym(RTLD_NEXT, "pwrite64");
    ssize_t some = allowed(fd, count, offset);
    return some < 0 ? -1 : real(fd, bytes, (size_t)some, offset);
}

ssize_t pwrite(int fd, const void *bytes, size_t count, off_t offset) { return pwrite64(fd, bytes, count, offset); }

ssize_t writev(int fd, const struct iovec *parts, int count) {
    static ssize_t (*real)(int, const struct iovec *, int);
    if (!real) real = dlsym(RTLD_NEXT, "writev");
    size_t sum = 0;
    for (int i = 0; i < count; i++) sum += parts[i].iov_len;
    ssize_t some = allowed(fd, sum, -1);
    if (some < 0) return -1;
    if ((size_t)some == sum) return real(fd, parts, count);
    ssize_t done = 0;
    for (int i = 0; i < count && done < some; i++) {
        size_t part = parts[i].iov_len < (size_t)(some - done) ? parts[i].iov_len : (size_t)(some - done);
        struct iovec one = {parts[i].iov_base, part};
        if (real(fd, &one, 1) != (ssize_t)part) break;
        done += (ssize_t)part;
    }
    return done;
}

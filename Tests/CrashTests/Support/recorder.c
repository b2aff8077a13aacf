// Records what a program does to files, for LD_PRELOAD: one record a call, appended to the file RECORD, of what is below RECORD_ROOT.
// A record: kind (1 byte), inode (8), offset or length (8), lengths of two paths and of data (4 each), in native order, then these.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define REAL(type, name, ...) \
    static type (*real)(__VA_ARGS__); \
    if (!real) real = dlsym(RTLD_NEXT, #name)

static int out = -1;
static const char *root;

__attribute__((constructor)) static void attach(void) {
    const char *path = getenv("RECORD");
    root = getenv("RECORD_ROOT");
    if (!path || !root) return;
    int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
    // Out of the way of the descriptors that master counts on.
    out = fcntl(fd, F_DUPFD_CLOEXEC, 200);
    close(fd);
}

static void put(char kind, uint64_t inode, uint64_t at, const char *a, const char *b, const void *data, size_t length) {
    if (out < 0) return;
    int saved = errno;
    uint32_t lengths[3] = {a ? strlen(a) : 0, b ? strlen(b) : 0, length};
    struct iovec parts[] = {{&kind, 1}, {&inode, 8}, {&at, 8}, {lengths, 12}, {(void *)a, lengths[0]}, {(void *)b, lengths[1]},
                            {(void *)data, length}};
    if (writev(out, parts, 7) < 0) abort();
    errno = saved;
}

static int below(const char *path) { return root && strncmp(path, root, strlen(root)) == 0; }

static uint64_t inode_of(int fd) {
    struct stat status;
    return fstat(fd, &status) == 0 && (S_ISREG(status.st_mode) || S_ISDIR(status.st_mode)) ? status.st_ino : 0;
}

int open(const char *path, int flags, ...) {
    REAL(int, open, const char *, int, ...);
    va_list list;
    va_start(list, flags);
    mode_t mode = flags & O_CREAT ? va_arg(list, mode_t) : 0;
    va_end(list);
    int missing = (flags & O_CREAT) && access(path, F_OK) != 0;
    int fd = real(path, flags, mode);
    if (fd >= 0 && below(path)) {
        if (missing) put('c', inode_of(fd), 0, path, NULL, NULL, 0);
        else if (flags & O_TRUNC) put('t', inode_of(fd), 0, NULL, NULL, NULL, 0);
    }
    return fd;
}

ssize_t pwrite(int fd, const void *bytes, size_t count, off_t offset) {
    REAL(ssize_t, pwrite, int, const void *, size_t, off_t);
    ssize_t done = real(fd, bytes, count, offset);
    uint64_t inode = done > 0 ? inode_of(fd) : 0;
    if (inode) put('w', inode, offset, NULL, NULL, bytes, done);
    return done;
}

ssize_t write(int fd, const void *bytes, size_t count) {
    REAL(ssize_t, write, int, const void *, size_t);
    ssize_t done = real(fd, bytes, count);
    uint64_t inode = done > 0 ? inode_of(fd) : 0;
    if (inode) put('w', inode, lseek(fd, 0, SEEK_CUR) - done, NULL, NULL, bytes, done);
    return done;
}

int ftruncate(int fd, off_t length) {
    REAL(int, ftruncate, int, off_t);
    int result = real(fd, length);
    if (result == 0) put('t', inode_of(fd), length, NULL, NULL, NULL, 0);
    return result;
}

int fsync(int fd) {
    REAL(int, fsync, int);
    int result = real(fd);
    if (result == 0) put('s', inode_of(fd), 0, NULL, NULL, NULL, 0);
    return result;
}

int fdatasync(int fd) {
    REAL(int, fdatasync, int);
    int result = real(fd);
    if (result == 0) put('s', inode_of(fd), 0, NULL, NULL, NULL, 0);
    return result;
}

int link(const char *from, const char *to) {
    REAL(int, link, const char *, const char *);
    int result = real(from, to);
    if (result == 0 && below(to)) put('l', 0, 0, from, to, NULL, 0);
    return result;
}

int rename(const char *from, const char *to) {
    REAL(int, rename, const char *, const char *);
    int result = real(from, to);
    if (result == 0 && below(to)) put('r', 0, 0, from, to, NULL, 0);
    return result;
}

int unlink(const char *path) {
    REAL(int, unlink, const char *);
    int result = real(path);
    if (result == 0 && below(path)) put('u', 0, 0, path, NULL, NULL, 0);
    return result;
}

// Records what a program does to files, for LD_PRELOAD: one record a call, appended to the file RECORD, of what is below RECORD_ROOT.
// A record: kind (1 byte), inode (8), offset or length (8), lengths of two paths and of data (4 each), in native order, then these.
// Kinds: c a file is made, t its length is set, w bytes are written, s it (or a directory) is synced; l a name is linked, r renamed,
// u removed; m a directory is made, d removed; x a call that RecordedDisk does not know: the test fails.
// Programs of the system (/usr) are not recorded: they are not what is tested.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
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
    char self[16] = "";
    if (!path || !root || readlink("/proc/self/exe", self, sizeof self - 1) < 0 || strncmp(self, "/usr/", 5) == 0) return;
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

static int below(const char *path) { return out >= 0 && strncmp(path, root, strlen(root)) == 0; }

static uint64_t inode_at(const char *path) {
    struct stat status;
    return lstat(path, &status) == 0 ? status.st_ino : 0;
}

// A regular file's (or directory's) inode; 0 for sockets, pipes, and what is not below the root.
static uint64_t inode_of(int fd) {
    struct stat status;
    if (out < 0 || fd == out || fstat(fd, &status) != 0 || !(S_ISREG(status.st_mode) || S_ISDIR(status.st_mode))) return 0;
    char link[32], path[4096];
    strcpy(link, "/proc/self/fd/");
    char digits[12];
    int n = 0, rest = fd;
    do digits[n++] = '0' + rest % 10; while (rest /= 10);
    char *end = link + strlen(link);
    while (n) *end++ = digits[--n];
    *end = 0;
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return below(path) ? status.st_ino : 0;
}

static int opened(const char *path, int missing, int flags, int fd) {
    if (fd < 0 || !below(path)) return fd;
    if (missing) put('c', inode_of(fd), 0, path, NULL, NULL, 0);
    else if (flags & O_TRUNC) put('t', inode_of(fd), 0, NULL, NULL, NULL, 0);
    if (flags & O_TMPFILE & ~O_DIRECTORY) put('x', 0, 0, "open(O_TMPFILE)", path, NULL, 0);
    return fd;
}

#define OPEN(name) \
    int name(const char *path, int flags, ...) { \
        REAL(int, name, const char *, int, ...); \
        va_list list; \
        va_start(list, flags); \
        mode_t mode = flags & O_CREAT ? va_arg(list, mode_t) : 0; \
        va_end(list); \
        int missing = (flags & O_CREAT) && access(path, F_OK) != 0; \
        return opened(path, missing, flags, real(path, flags, mode)); \
    }
OPEN(open)
OPEN(open64)

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

// What was copied is read back from where it came: the target may be open for writing only.
ssize_t sendfile(int to, int from, off_t *offset, size_t count) {
    REAL(ssize_t, sendfile, int, int, off_t *, size_t);
    off_t start = offset ? *offset : lseek(from, 0, SEEK_CUR);
    ssize_t done = real(to, from, offset, count);
    uint64_t inode = done > 0 ? inode_of(to) : 0;
    if (!inode) return done;
    void *bytes = malloc(done);
    if (!bytes || pread(from, bytes, done, start) != done) abort();
    put('w', inode, lseek(to, 0, SEEK_CUR) - done, NULL, NULL, bytes, done);
    free(bytes);
    return done;
}

int ftruncate(int fd, off_t length) {
    REAL(int, ftruncate, int, off_t);
    int result = real(fd, length);
    uint64_t inode = result == 0 ? inode_of(fd) : 0;
    if (inode) put('t', inode, length, NULL, NULL, NULL, 0);
    return result;
}

#define SYNC(name) \
    int name(int fd) { \
        REAL(int, name, int); \
        int result = real(fd); \
        uint64_t inode = result == 0 && !getenv("RECORD_NO_SYNC") ? inode_of(fd) : 0; \
        if (inode) put('s', inode, 0, NULL, NULL, NULL, 0); \
        return result; \
    }
SYNC(fsync)
SYNC(fdatasync)

int link(const char *from, const char *to) {
    REAL(int, link, const char *, const char *);
    int result = real(from, to);
    if (result == 0 && below(to)) put('l', inode_at(to), 0, from, to, NULL, 0);
    return result;
}

int rename(const char *from, const char *to) {
    REAL(int, rename, const char *, const char *);
    int result = real(from, to);
    struct stat status;
    if (result == 0 && below(to)) {
        int directory = lstat(to, &status) == 0 && S_ISDIR(status.st_mode);
        put(directory ? 'x' : 'r', inode_at(to), 0, directory ? "rename of a directory" : from, to, NULL, 0);
    }
    return result;
}

int unlink(const char *path) {
    REAL(int, unlink, const char *);
    int result = real(path);
    if (result == 0 && below(path)) put('u', 0, 0, path, NULL, NULL, 0);
    return result;
}

int mkdir(const char *path, mode_t mode) {
    REAL(int, mkdir, const char *, mode_t);
    int result = real(path, mode);
    if (result == 0 && below(path)) put('m', inode_at(path), 0, path, NULL, NULL, 0);
    return result;
}

int rmdir(const char *path) {
    REAL(int, rmdir, const char *);
    int result = real(path);
    if (result == 0 && below(path)) put('d', 0, 0, path, NULL, NULL, 0);
    return result;
}

// What nobody uses so far.
#define UNKNOWN_FD(type, name, arguments, ...) \
    type name arguments { \
        static type (*real) arguments; \
        if (!real) real = dlsym(RTLD_NEXT, #name); \
        if (inode_of(fd)) put('x', 0, 0, #name, NULL, NULL, 0); \
        return real(__VA_ARGS__); \
    }
#define UNKNOWN_PATH(type, name, arguments, ...) \
    type name arguments { \
        static type (*real) arguments; \
        if (!real) real = dlsym(RTLD_NEXT, #name); \
        if (below(path) || path[0] != '/') put('x', 0, 0, #name, path, NULL, 0); \
        return real(__VA_ARGS__); \
    }
UNKNOWN_FD(ssize_t, writev, (int fd, const struct iovec *v, int n), fd, v, n)
UNKNOWN_FD(ssize_t, pwritev, (int fd, const struct iovec *v, int n, off_t at), fd, v, n, at)
UNKNOWN_FD(ssize_t, pwrite64, (int fd, const void *b, size_t n, off64_t at), fd, b, n, at)
UNKNOWN_FD(int, ftruncate64, (int fd, off64_t n), fd, n)
UNKNOWN_FD(int, fallocate, (int fd, int mode, off_t at, off_t n), fd, mode, at, n)
UNKNOWN_FD(int, posix_fallocate, (int fd, off_t at, off_t n), fd, at, n)
UNKNOWN_FD(int, sync_file_range, (int fd, off64_t at, off64_t n, unsigned flags), fd, at, n, flags)
UNKNOWN_FD(ssize_t, copy_file_range, (int from, off64_t *a, int fd, off64_t *b, size_t n, unsigned f), from, a, fd, b, n, f)
UNKNOWN_PATH(int, truncate, (const char *path, off_t n), path, n)
UNKNOWN_PATH(int, creat, (const char *path, mode_t mode), path, mode)
UNKNOWN_PATH(int, remove, (const char *path), path)
UNKNOWN_PATH(int, unlinkat, (int at, const char *path, int flags), at, path, flags)
UNKNOWN_PATH(int, mkdirat, (int at, const char *path, mode_t mode), at, path, mode)
UNKNOWN_PATH(int, renameat, (int a, const char *from, int b, const char *path), a, from, b, path)
UNKNOWN_PATH(int, renameat2, (int a, const char *from, int b, const char *path, unsigned flags), a, from, b, path, flags)
UNKNOWN_PATH(int, linkat, (int a, const char *from, int b, const char *path, int flags), a, from, b, path, flags)
UNKNOWN_PATH(int, symlink, (const char *target, const char *path), target, path)

void *mmap(void *address, size_t length, int protection, int flags, int fd, off_t offset) {
    REAL(void *, mmap, void *, size_t, int, int, int, off_t);
    if (fd >= 0 && (protection & PROT_WRITE) && (flags & MAP_SHARED) && inode_of(fd)) put('x', 0, 0, "mmap for writing", NULL, NULL, 0);
    return real(address, length, protection, flags, fd, offset);
}

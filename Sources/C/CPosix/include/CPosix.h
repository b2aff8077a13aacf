/* The parts of POSIX and Linux that Swift cannot import: variadic calls, macros, and what runs between fork and exec. */
#pragma once

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

static inline int cy_open(const char *path, int flags, mode_t mode) { return open(path, flags, mode); }
static inline int cy_openat(int directory, const char *path, int flags, mode_t mode) { return openat(directory, path, flags, mode); }

/* Record lock over the whole file: type is F_RDLCK, F_WRLCK or F_UNLCK. Returns 0, or -1 with errno. */
static inline int cy_lock(int fd, short type, int wait) {
    struct flock lock;
    memset(&lock, 0, sizeof lock);
    lock.l_type = type;
    lock.l_whence = SEEK_SET;
    return fcntl(fd, wait ? F_SETLKW : F_SETLK, &lock);
}

/* The process that keeps us from the lock: its pid, 0 when it is free, -1 with errno. */
static inline pid_t cy_lock_holder(int fd, short type) {
    struct flock lock;
    memset(&lock, 0, sizeof lock);
    lock.l_type = type;
    lock.l_whence = SEEK_SET;
    if (fcntl(fd, F_GETLK, &lock) < 0) return -1;
    return lock.l_type == F_UNLCK ? 0 : lock.l_pid;
}

/* A lock of one byte that belongs to the open file, not to the process (F_OFD_SETLK): never waits. The header shows the constant
   only to GNU sources. */
static inline int cy_lock_byte(int fd, short type, long long byte) {
    struct flock lock;
    memset(&lock, 0, sizeof lock);
    lock.l_type = type;
    lock.l_whence = SEEK_SET;
    lock.l_start = byte;
    lock.l_len = 1;
    return fcntl(fd, 37 /* F_OFD_SETLK */, &lock);
}

static inline int cy_fcntl_get(int fd, int command) { return fcntl(fd, command); }
static inline int cy_fcntl_set(int fd, int command, int value) { return fcntl(fd, command, value); }

static inline int cy_wifexited(int status) { return WIFEXITED(status); }
static inline int cy_wexitstatus(int status) { return WEXITSTATUS(status); }
static inline int cy_wifsignaled(int status) { return WIFSIGNALED(status); }
static inline int cy_wtermsig(int status) { return WTERMSIG(status); }
static inline int cy_wcoredump(int status) { return WCOREDUMP(status); }

static inline void cy_syslog(int priority, const char *message) { syslog(priority, "%s", message); }

/* Calls that glibc shows only to _GNU_SOURCE, which this header may not set (Swift's Glibc module is built without it). */
/* When the file was made, in unix seconds; 0 where the file system does not say. */
long long cy_birth(const char *path);
int cy_pipe(int ends[2]);
int cy_accept(int listener);
int cy_duplicate(int fd, int minimum);
/* Every descriptor from `first` on becomes close-on-exec. 0, or -1 with errno. */
int cy_close_on_exec_from(unsigned first);
/* The uid of the process at the other end of a unix socket, -1 when unknown. */
long cy_peer_user(int fd);

/* Lets memory that is read soon come into the cache. Any address will do: nothing is read. */
static inline void cy_prefetch(uintptr_t address) { __builtin_prefetch((const void *)address); }

static inline int cy_umask(int mask) { return (int)umask((mode_t)mask); }
static inline void *cy_map_failed(void) { return MAP_FAILED; }

static inline long long cy_mtime_nanoseconds(const struct stat *s) { return s->st_mtim.tv_sec * 1000000000LL + s->st_mtim.tv_nsec; }
static inline long long cy_ctime_nanoseconds(const struct stat *s) { return s->st_ctim.tv_sec * 1000000000LL + s->st_ctim.tv_nsec; }

static inline int cy_getrlimit_nofile(rlim_t *soft, rlim_t *hard) {
    struct rlimit limit;
    int r = getrlimit(RLIMIT_NOFILE, &limit);
    *soft = limit.rlim_cur;
    *hard = limit.rlim_max;
    return r;
}
static inline int cy_setrlimit_nofile(rlim_t soft, rlim_t hard) {
    struct rlimit limit = {soft, hard};
    return setrlimit(RLIMIT_NOFILE, &limit);
}

static inline const char *const *cy_environ(void) {
    extern char **environ;
    return (const char *const *)environ;
}

/* Signals: a caught signal only sets its flag; system calls are interrupted (no SA_RESTART). */
int cy_signal_catch(int signal);
int cy_signal_ignore(int signal);
int cy_signal_default(int signal);
/* Whether the signal came since the last call for it. */
int cy_signal_take(int signal);
/* The kernel sends it to this process when the one that started it has ended. */
int cy_signal_when_parent_ends(int signal);
/* Whether it came, without forgetting it. */
int cy_signal_pending(int signal);
/* The pid that sent the last one (0 unknown). */
int cy_signal_sender(int signal);
/* Block or unblock the signals whose bit (1 << signal) is set; for ppoll windows. */
int cy_signal_block(unsigned long long mask, int block);
/* poll that atomically lets the signals in `unblocked` through. timeout in ms, -1 for ever. */
int cy_ppoll(struct pollfd *fds, unsigned long count, int timeout, unsigned long long unblocked);

/* A child to be: everything is prepared by the parent, so that between fork and exec only async-signal-safe calls run. */
struct cy_spawn {
    const char *path;
    char *const *arguments;   /* NULL-terminated */
    char *const *environment; /* NULL-terminated */
    const int *from;          /* from[i] in the parent becomes to[i] in the child; from -1 closes to[i] */
    const int *to;
    int mappings;
    int close_from;      /* descriptors >= this are closed in the child; -1: leave them (they are close-on-exec) */
    long nofile;         /* soft RLIMIT_NOFILE, 0 to leave it */
    int new_group;       /* 1: own process group; >1: join that group */
    const char *directory; /* NULL to stay */
    unsigned uid, gid;   /* (unsigned)-1 to stay */
};
/* Returns the pid, or -1 with errno. When exec fails the child exits with 71 and *exec_errno is set (waited for through a close-on-exec pipe). */
pid_t cy_spawn_process(const struct cy_spawn *spawn, int *exec_errno);
/* Capabilities outlive the next setuid; then all but CAP_NET_BIND_SERVICE are dropped (children get none). 0, or -1 with errno. */
int cy_keep_capabilities(void);
int cy_only_bind_capability(void);
/* Plain fork for daemonising. */
pid_t cy_fork(void);

/* Passing descriptors over a unix socket is not needed yet; socket addresses are. */
int cy_unix_address(const char *path, struct sockaddr_un *out); /* length of the address, -1 when the path is too long */

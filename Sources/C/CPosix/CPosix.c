#define _GNU_SOURCE
#include "CPosix.h"

#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

static volatile sig_atomic_t pending[65];
static volatile sig_atomic_t senders[65];

static void note(int signal, siginfo_t *info, void *context) {
    (void)context;
    if (signal > 0 && signal <= 64) {
        pending[signal] = 1;
        senders[signal] = info ? info->si_pid : 0;
    }
}

static int set(int signal, void (*plain)(int), int catch) {
    struct sigaction action;
    memset(&action, 0, sizeof action);
    sigemptyset(&action.sa_mask);
    if (catch) {
        action.sa_sigaction = note;
        action.sa_flags = SA_SIGINFO;
    } else {
        action.sa_handler = plain;
    }
    return sigaction(signal, &action, NULL);
}

int cy_signal_catch(int signal) { return set(signal, SIG_DFL, 1); }
int cy_signal_ignore(int signal) { return set(signal, SIG_IGN, 0); }
int cy_signal_default(int signal) { return set(signal, SIG_DFL, 0); }

int cy_signal_when_parent_ends(int signal) { return prctl(PR_SET_PDEATHSIG, signal); }

int cy_signal_take(int signal) {
    int was = pending[signal];
    pending[signal] = 0;
    return was;
}
int cy_signal_pending(int signal) { return pending[signal]; }
int cy_signal_sender(int signal) { return senders[signal]; }

static void fill(sigset_t *set, unsigned long long mask) {
    sigemptyset(set);
    for (int s = 1; s < 64; s++)
        if (mask & (1ULL << s)) sigaddset(set, s);
}

int cy_signal_block(unsigned long long mask, int block) {
    sigset_t set;
    fill(&set, mask);
    return sigprocmask(block ? SIG_BLOCK : SIG_UNBLOCK, &set, NULL);
}

int cy_ppoll(struct pollfd *fds, unsigned long count, int timeout, unsigned long long unblocked) {
    sigset_t set;
    struct timespec wait = {timeout / 1000, (long)(timeout % 1000) * 1000000};
    sigprocmask(SIG_BLOCK, NULL, &set);
    for (int s = 1; s < 64; s++)
        if (unblocked & (1ULL << s)) sigdelset(&set, s);
    return ppoll(fds, count, timeout < 0 ? NULL : &wait, &set);
}

pid_t cy_fork(void) { return fork(); }

int cy_keep_capabilities(void) { return prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0); }

int cy_only_bind_capability(void) {
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2];
    memset(data, 0, sizeof data);
    data[0].effective = data[0].permitted = 1u << CAP_NET_BIND_SERVICE;
    return (int)syscall(SYS_capset, &header, data);
}

pid_t cy_spawn_process(const struct cy_spawn *spawn, int *exec_errno) {
    int channel[2];
    sigset_t all, before;
    if (exec_errno) *exec_errno = 0;
    if (pipe2(channel, O_CLOEXEC) < 0) return -1;
    /* Signals stay blocked across fork so that a handler of the parent never runs in the child. */
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &before);
    pid_t pid = fork();
    if (pid < 0) {
        int saved = errno;
        sigprocmask(SIG_SETMASK, &before, NULL);
        close(channel[0]);
        close(channel[1]);
        errno = saved;
        return -1;
    }
    if (pid == 0) {
        for (int s = 1; s < 32; s++)
            if (s != SIGKILL && s != SIGSTOP && s != SIGPIPE) signal(s, SIG_DFL);
        signal(SIGPIPE, SIG_DFL);
        /* Sources are first moved out of the way of all targets, the error pipe with them. */
        int highest = 64;
        for (int i = 0; i < spawn->mappings; i++)
            if (spawn->to[i] >= highest) highest = spawn->to[i] + 1;
        int report = fcntl(channel[1], F_DUPFD_CLOEXEC, highest);
        if (report < 0) report = channel[1];
        int moved[64];
        for (int i = 0; i < spawn->mappings && i < 64; i++)
            moved[i] = spawn->from[i] < 0 ? -1 : fcntl(spawn->from[i], F_DUPFD_CLOEXEC, highest);
        for (int i = 0; i < spawn->mappings && i < 64; i++) {
            if (moved[i] < 0) {
                close(spawn->to[i]);
            } else {
                dup2(moved[i], spawn->to[i]);
            }
        }
        if (spawn->close_from >= 0)
            for (int fd = spawn->close_from; fd < 65536; fd++) {
                if (fd == report) continue;
                if (close(fd) < 0 && fd > 1024) break;
            }
        if (spawn->new_group) setpgid(0, spawn->new_group > 1 ? spawn->new_group : 0);
        if (spawn->nofile > 0) {
            struct rlimit limit;
            getrlimit(RLIMIT_NOFILE, &limit);
            limit.rlim_cur = (rlim_t)spawn->nofile > limit.rlim_max ? limit.rlim_max : (rlim_t)spawn->nofile;
            setrlimit(RLIMIT_NOFILE, &limit);
        }
        int failed = 0;
        if (spawn->directory && chdir(spawn->directory) < 0) failed = errno;
        if (!failed && spawn->gid != (unsigned)-1 && setgid(spawn->gid) < 0) failed = errno;
        if (!failed && spawn->uid != (unsigned)-1 && setuid(spawn->uid) < 0) failed = errno;
        if (!failed) {
            sigset_t none;
            sigemptyset(&none);
            sigprocmask(SIG_SETMASK, &none, NULL);
            execve(spawn->path, spawn->arguments, spawn->environment);
            failed = errno;
        }
        ssize_t ignored = write(report, &failed, sizeof failed);
        (void)ignored;
        _exit(71);
    }
    sigprocmask(SIG_SETMASK, &before, NULL);
    close(channel[1]);
    int failed = 0;
    ssize_t got;
    do got = read(channel[0], &failed, sizeof failed);
    while (got < 0 && errno == EINTR);
    close(channel[0]);
    if (got == sizeof failed && exec_errno) *exec_errno = failed;
    return pid;
}

int cy_unix_address(const char *path, struct sockaddr_un *out) {
    size_t length = strlen(path);
    memset(out, 0, sizeof *out);
    out->sun_family = AF_UNIX;
    if (length >= sizeof out->sun_path) return -1;
    memcpy(out->sun_path, path, length + 1);
    return (int)(offsetof(struct sockaddr_un, sun_path) + length + 1);
}

int cy_pipe(int ends[2]) { return pipe2(ends, O_CLOEXEC); }
int cy_accept(int listener) { return accept4(listener, NULL, NULL, SOCK_CLOEXEC); }
int cy_duplicate(int fd, int minimum) { return fcntl(fd, F_DUPFD_CLOEXEC, minimum); }
long cy_peer_user(int fd) {
    struct ucred credentials;
    socklen_t length = sizeof credentials;
    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &length) < 0 ? -1 : (long)credentials.uid;
}
int cy_close_on_exec_from(unsigned first) { return (int)syscall(SYS_close_range, first, ~0U, 4 /* CLOSE_RANGE_CLOEXEC */); }

long long cy_birth(const char *path) {
    struct statx status;
    if (statx(AT_FDCWD, path, 0, STATX_BTIME, &status) != 0 || !(status.stx_mask & STATX_BTIME)) return 0;
    return status.stx_btime.tv_sec;
}

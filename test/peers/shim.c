/*
 * Shim: a preload library that stands in for the hypervisor under a daemon of Xen.
 * Holds   domains, ring pages and event channels, as plain files and FIFOs of one folder.
 * Never   models live update, other grants than the ring page, or masked events.
 * Source  our own; the calls are those that the packaged daemons make of Xen's libraries.
 *
 * Environment
 *   XSHIM_DIR          folder of the fake machine's files; required
 *   XSHIM_RUNDIR       paths below /run/xenstored and /var/run/xenstored move here
 *   XSHIM_ALL_DOMAINS  1: every ordinary domid exists, also without a dom-<id> file
 *   XSHIM_AUTO_RING    1: a domain without a ring-<id> file gets a private zeroed page
 *   XSHIM_CLOCK        n: the daemon's monotonic clock runs n times as fast, so that limits
 *                      per second do not slow a comparison down
 *
 * Files of XSHIM_DIR
 *   ring-<domid>       the domain's page, 4096 bytes; ring-0 is made here, others by the guest
 *   dom-<domid>        first word: running, paused, shutdown, crashed or dying
 *   evtchn             FIFO towards the daemon: records of two native u32, domid and remote
 *                      port; { 0xffffffff, 3 } says that some domain's state changed
 *   evtchn-<domid>     FIFO towards the guest: one native u32, the guest's own port; made here
 *                      when the port is bound, unless the guest has made it
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <xenctrl.h>
#include <xenevtchn.h>
#include <xengnttab.h>

#define PAGE 4096
#define FIRST_RESERVED 0x7ff0u
#define VIRQ_DOMID 0xffffffffu
#define MAX_PORTS 8192
#define STALE 0xffffffffu

#define EXPORT __attribute__((visibility("default")))

#define REAL(ret, name, args)                                      \
  static ret(*real_##name) args;                                   \
  if (!real_##name) real_##name = (ret(*) args)dlsym(RTLD_NEXT, #name)

/* ---------------------------------------------------------------- settings and paths */

static int flag(const char *name) {
  const char *v = getenv(name);
  return v && *v && strcmp(v, "0");
}

static char *machine_path(char *buf, const char *what, long id) {
  const char *dir = getenv("XSHIM_DIR");

  if (!dir || dir[0] != '/') {
    fputs("shim: XSHIM_DIR must be an absolute path\n", stderr);
    _exit(97);
  }
  if (id < 0)
    snprintf(buf, PATH_MAX, "%s/%s", dir, what);
  else
    snprintf(buf, PATH_MAX, "%s/%s-%ld", dir, what, id);
  return buf;
}

/* The path as the daemon wants it, moved to XSHIM_RUNDIR where that applies. */
static const char *moved(const char *path, char *buf) {
  static const char *const from[] = {"/var/run/xenstored", "/run/xenstored"};
  const char *to = getenv("XSHIM_RUNDIR");

  if (!path || !to || !*to) return path;
  for (size_t i = 0; i < sizeof(from) / sizeof(*from); i++) {
    size_t n = strlen(from[i]);
    if (!strncmp(path, from[i], n) && (path[n] == 0 || path[n] == '/')) {
      snprintf(buf, PATH_MAX, "%s%s", to, path + n);
      return buf;
    }
  }
  return path;
}

/* ------------------------------------------------------ files that only a dom0 has got */

static int real_open(const char *path, int flags, mode_t mode) {
  REAL(int, open, (const char *, int, ...));
  return real_open(path, flags, mode);
}

static int ring_fd(long domid, int create) {
  char p[PATH_MAX];
  struct stat st;
  int fd = real_open(machine_path(p, "ring", domid), O_RDWR | O_CLOEXEC | (create ? O_CREAT : 0),
                     0666);

  if (fd < 0) return -1;
  if (!fstat(fd, &st) && (st.st_size >= PAGE || !ftruncate(fd, PAGE))) return fd;
  close(fd);
  return -1;
}

/* The file that tells dom0's port: always port 1. */
static int port_fd(void) {
  int fd = memfd_create("xsd_port", MFD_CLOEXEC);

  if (fd >= 0 && (write(fd, "1", 1) != 1 || lseek(fd, 0, SEEK_SET) < 0)) abort();
  return fd;
}

static int ends_with(const char *s, const char *end) {
  size_t a = strlen(s), b = strlen(end);
  return a >= b && !strcmp(s + a - b, end);
}

static int shim_open(const char *path, int flags, mode_t mode) {
  char buf[PATH_MAX];

  if (path && ends_with(path, "/xsd_kva")) return ring_fd(0, 1);
  if (path && ends_with(path, "/xsd_port")) return port_fd();
  return real_open(moved(path, buf), flags, mode);
}

#define MODE_ARGUMENT                   \
  mode_t mode = 0;                      \
  if (flags & (O_CREAT | __O_TMPFILE)) { \
    va_list ap;                         \
    va_start(ap, flags);                \
    mode = va_arg(ap, mode_t);          \
    va_end(ap);                         \
  }

EXPORT int open(const char *path, int flags, ...) {
  MODE_ARGUMENT
  return shim_open(path, flags, mode);
}

EXPORT int open64(const char *path, int flags, ...) {
  MODE_ARGUMENT
  return shim_open(path, flags | O_LARGEFILE, mode);
}

EXPORT int unlink(const char *path) {
  char buf[PATH_MAX];
  REAL(int, unlink, (const char *));
  return real_unlink(moved(path, buf));
}

EXPORT int mkdir(const char *path, mode_t mode) {
  char buf[PATH_MAX];
  REAL(int, mkdir, (const char *, mode_t));
  return real_mkdir(moved(path, buf), mode);
}

EXPORT int chmod(const char *path, mode_t mode) {
  char buf[PATH_MAX];
  REAL(int, chmod, (const char *, mode_t));
  return real_chmod(moved(path, buf), mode);
}

EXPORT int bind(int fd, const struct sockaddr *addr, socklen_t len) {
  const size_t head = offsetof(struct sockaddr_un, sun_path);
  struct sockaddr_un un = {.sun_family = AF_UNIX};
  char path[sizeof(un.sun_path) + 1] = "", buf[PATH_MAX];
  const char *to;
  REAL(int, bind, (int, const struct sockaddr *, socklen_t));

  if (!addr || addr->sa_family != AF_UNIX || len <= head || len > sizeof(un))
    return real_bind(fd, addr, len);
  memcpy(path, ((const struct sockaddr_un *)addr)->sun_path, len - head);
  to = moved(path, buf);
  if (to == path) return real_bind(fd, addr, len);
  if (strlen(to) >= sizeof(un.sun_path)) {
    errno = ENAMETOOLONG;
    return -1;
  }
  strcpy(un.sun_path, to);
  return real_bind(fd, (void *)&un, sizeof(un));
}

/* A container may not let root raise the hard limit: then what there is must do. */
EXPORT int setrlimit(__rlimit_resource_t res, const struct rlimit *rl) {
  struct rlimit now, want = *rl;
  REAL(int, setrlimit, (__rlimit_resource_t, const struct rlimit *));

  if (!real_setrlimit(res, &want)) return 0;
  if (getrlimit(res, &now) < 0) return -1;
  if (want.rlim_max > now.rlim_max) want.rlim_max = now.rlim_max;
  if (want.rlim_cur > want.rlim_max) want.rlim_cur = want.rlim_max;
  real_setrlimit(res, &want);
  return 0;
}

/* ------------------------------------------------------------------------- the clock */

static long clock_factor(void) {
  static long factor;

  if (!factor) {
    const char *v = getenv("XSHIM_CLOCK");
    factor = v ? atol(v) : 1;
    if (factor < 1) factor = 1;
  }
  return factor;
}

EXPORT int clock_gettime(clockid_t id, struct timespec *ts) {
  REAL(int, clock_gettime, (clockid_t, struct timespec *));
  int r = real_clock_gettime(id, ts);

  if (!r && id == CLOCK_MONOTONIC && clock_factor() > 1) {
    __int128 ns = ((__int128)ts->tv_sec * 1000000000 + ts->tv_nsec) * clock_factor();
    ts->tv_sec = (time_t)(ns / 1000000000);
    ts->tv_nsec = (long)(ns % 1000000000);
  }
  return r;
}

EXPORT int poll(struct pollfd *fds, nfds_t n, int timeout) {
  REAL(int, poll, (struct pollfd *, nfds_t, int));

  if (timeout > 0) timeout = (int)((timeout + clock_factor() - 1) / clock_factor());
  return real_poll(fds, n, timeout);
}

/* --------------------------------------------------------------------------- domains */

enum { EXISTS = 1, SHUTDOWN = 2, DYING = 4, CRASHED = 8, PAUSED = 16 };

static unsigned int domain_state(uint32_t domid) {
  char p[PATH_MAX], word[32] = "";
  int fd;

  if (domid >= FIRST_RESERVED) return 0;
  if (domid == 0) return EXISTS;
  fd = real_open(machine_path(p, "dom", domid), O_RDONLY | O_CLOEXEC, 0);
  if (fd < 0) return flag("XSHIM_ALL_DOMAINS") ? EXISTS : 0;
  if (read(fd, word, sizeof(word) - 1) < 0) word[0] = 0;
  close(fd);
  if (!strncmp(word, "dying", 5)) return EXISTS | SHUTDOWN | DYING;
  if (!strncmp(word, "shutdown", 8)) return EXISTS | SHUTDOWN;
  if (!strncmp(word, "crashed", 7)) return EXISTS | SHUTDOWN | CRASHED;
  if (!strncmp(word, "paused", 6)) return EXISTS | PAUSED;
  return EXISTS;
}

static char handle[16];

EXPORT xc_interface *xc_interface_open(xentoollog_logger *l, xentoollog_logger *d,
                                       unsigned flags) {
  (void)l, (void)d, (void)flags;
  return (xc_interface *)handle;
}

EXPORT int xc_interface_close(xc_interface *xch) {
  (void)xch;
  return 0;
}

/* What the C daemon asks: the first existing domain from `first` on. */
EXPORT int xc_domain_getinfo(xc_interface *xch, uint32_t first, unsigned int max,
                             xc_dominfo_t *info) {
  (void)xch;
  for (uint32_t d = first; d < FIRST_RESERVED && max > 0; d++) {
    unsigned int s = domain_state(d);
    if (!s) continue;
    memset(info, 0, sizeof(*info));
    info->domid = d;
    info->dying = !!(s & DYING);
    info->shutdown = (s & SHUTDOWN) && !(s & CRASHED);
    info->crashed = !!(s & CRASHED);
    info->paused = !!(s & PAUSED);
    info->running = !(s & (DYING | SHUTDOWN | PAUSED));
    info->shutdown_reason = (s & CRASHED) ? 3 : 0;
    return 1;
  }
  errno = ESRCH;
  return -1;
}

/* What the OCaml daemon asks: the same in the hypervisor's own form. */
EXPORT int xc_domain_getinfolist(xc_interface *xch, uint32_t first, unsigned int max,
                                 xc_domaininfo_t *info) {
  (void)xch;
  for (uint32_t d = first; d < FIRST_RESERVED && max > 0; d++) {
    unsigned int s = domain_state(d);
    if (!s) continue;
    memset(info, 0, sizeof(*info));
    info->domain = d;
    if (s & DYING) info->flags |= XEN_DOMINF_dying;
    if (s & SHUTDOWN)
      info->flags |= XEN_DOMINF_shutdown | ((s & CRASHED ? 3u : 0u) << XEN_DOMINF_shutdownshift);
    if (s & PAUSED) info->flags |= XEN_DOMINF_paused;
    return 1;
  }
  return 0;
}

/* ---------------------------------------------------------------------- shared pages */

static void *map_ring(uint32_t domid) {
  int fd = ring_fd(domid, domid == 0);
  void *p;

  if (fd >= 0) {
    p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
  } else if (flag("XSHIM_AUTO_RING") && domain_state(domid)) {
    p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  } else {
    errno = EINVAL;
    return NULL;
  }
  return p == MAP_FAILED ? NULL : p;
}

EXPORT xengnttab_handle *xengnttab_open(xentoollog_logger *l, unsigned flags) {
  (void)l, (void)flags;
  return (xengnttab_handle *)handle;
}

EXPORT int xengnttab_close(xengnttab_handle *h) {
  (void)h;
  return 0;
}

EXPORT int xengnttab_set_max_grants(xengnttab_handle *h, uint32_t nr) {
  (void)h, (void)nr;
  return 0;
}

EXPORT void *xengnttab_map_grant_ref(xengnttab_handle *h, uint32_t domid, uint32_t ref,
                                     int prot) {
  (void)h, (void)ref, (void)prot;
  return map_ring(domid);
}

EXPORT int xengnttab_unmap(xengnttab_handle *h, void *addr, uint32_t count) {
  (void)h;
  return munmap(addr, (size_t)count * PAGE);
}

EXPORT void *xc_map_foreign_range(xc_interface *xch, uint32_t domid, int size, int prot,
                                  unsigned long mfn) {
  (void)xch, (void)size, (void)prot, (void)mfn;
  return map_ring(domid);
}

/* -------------------------------------------------------------------- event channels */

struct port {
  int used;
  int fd;          /* FIFO towards the guest, -1: not open */
  uint32_t domid;  /* VIRQ_DOMID for a virtual interrupt */
  uint32_t remote; /* STALE: a forgotten binding */
};

struct channels {
  int fd;
  struct port port[MAX_PORTS];
};

static struct channels *of(xenevtchn_handle *h) { return (struct channels *)h; }

EXPORT xenevtchn_handle *xenevtchn_open(xentoollog_logger *l, unsigned flags) {
  struct channels *x = calloc(1, sizeof(*x));
  char p[PATH_MAX];

  (void)l, (void)flags;
  machine_path(p, "evtchn", -1);
  if (!x || (mkfifo(p, 0666) < 0 && errno != EEXIST)) return NULL;
  /* Both ends are opened here: no end of file when a guest leaves. */
  x->fd = real_open(p, O_RDWR | O_NONBLOCK, 0);
  return x->fd < 0 ? NULL : (xenevtchn_handle *)x;
}

EXPORT int xenevtchn_close(xenevtchn_handle *h) {
  if (!h) return 0;
  close(of(h)->fd);
  free(h);
  return 0;
}

EXPORT int xenevtchn_fd(xenevtchn_handle *h) { return of(h)->fd; }

static int new_port(struct channels *x, uint32_t domid, uint32_t remote) {
  for (int i = 1; i < MAX_PORTS; i++) {
    if (x->port[i].used) continue;
    x->port[i] = (struct port){1, -1, domid, remote};
    return i;
  }
  errno = ENOSPC;
  return -1;
}

EXPORT xenevtchn_port_or_error_t xenevtchn_bind_interdomain(xenevtchn_handle *h, uint32_t domid,
                                                            evtchn_port_t remote) {
  char path[PATH_MAX];

  if (!domain_state(domid)) {
    errno = ESRCH;
    return -1;
  }
  if (mkfifo(machine_path(path, "evtchn", domid), 0666) < 0 && errno != EEXIST) return -1;
  /* A port dies with its domain; here a domid may come back, and then the newest counts. */
  for (int i = 1; i < MAX_PORTS; i++)
    if (of(h)->port[i].used && of(h)->port[i].domid == domid && of(h)->port[i].remote == remote)
      of(h)->port[i].remote = STALE;
  return new_port(of(h), domid, remote);
}

EXPORT xenevtchn_port_or_error_t xenevtchn_bind_virq(xenevtchn_handle *h, unsigned int virq) {
  return new_port(of(h), VIRQ_DOMID, virq);
}

static struct port *port_of(xenevtchn_handle *h, evtchn_port_t port) {
  if (port > 0 && port < MAX_PORTS && of(h)->port[port].used) return &of(h)->port[port];
  errno = ENOTCONN;
  return NULL;
}

EXPORT int xenevtchn_unbind(xenevtchn_handle *h, evtchn_port_t port) {
  struct port *p = port_of(h, port);

  if (!p) return -1;
  if (p->fd >= 0) close(p->fd);
  p->used = 0;
  return 0;
}

EXPORT int xenevtchn_notify(xenevtchn_handle *h, evtchn_port_t port) {
  struct port *p = port_of(h, port);
  char path[PATH_MAX];

  if (!p) return -1;
  if (p->domid == VIRQ_DOMID) return 0;
  if (p->fd < 0)
    p->fd = real_open(machine_path(path, "evtchn", p->domid), O_RDWR | O_NONBLOCK | O_CLOEXEC, 0);
  /* A full FIFO means that the guest has not looked at an earlier event yet. */
  if (p->fd >= 0 && write(p->fd, &p->remote, 4) < 0 && errno != EAGAIN) return -1;
  return 0;
}

EXPORT xenevtchn_port_or_error_t xenevtchn_pending(xenevtchn_handle *h) {
  uint32_t rec[2];
  ssize_t n;

  do n = read(of(h)->fd, rec, sizeof(rec));
  while (n < 0 && errno == EINTR);
  if (n != sizeof(rec)) return -1;
  for (int i = 1; i < MAX_PORTS; i++)
    if (of(h)->port[i].used && of(h)->port[i].domid == rec[0] && of(h)->port[i].remote == rec[1])
      return i;
  return 0;
}

EXPORT int xenevtchn_unmask(xenevtchn_handle *h, evtchn_port_t port) {
  (void)h, (void)port;
  return 0;
}

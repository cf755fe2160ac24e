/*
** The C library can print, so it asks for files even though nothing prints. These
** take the place of its imports: there are no files, and no function of the host
** for them.
*/

#define ENOSYS	52

int __imported_wasi_snapshot_preview1_fd_close (int fd) {
  (void)fd;
  return ENOSYS;
}

int __imported_wasi_snapshot_preview1_fd_read (int fd, int iovs, int n, int read) {
  (void)fd; (void)iovs; (void)n; (void)read;
  return ENOSYS;
}

int __imported_wasi_snapshot_preview1_fd_write (int fd, int iovs, int n, int written) {
  (void)fd; (void)iovs; (void)n; (void)written;
  return ENOSYS;
}

int __imported_wasi_snapshot_preview1_fd_seek (int fd, long long to, int whence, int at) {
  (void)fd; (void)to; (void)whence; (void)at;
  return ENOSYS;
}

/* there are no signals */
typedef int sig_atomic_t;

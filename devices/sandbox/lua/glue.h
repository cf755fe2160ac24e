/* What the files of the guest offer one another. */
#ifndef glue_h
#define glue_h

#include "lua.h"

/* what the host is asked for; the numbers are known to src/lua/calls.rs */
enum oxb_ask {
  ASK_DISCARD = 0,  /* what was sent out is not meant */
  ASK_PRINT = 1,    /* a text */
  ASK_RESOLVE = 16, /* ao.resolve: how many arguments, and they */
  ASK_GET = 17,     /* ao.get */
  ASK_SET = 18,     /* ao.set */
  ASK_EVENT = 19    /* ao.event */
};

/* seconds since 1970, as the caller says */
extern double oxb_now;

/* pushes the four functions of `ao` as fields of the table on top */
void ao_install (lua_State *L);
/* opens the libraries that scripts may use */
void libraries_open (lua_State *L);
/* catches an error on its way to the host: writes text and trace, returns the error */
int trace_handler (lua_State *L);
/* the name by which the host called the function */
extern const char *trace_called;
/* where the arguments lie when there is no such function, or 0 */
extern int trace_missing;

int oxb_rand (void);
void oxb_srand (unsigned int seed);
int oxb_print (lua_State *L);

#endif

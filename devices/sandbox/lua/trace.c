/*
** Errors on their way to the host.
**
** Written are the text of the error, then for each function that ran, from the
** innermost, `f`, its name, its line as `chunk:line`, and its arguments, each
** list ended by `e`. Source: spec 14, section 7.
*/

#include "glue.h"

#include <string.h>

#include "border.h"
#include "lauxlib.h"

/* how many functions a trace shows */
#define FRAMES		32
/* how many arguments of each */
#define ARGUMENTS	16

const char *trace_called = NULL;
int trace_missing = 0;


static void putname (lua_Debug *ar, int outermost) {
  if (ar->name != NULL && !(outermost && trace_called != NULL))
    border_text(ar->name, strlen(ar->name));
  else if (outermost && trace_called != NULL)
    border_text(trace_called, strlen(trace_called));
  else border_byte('n');
}


static void putline (lua_State *L, lua_Debug *ar) {
  size_t size;
  if (ar->currentline < 0) {
    border_byte('n');
    return;
  }
  lua_pushfstring(L, "%s:%d", (*ar->source == '=' || *ar->source == '@')
                              ? ar->source + 1 : ar->short_src, ar->currentline);
  lua_tolstring(L, -1, &size);
  border_text(lua_tostring(L, -1), size);
  lua_pop(L, 1);
}


static void putarguments (lua_State *L, lua_Debug *ar) {
  int i;
  int n = (*ar->what == 'C') ? ARGUMENTS : ar->nparams;
  for (i = 1; i <= n && i <= ARGUMENTS && lua_getlocal(L, ar, i); i++) {
    border_encode(L, -1, BORDER_LOSSY);
    lua_pop(L, 1);
  }
  border_byte('e');
}


/* the function that the host wanted is not there: no name, and the host's arguments */
static void putmissing (lua_State *L) {
  lua_Debug run;
  int i;
  static const char line[] = "-no-file-:1";
  if (!lua_getstack(L, 1, &run)) return;
  border_byte('f');
  border_byte('F');
  border_text(line, sizeof(line) - 1);
  for (i = trace_missing; i < trace_missing + ARGUMENTS && lua_getlocal(L, &run, i); i++) {
    border_encode(L, -1, BORDER_LOSSY);
    lua_pop(L, 1);
  }
  border_byte('e');
}


int trace_handler (lua_State *L) {
  lua_Debug ar, caller;
  size_t size;
  int level;
  int cramped = !lua_checkstack(L, 1000);  /* is the stack what overflowed? */
  border_discard();
  border_lossy_budget();
  luaL_tolstring(L, 1, NULL);
  lua_tolstring(L, -1, &size);
  border_text(lua_tostring(L, -1), size);
  /* level 0 is this function, the last one is 'run' */
  for (level = 1; level <= FRAMES && lua_getstack(L, level, &ar); level++) {
    int outermost;
    if (!lua_getstack(L, level + 1, &caller)) break;
    outermost = !lua_getstack(L, level + 2, &caller);
    lua_getinfo(L, "nSlu", &ar);
    border_byte('f');
    putname(&ar, outermost);
    putline(L, &ar);
    if (cramped) border_byte('e');
    else putarguments(L, &ar);
  }
  if (trace_missing > 0 && level == 1) putmissing(L);
  border_byte('e');
  lua_settop(L, 1);
  return 1;
}

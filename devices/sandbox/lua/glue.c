/* What the host calls. One Lua state per instance; everything is in its memory. */

#include "glue.h"

#include <stdlib.h>
#include <string.h>

#include "border.h"
#include "lauxlib.h"
#include "lualib.h"

/* what the host asks for; the numbers are known to src/lua/calls.rs */
enum operation {
  RUN_LOAD = 1,      /* name, source: compiles and runs a chunk */
  RUN_CALL = 2,      /* flags, time, name, arguments: calls a global function */
  RUN_FUNCTIONS = 3, /* nothing: names of global functions */
  RUN_SANDBOX = 4,   /* pairs of path and value: replaces globals */
  RUN_AO = 5,        /* nothing: installs `ao` */
  RUN_EXPORT = 6,    /* nothing: the kept table in full */
  RUN_FORGET = 7,    /* nothing: no table is kept any more */
  RUN_SEED = 8       /* a number: where random numbers start */
};

/* how an operation ended */
enum ending {
  ENDED_WELL = 0,
  ENDED_IN_ERROR = 1,     /* a text and a trace were written */
  ENDED_OUT_OF_MEMORY = 2
};

/* flags of RUN_CALL */
#define CALL_KEEP	1u  /* keep the last result, if it is a table */

double oxb_now = 0;

static lua_State *state = NULL;


static void *allocate (void *ud, void *block, size_t osize, size_t nsize) {
  (void)ud; (void)osize;
  if (nsize == 0) {
    free(block);
    return NULL;
  }
  return realloc(block, nsize);
}


/* reads a text and pushes it, for functions that want it terminated */
static const char *pushtext (lua_State *L, Reader *r) {
  size_t size;
  const char *text = border_read_text(L, r, &size);
  return lua_pushlstring(L, text, size);
}


static void runload (lua_State *L, Reader *r) {
  size_t size;
  const char *name = pushtext(L, r);
  const char *source = border_read_text(L, r, &size);
  name = lua_pushfstring(L, "=%s", name);
  if (luaL_loadbufferx(L, source, size, name, "t") != LUA_OK) lua_error(L);
  lua_call(L, 0, 0);
}


/* writes the last result and keeps its table, so that later only changes cross */
static void writekept (lua_State *L, int index) {
  int same;
  lua_getfield(L, LUA_REGISTRYINDEX, BORDER_KEPT);
  same = lua_rawequal(L, -1, index);
  lua_pop(L, 1);
  if (same) border_changes(L);
  else border_forget(L);
  border_encode(L, index, BORDER_KEEP);
  lua_pushvalue(L, index);
  lua_setfield(L, LUA_REGISTRYINDEX, BORDER_KEPT);
}


static void runcall (lua_State *L, Reader *r) {
  unsigned int flags = border_read_u32(L, r);
  unsigned int i, n;
  int results;
  oxb_now = border_read_f64(L, r);
  trace_called = pushtext(L, r);
  lua_getglobal(L, trace_called);
  if (lua_isnil(L, -1)) trace_missing = lua_gettop(L) + 1;
  n = border_read_u32(L, r);
  luaL_checkstack(L, (int)n, "too many arguments");
  for (i = 0; i < n; i++) border_decode(L, r);
  results = lua_gettop(L) - (int)n;  /* the function, then its results */
  lua_call(L, (int)n, LUA_MULTRET);
  n = (unsigned int)(lua_gettop(L) - results + 1);
  for (i = 0; i < n; i++) {
    int index = results + (int)i;
    if ((flags & CALL_KEEP) && i + 1 == n && lua_istable(L, index))
      writekept(L, index);
    else border_encode(L, index, BORDER_PLAIN);
  }
  /* what was kept may have changed, and no result tells the host how */
  if ((flags & CALL_KEEP) && (n == 0 || !lua_istable(L, -1))) border_forget(L);
}


static void runfunctions (lua_State *L) {
  lua_pushglobaltable(L);
  lua_pushnil(L);
  while (lua_next(L, -2)) {
    if (lua_isfunction(L, -1) && lua_type(L, -2) == LUA_TSTRING)
      border_encode(L, -2, BORDER_PLAIN);
    lua_pop(L, 1);
  }
}


/* replaces what a path such as `os.exit` leads to; a path to nowhere is nothing */
static void replace (lua_State *L, const char *path) {
  const char *dot;
  lua_pushglobaltable(L);
  while ((dot = strchr(path, '.')) != NULL && lua_istable(L, -1)) {
    lua_pushlstring(L, path, (size_t)(dot - path));
    lua_rawget(L, -2);
    lua_remove(L, -2);
    path = dot + 1;
  }
  if (lua_istable(L, -1)) {
    lua_pushstring(L, path);
    lua_pushvalue(L, -3);
    lua_rawset(L, -3);
  }
  lua_pop(L, 1);
}


static void runsandbox (lua_State *L, Reader *r) {
  unsigned int n = border_read_u32(L, r);
  while (n-- > 0) {
    const char *path = pushtext(L, r);
    border_decode(L, r);
    replace(L, path);
    lua_pop(L, 2);
  }
}


/* a table that the script made is copied: what kept the old one does not see `ao` */
static void runao (lua_State *L) {
  lua_newtable(L);
  if (lua_getglobal(L, "ao") == LUA_TTABLE) {
    lua_pushnil(L);
    while (lua_next(L, -2)) {
      lua_pushvalue(L, -2);
      lua_insert(L, -2);
      lua_rawset(L, -5);
    }
  }
  lua_pop(L, 1);
  ao_install(L);
  lua_setglobal(L, "ao");
}


static void runexport (lua_State *L) {
  lua_getfield(L, LUA_REGISTRYINDEX, BORDER_KEPT);
  border_encode(L, -1, BORDER_PLAIN);
}


typedef struct Run {
  int operation;
  Reader reader;
} Run;


static int run (lua_State *L) {
  Run *r = (Run *)lua_touserdata(L, 1);
  lua_settop(L, 0);
  switch (r->operation) {
    case RUN_LOAD: runload(L, &r->reader); break;
    case RUN_CALL: runcall(L, &r->reader); break;
    case RUN_FUNCTIONS: runfunctions(L); break;
    case RUN_SANDBOX: runsandbox(L, &r->reader); break;
    case RUN_AO: runao(L); break;
    case RUN_EXPORT: runexport(L); break;
    case RUN_FORGET: border_forget(L); break;
    case RUN_SEED: oxb_srand((unsigned int)border_read_i64(L, &r->reader)); break;
    default: luaL_error(L, "the host asked for an unknown operation");
  }
  return 0;
}


static int open (lua_State *L) {
  border_open(L);
  libraries_open(L);
  return 0;
}


/* makes the state; 0 when it is ready */
OXB_EXPORT("oxb_new") int oxb_new (void) {
  state = lua_newstate(allocate, NULL);
  if (state == NULL) return ENDED_OUT_OF_MEMORY;
  lua_pushcfunction(state, open);
  return lua_pcall(state, 0, 0, 0) == LUA_OK ? ENDED_WELL : ENDED_OUT_OF_MEMORY;
}


/* runs an operation on `size` bytes that the host holds ready; answers how it ended */
OXB_EXPORT("oxb_run") int oxb_run (int operation, unsigned int size) {
  lua_State *L = state;
  Run r;
  int status;
  char *bytes = (char *)malloc(size + 1);
  if (bytes == NULL) return ENDED_OUT_OF_MEMORY;
  rt_take(bytes);
  r.operation = operation;
  r.reader.at = bytes;
  r.reader.end = bytes + size;
  trace_called = NULL;
  trace_missing = 0;
  lua_settop(L, 0);
  lua_pushcfunction(L, trace_handler);
  lua_pushcfunction(L, run);
  lua_pushlightuserdata(L, &r);
  status = lua_pcall(L, 1, 0, 1);
  lua_settop(L, 0);
  free(bytes);
  if (status == LUA_OK) {
    border_flush();
    return ENDED_WELL;
  }
  if (operation == RUN_CALL) border_forget(L);
  if (status == LUA_ERRMEM) border_discard();
  else border_flush();
  return status == LUA_ERRMEM ? ENDED_OUT_OF_MEMORY : ENDED_IN_ERROR;
}

/* The library `ao`: every call asks the host. Source: spec 14, section 5. */

#include "glue.h"

#include "border.h"
#include "lauxlib.h"


/* sends the arguments out and pushes what the host answers */
static int ask (lua_State *L, int what) {
  Reader r;
  int i, size, n = lua_gettop(L);
  char *answer;
  border_discard();
  border_u32((unsigned int)n);
  for (i = 1; i <= n; i++) border_encode(L, i, BORDER_PLAIN);
  border_flush();
  size = rt_ask(what);
  lua_settop(L, 0);
  answer = (char *)lua_newuserdata(L, (size_t)size + 1);
  rt_take(answer);
  r.at = answer;
  r.end = answer + size;
  while (r.at < r.end) {
    if (*r.at == 'x') {  /* an error, with its text */
      r.at++;
      border_decode(L, &r);
      return lua_error(L);
    }
    border_decode(L, &r);
  }
  return lua_gettop(L) - 1;
}

static int ao_resolve (lua_State *L) {
  luaL_checkany(L, 1);
  return ask(L, ASK_RESOLVE);
}

static int ao_get (lua_State *L) {
  luaL_checkany(L, 2);
  return ask(L, ASK_GET);
}

static int ao_set (lua_State *L) {
  luaL_checkany(L, 2);
  return ask(L, ASK_SET);
}

static int ao_event (lua_State *L) {
  luaL_checkany(L, 1);
  return ask(L, ASK_EVENT);
}


static const luaL_Reg functions[] = {
  {"event", ao_event},
  {"get", ao_get},
  {"resolve", ao_resolve},
  {"set", ao_set},
  {NULL, NULL}
};

void ao_install (lua_State *L) {
  luaL_setfuncs(L, functions, 0);
}

/*
** The libraries that scripts may use, where they differ from Lua's own: nothing
** reads a clock, a file or the environment. Time is what the caller says, and
** random numbers follow from a seed.
*/

#include "glue.h"

#include <string.h>
#include <time.h>

#include "border.h"
#include "lauxlib.h"
#include "lualib.h"


/*
** Random numbers: xorshift64*, whose state lies in memory and so in snapshots.
*/

#define SEED	0x9e3779b97f4a7c15u

static unsigned long long random_state = SEED;

int oxb_rand (void) {
  random_state ^= random_state >> 12;
  random_state ^= random_state << 25;
  random_state ^= random_state >> 27;
  return (int)((random_state * 0x2545f4914f6cdd1du) >> 33);
}

void oxb_srand (unsigned int seed) {
  random_state = (SEED ^ seed) * 0xd1342543de82ef95u;
  if (random_state == 0) random_state = SEED;
}


/*
** Output goes to the host, which may log it.
*/

static void sendout (lua_State *L) {
  size_t size;
  const char *text = lua_tolstring(L, -1, &size);
  border_discard();
  border_text(text, size);
  border_flush();
  rt_ask(ASK_PRINT);
}

int oxb_print (lua_State *L) {
  int i, n = lua_gettop(L);
  luaL_Buffer b;
  luaL_buffinit(L, &b);
  for (i = 1; i <= n; i++) {
    if (i > 1) luaL_addchar(&b, '\t');
    luaL_tolstring(L, i, NULL);
    luaL_addvalue(&b);
  }
  luaL_pushresult(&b);
  sendout(L);
  return 0;
}

static int io_write (lua_State *L) {
  int i, n = lua_gettop(L);
  for (i = 1; i <= n; i++) luaL_checkstring(L, i);
  lua_concat(L, n);
  sendout(L);
  return 0;
}

static const luaL_Reg io_functions[] = {{"write", io_write}, {NULL, NULL}};


/*
** os
*/

static lua_Integer field (lua_State *L, const char *key, lua_Integer preset) {
  lua_Integer value;
  int isnumber;
  int type = lua_getfield(L, 1, key);
  value = lua_tointegerx(L, -1, &isnumber);
  if (!isnumber) {
    if (type != LUA_TNIL) luaL_error(L, "field '%s' is not an integer", key);
    if (preset < 0) luaL_error(L, "field '%s' missing in date table", key);
    value = preset;
  }
  if (value < -1000000000 || value > 1000000000)
    luaL_error(L, "field '%s' is out-of-bound", key);
  lua_pop(L, 1);
  return value;
}

/* days since 1970 of a date whose month may be any number, counted from 0 */
static lua_Integer days (lua_Integer year, lua_Integer month, lua_Integer day) {
  lua_Integer era, yoe, doy;
  year += month / 12;
  month %= 12;
  if (month < 0) { month += 12; year--; }
  if (month < 2) year--;
  era = (year >= 0 ? year : year - 399) / 400;
  yoe = year - era * 400;
  doy = (153 * (month + (month > 1 ? -2 : 10)) + 2) / 5;
  return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468 + day - 1;
}

static int os_time (lua_State *L) {
  lua_Integer date, seconds;
  if (lua_isnoneornil(L, 1)) {
    lua_pushnumber(L, oxb_now);
    return 1;
  }
  luaL_checktype(L, 1, LUA_TTABLE);
  date = days(field(L, "year", -1), field(L, "month", -1) - 1, field(L, "day", -1));
  seconds = field(L, "hour", 12) * 3600 + field(L, "min", 0) * 60 + field(L, "sec", 0);
  lua_pushinteger(L, date * 86400 + seconds);
  return 1;
}

static int os_clock (lua_State *L) {
  lua_pushnumber(L, 0);
  return 1;
}

static int os_difftime (lua_State *L) {
  lua_pushnumber(L, luaL_checknumber(L, 1) - luaL_optnumber(L, 2, 0));
  return 1;
}

static void setfield (lua_State *L, const char *key, int value) {
  lua_pushinteger(L, value);
  lua_setfield(L, -2, key);
}

static void pushdate (lua_State *L, const struct tm *tm) {
  lua_createtable(L, 0, 9);
  setfield(L, "sec", tm->tm_sec);
  setfield(L, "min", tm->tm_min);
  setfield(L, "hour", tm->tm_hour);
  setfield(L, "day", tm->tm_mday);
  setfield(L, "month", tm->tm_mon + 1);
  setfield(L, "year", tm->tm_year + 1900);
  setfield(L, "wday", tm->tm_wday + 1);
  setfield(L, "yday", tm->tm_yday + 1);
  lua_pushboolean(L, 0);
  lua_setfield(L, -2, "isdst");
}

/* the only time zone is UTC */
static int os_date (lua_State *L) {
  size_t size;
  const char *s = luaL_optlstring(L, 1, "%c", &size);
  const char *end = s + size;
  lua_Number when = luaL_optnumber(L, 2, oxb_now);
  time_t t = (when >= -6e16 && when <= 6e16) ? (time_t)when : 0;
  struct tm tm;
  luaL_Buffer b;
  if (*s == '!') s++;
  if (!(when >= -6e16 && when <= 6e16) || gmtime_r(&t, &tm) == NULL)
    return luaL_error(L, "time result cannot be represented");
  if (strncmp(s, "*t", 2) == 0) {
    pushdate(L, &tm);
    return 1;
  }
  luaL_buffinit(L, &b);
  for (; s < end; s++) {
    char form[3] = {'%', 0, 0};
    if (*s != '%') luaL_addchar(&b, *s);
    else {
      char *room = luaL_prepbuffsize(&b, 250);
      form[1] = *++s;
      if (form[1] == 0 || strchr("aAbBcdDeFgGhHIjmMnprRStTuUVwWxXyYzZ%", form[1]) == NULL)
        return luaL_error(L, "invalid conversion specifier '%%%s'", form + 1);
      luaL_addsize(&b, strftime(room, 250, form, &tm));
    }
  }
  luaL_pushresult(&b);
  return 1;
}

static int os_getenv (lua_State *L) {
  luaL_checkstring(L, 1);
  lua_pushnil(L);
  return 1;
}

static int os_refused (lua_State *L) {
  return luaL_error(L, "the sandbox has no operating system");
}

static const luaL_Reg os_functions[] = {
  {"clock", os_clock},
  {"date", os_date},
  {"difftime", os_difftime},
  {"execute", os_refused},
  {"exit", os_refused},
  {"getenv", os_getenv},
  {"remove", os_refused},
  {"rename", os_refused},
  {"time", os_time},
  {"tmpname", os_refused},
  {NULL, NULL}
};


/*
** package: what a script put into `package.loaded` or `package.preload`
*/

static int require (lua_State *L) {
  const char *name = luaL_checkstring(L, 1);
  lua_settop(L, 1);
  lua_getfield(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  lua_getfield(L, 2, name);
  if (lua_toboolean(L, -1)) return 1;
  lua_pop(L, 1);
  if (lua_getfield(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE) != LUA_TTABLE ||
      lua_getfield(L, -1, name) == LUA_TNIL)
    return luaL_error(L, "module '%s' not found", name);
  lua_pushvalue(L, 1);
  lua_call(L, 1, 1);
  if (lua_isnil(L, -1)) {
    lua_getfield(L, 2, name);
    if (lua_isnil(L, -1)) lua_pushboolean(L, 1);
  }
  lua_pushvalue(L, -1);
  lua_setfield(L, 2, name);
  return 1;
}

static int openpackage (lua_State *L) {
  lua_newtable(L);
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  lua_setfield(L, -2, "loaded");
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
  lua_setfield(L, -2, "preload");
  lua_pushliteral(L, "/\n;\n?\n!\n-\n");
  lua_setfield(L, -2, "config");
  lua_pushliteral(L, "");
  lua_setfield(L, -2, "path");
  lua_register(L, "require", require);
  return 1;
}

static int openos (lua_State *L) {
  luaL_newlib(L, os_functions);
  return 1;
}

static int openio (lua_State *L) {
  luaL_newlib(L, io_functions);
  return 1;
}

/* what could reach behind the values that scripts share stays out */
static int opendebug (lua_State *L) {
  static const char *const kept[] = {"getinfo", "getmetatable", "setmetatable",
                                     "traceback", NULL};
  int i;
  luaopen_debug(L);
  lua_newtable(L);
  for (i = 0; kept[i] != NULL; i++) {
    lua_getfield(L, -2, kept[i]);
    lua_setfield(L, -2, kept[i]);
  }
  return 1;
}


/*
** Opening
*/

typedef struct Library {
  const char *name;
  const char *module;  /* as `tostring` names its functions */
  lua_CFunction open;
} Library;

static const Library libraries[] = {
  {"_G", "luerl_lib_basic", luaopen_base},
  {LUA_LOADLIBNAME, "luerl_lib_package", openpackage},
  {LUA_COLIBNAME, "luerl_lib_coroutine", luaopen_coroutine},
  {LUA_TABLIBNAME, "luerl_lib_table", luaopen_table},
  {LUA_IOLIBNAME, "luerl_lib_io", openio},
  {LUA_OSLIBNAME, "luerl_lib_os", openos},
  {LUA_STRLIBNAME, "luerl_lib_string", luaopen_string},
  {LUA_MATHLIBNAME, "luerl_lib_math", luaopen_math},
  {LUA_UTF8LIBNAME, "luerl_lib_utf8", luaopen_utf8},
  {LUA_DBLIBNAME, "luerl_lib_debug", opendebug},
  {LUA_BITLIBNAME, "luerl_lib_bit32", luaopen_bit32},
  {NULL, NULL, NULL}
};

/* remembers the names of a library's functions, by which `tostring` calls them */
static void name (lua_State *L, const char *module) {
  lua_getfield(L, LUA_REGISTRYINDEX, "oxb.names");
  lua_pushnil(L);
  while (lua_next(L, -3)) {
    if (lua_iscfunction(L, -1) && lua_type(L, -2) == LUA_TSTRING) {
      lua_pushfstring(L, "%s:%s", module, lua_tostring(L, -2));
      lua_rawset(L, -4);
    }
    else lua_pop(L, 1);
  }
  lua_pop(L, 1);
}

void libraries_open (lua_State *L) {
  const Library *l;
  lua_newtable(L);
  lua_setfield(L, LUA_REGISTRYINDEX, "oxb.names");
  for (l = libraries; l->name != NULL; l++) {
    /* scripts find out whether they have coroutines by their name, so only `require` gives them */
    luaL_requiref(L, l->name, l->open, strcmp(l->name, LUA_COLIBNAME) != 0);
    name(L, l->module);
    lua_pop(L, 1);
  }
  lua_register(L, "eprint", oxb_print);
}

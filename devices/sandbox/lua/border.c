/* Values on their way between guest and host. See border.h for the form. */

#define border_c
#define LUA_CORE

#include "border.h"

#include <string.h>

#include "lauxlib.h"

#include "lgc.h"
#include "lobject.h"
#include "lstate.h"
#include "ltable.h"

/* the metatable of integers that do not fit a Lua integer */
#define BIG_INTEGER	"integer"


/*
** Out
*/

static char buffer[65536];
static unsigned int used = 0;

void border_flush (void) {
  if (used > 0) rt_out(buffer, used);
  used = 0;
}

void border_put (const void *bytes, unsigned int size) {
  if (size > sizeof(buffer) - used) {
    border_flush();
    if (size > sizeof(buffer)) {
      rt_out(bytes, size);
      return;
    }
  }
  memcpy(buffer + used, bytes, size);
  used += size;
}

void border_byte (char byte) {
  border_put(&byte, 1);
}

void border_u32 (unsigned int n) {
  border_put(&n, sizeof(n));
}

void border_text (const char *text, size_t size) {
  border_byte('s');
  border_u32((unsigned int)size);
  border_put(text, (unsigned int)size);
}

void border_discard (void) {
  used = 0;
  rt_ask(0);
}


typedef struct Encoder {
  lua_State *L;
  enum border_mode mode;
  int depth;
  const void *tables[BORDER_DEPTH];  /* the tables around the value ... */
  int keys[BORDER_DEPTH];  /* ... and where the stack holds their keys */
} Encoder;


static unsigned int budget = 0;

void border_lossy_budget (void) {
  budget = BORDER_LOSSY_BYTES;
}

/* how much of so many bytes may be written */
static unsigned int afford (Encoder *e, size_t size) {
  if (e->mode != BORDER_LOSSY) return (unsigned int)size;
  if (size > budget) size = budget;
  budget -= (unsigned int)size;
  return (unsigned int)size;
}


/* raises an error that names the way to the value */
static void refuse (Encoder *e, const char *why) {
  lua_State *L = e->L;
  luaL_Buffer b;
  int i;
  luaL_checkstack(L, 10, "value");
  lua_pushstring(L, why);
  luaL_buffinit(L, &b);
  for (i = 0; i < e->depth && i < 20; i++) {
    size_t size;
    const char *key;
    lua_pushvalue(L, e->keys[i]);
    key = lua_tolstring(L, -1, &size);
    if (i > 0) luaL_addchar(&b, '.');
    if (key == NULL) { lua_pop(L, 1); luaL_addstring(&b, "?"); }
    else if (size > 100) { lua_pop(L, 1); luaL_addstring(&b, "..."); }
    else luaL_addvalue(&b);
  }
  luaL_pushresult(&b);
  if (e->depth == 0) luaL_error(L, "%s cannot leave the script", why);
  luaL_error(L, "%s at %s cannot leave the script", why, lua_tostring(L, -1));
}


static void lossy (Encoder *e, int index) {
  size_t size;
  lua_State *L = e->L;
  if (lua_istable(L, index)) {
    lua_pushfstring(L, "table: %I", (LUAI_UACINT)lua_idof(L, index));
    lua_tolstring(L, -1, &size);
  }
  else luaL_tolstring(L, index, &size);
  border_text(lua_tostring(L, -1), size);
  lua_pop(L, 1);
}


static void encode (Encoder *e, int index);


static int isknown (Encoder *e, const Table *t) {
  return e->mode == BORDER_KEEP && t->watch == G(e->L)->era;
}


static void encodeentries (Encoder *e, int index) {
  lua_State *L = e->L;
  lua_Integer next = 1;
  luaL_checkstack(L, 8, "nested too deep");
  lua_pushnil(L);
  e->keys[e->depth++] = lua_gettop(L);
  while (lua_next(L, index)) {
    int key = lua_gettop(L) - 1;
    if (afford(e, 16) < 16) {  /* has shown enough */
      lua_pop(L, 2);
      break;
    }
    if (next > 0 && lua_isinteger(L, key) && lua_tointeger(L, key) == next)
      next++;
    else {
      int type = lua_type(L, key);
      if (next > 0) border_byte('p');
      next = 0;
      if (lua_isinteger(L, key) || type == LUA_TSTRING || type == LUA_TBOOLEAN)
        encode(e, key);
      else if (e->mode == BORDER_LOSSY) lossy(e, key);
      else refuse(e, "a key that is neither text nor a whole number");
    }
    encode(e, key + 1);
    lua_pop(L, 1);
  }
  e->depth--;
  border_byte('e');
}


static void encodetable (Encoder *e, int index) {
  lua_State *L = e->L;
  Table *t = (Table *)lua_topointer(L, index);
  int i;
  int inside = (e->depth == BORDER_DEPTH || afford(e, 16) < 16);
  if (isknown(e, t)) {
    border_byte('r');
    border_put(&t->id, sizeof(t->id));
    return;
  }
  for (i = 0; i < e->depth; i++)
    inside |= (e->tables[i] == t);
  if (inside) {
    if (e->mode == BORDER_LOSSY) lossy(e, index);
    else refuse(e, e->depth == BORDER_DEPTH ? "a table nested too deep"
                                            : "a table that contains itself");
    return;
  }
  border_byte(t->metatable != NULL ? 'u' : 't');
  border_put(&t->id, sizeof(t->id));
  if (e->mode == BORDER_KEEP) {
    t->watch = G(L)->era;
    t->changes = NULL;
  }
  e->tables[e->depth] = t;
  encodeentries(e, index);
}


static void encode (Encoder *e, int index) {
  lua_State *L = e->L;
  switch (lua_type(L, index)) {
    case LUA_TNIL: border_byte('n'); break;
    case LUA_TBOOLEAN: border_byte(lua_toboolean(L, index) ? 'T' : 'F'); break;
    case LUA_TNUMBER: {
      if (lua_isinteger(L, index)) {
        lua_Integer i = lua_tointeger(L, index);
        border_byte('i');
        border_put(&i, sizeof(i));
      }
      else {
        lua_Number n = lua_tonumber(L, index);
        border_byte('d');
        border_put(&n, sizeof(n));
      }
      break;
    }
    case LUA_TSTRING: {
      size_t size;
      const char *text = lua_tolstring(L, index, &size);
      border_text(text, afford(e, size));
      break;
    }
    case LUA_TTABLE: encodetable(e, index); break;
    default: {
      if (luaL_testudata(L, index, BIG_INTEGER)) {
        unsigned int size = (unsigned int)lua_rawlen(L, index);
        border_byte('b');
        border_u32(size);
        border_put(lua_touserdata(L, index), size);
      }
      else if (e->mode == BORDER_LOSSY) lossy(e, index);
      else {
        lua_pushfstring(L, "a %s", luaL_typename(L, index));
        refuse(e, lua_tostring(L, -1));
      }
    }
  }
}


void border_encode (lua_State *L, int index, enum border_mode mode) {
  Encoder e;
  e.L = L;
  e.mode = mode;
  e.depth = 0;
  encode(&e, lua_absindex(L, index));
}


/*
** Changes
*/

static void pushtable (lua_State *L, Table *t) {
  luaL_checkstack(L, 4, "changes");
  sethvalue(L, L->top, t);
  L->top++;
}

static void freshlist (lua_State *L) {
  lua_newtable(L);
  G(L)->lastid--;  /* scripts do not see it, nor its number */
  G(L)->changed = (Table *)lua_topointer(L, -1);
  G(L)->nchanged = 0;
  lua_pop(L, 1);
}

void border_forget (lua_State *L) {
  G(L)->era++;
  if (G(L)->nchanged > 0) freshlist(L);
  lua_pushnil(L);
  lua_setfield(L, LUA_REGISTRYINDEX, BORDER_KEPT);
}


static void encodechanges (Encoder *e, Table *t, int table) {
  lua_State *L = e->L;
  int changes;
  pushtable(L, t->changes);
  changes = lua_gettop(L);
  t->changes = NULL;
  border_byte(t->metatable != NULL ? 'C' : 'c');
  border_put(&t->id, sizeof(t->id));
  lua_pushnil(L);
  e->keys[0] = lua_gettop(L);
  e->tables[0] = t;
  while (lua_next(L, changes)) {
    int type;
    lua_pop(L, 1);
    type = lua_type(L, -1);
    e->depth = 1;
    if (!lua_isinteger(L, -1) && type != LUA_TSTRING && type != LUA_TBOOLEAN)
      refuse(e, "a key that is neither text nor a whole number");
    encode(e, lua_gettop(L));
    lua_pushvalue(L, -1);
    lua_rawget(L, table);
    encode(e, lua_gettop(L));
    lua_pop(L, 1);
  }
  border_byte('e');
  lua_settop(L, changes - 1);
}


void border_changes (lua_State *L) {
  Encoder e;
  int list;
  lua_Integer i, n = G(L)->nchanged;
  if (n == 0) return;
  e.L = L;
  e.mode = BORDER_KEEP;
  pushtable(L, G(L)->changed);
  list = lua_gettop(L);
  freshlist(L);
  for (i = 1; i <= n; i++) {
    Table *t;
    lua_rawgeti(L, list, i);
    t = (Table *)lua_topointer(L, -1);
    if (t->watch == G(L)->era && t->changes != NULL)
      encodechanges(&e, t, lua_gettop(L));
    lua_pop(L, 1);
  }
  lua_settop(L, list - 1);
}


/*
** In
*/

static const char *readbytes (lua_State *L, Reader *r, size_t size) {
  const char *at = r->at;
  if ((size_t)(r->end - at) < size) luaL_error(L, "the host sent too little");
  r->at += size;
  return at;
}

unsigned int border_read_u32 (lua_State *L, Reader *r) {
  unsigned int n;
  memcpy(&n, readbytes(L, r, sizeof(n)), sizeof(n));
  return n;
}

lua_Integer border_read_i64 (lua_State *L, Reader *r) {
  lua_Integer n;
  memcpy(&n, readbytes(L, r, sizeof(n)), sizeof(n));
  return n;
}

lua_Number border_read_f64 (lua_State *L, Reader *r) {
  lua_Number n;
  memcpy(&n, readbytes(L, r, sizeof(n)), sizeof(n));
  return n;
}

const char *border_read_text (lua_State *L, Reader *r, size_t *size) {
  *size = border_read_u32(L, r);
  return readbytes(L, r, *size);
}


static int bigtostring (lua_State *L) {
  lua_pushlstring(L, luaL_checkudata(L, 1, BIG_INTEGER), lua_rawlen(L, 1));
  return 1;
}

static int bigeq (lua_State *L) {
  const void *a = luaL_testudata(L, 1, BIG_INTEGER);
  const void *b = luaL_testudata(L, 2, BIG_INTEGER);
  lua_pushboolean(L, a != NULL && b != NULL && lua_rawlen(L, 1) == lua_rawlen(L, 2) &&
                     memcmp(a, b, lua_rawlen(L, 1)) == 0);
  return 1;
}

static const luaL_Reg bigfunctions[] = {
  {"__eq", bigeq},
  {"__tostring", bigtostring},
  {NULL, NULL}
};

static void decodebig (lua_State *L, Reader *r) {
  size_t size;
  const char *digits = border_read_text(L, r, &size);
  memcpy(lua_newuserdata(L, size), digits, size);
  luaL_setmetatable(L, BIG_INTEGER);
}


/* changes the kept table as the host says, and pushes it */
static void decodekept (lua_State *L, Reader *r) {
  unsigned int changes = border_read_u32(L, r);
  if (lua_getfield(L, LUA_REGISTRYINDEX, BORDER_KEPT) != LUA_TTABLE)
    luaL_error(L, "no table is kept");
  while (changes-- > 0) {
    unsigned int keys = border_read_u32(L, r);
    lua_pushvalue(L, -1);
    while (keys-- > 1) {
      border_decode(L, r);
      if (lua_istable(L, -2)) lua_rawget(L, -2);
      lua_remove(L, -2);
    }
    border_decode(L, r);
    border_decode(L, r);
    if (lua_istable(L, -3)) lua_rawset(L, -3);
    else lua_pop(L, 2);
    lua_pop(L, 1);
  }
}


/* pushes a table whose entries are unpacked when somebody looks into it */
static void decodepacked (lua_State *L, Reader *r) {
  size_t size;
  unsigned int objects = border_read_u32(L, r);
  const char *entries = border_read_text(L, r, &size);
  lua_newtable(L);
  luaH_pack(L, (Table *)lua_topointer(L, -1), entries, (unsigned int)size, objects);
}


/* where that is done */
static lua_State *unpacker = NULL;

static int unpack (lua_State *L) {
  border_decode(L, (Reader *)lua_touserdata(L, 1));
  return 1;
}


/*
** This comes in the middle of whatever the running thread does, so its stack
** must not move, and no finalizer run. Memory that runs out is collected even
** so: the table is kept meanwhile. It and what is in it have the numbers that
** they would have if it had been unpacked at once.
*/
void luaH_unpack (Table *t) {
  lua_State *L = unpacker;
  global_State *g = G(L);
  lu_id last = g->lastid;
  lu_byte collects = g->gcrunning;
  Reader r;
  int status;
  r.at = t->packed;
  r.end = t->packed + t->npacked;
  g->lastid = t->id - 1;
  g->gcrunning = 0;
  pushtable(L, t);
  lua_pushcfunction(L, unpack);
  lua_pushlightuserdata(L, &r);
  status = lua_pcall(L, 1, 1, 0);
  g->gcrunning = collects;
  g->lastid = last;
  if (status == LUA_OK) luaH_adopt(L, t, hvalue(L->top - 1));
  lua_settop(L, 0);
  /* it came from the host as it should be, so that only memory can lack */
  if (status != LUA_OK) lua_nomemory(g->running);
}


void border_decode (lua_State *L, Reader *r) {
  char tag = *readbytes(L, r, 1);
  luaL_checkstack(L, 8, "nested too deep");
  switch (tag) {
    case 'n': lua_pushnil(L); break;
    case 'T': lua_pushboolean(L, 1); break;
    case 'F': lua_pushboolean(L, 0); break;
    case 'i': lua_pushinteger(L, border_read_i64(L, r)); break;
    case 'd': lua_pushnumber(L, border_read_f64(L, r)); break;
    case 's': {
      size_t size;
      const char *text = border_read_text(L, r, &size);
      lua_pushlstring(L, text, size);
      break;
    }
    case 'b': decodebig(L, r); break;
    case 'k': decodekept(L, r); break;
    case 'z': decodepacked(L, r); break;
    case 'l': {
      unsigned int i, n = border_read_u32(L, r);
      lua_createtable(L, (int)n, 0);
      for (i = 1; i <= n; i++) {
        border_decode(L, r);
        lua_rawseti(L, -2, i);
      }
      break;
    }
    case 'm': {
      unsigned int n = border_read_u32(L, r);
      lua_createtable(L, 0, (int)n);
      while (n-- > 0) {
        border_decode(L, r);
        border_decode(L, r);
        lua_rawset(L, -3);
      }
      break;
    }
    default: luaL_error(L, "the host sent an unknown tag");
  }
}


void border_open (lua_State *L) {
  lu_id last = G(L)->lastid;
  freshlist(L);
  luaL_newmetatable(L, BIG_INTEGER);
  luaL_setfuncs(L, bigfunctions, 0);
  lua_pop(L, 1);
  unpacker = lua_newthread(L);
  lua_setfield(L, LUA_REGISTRYINDEX, "oxb.unpacker");
  G(L)->lastid = last;  /* scripts make none of these: theirs are counted alone */
}

/*
** How values cross the border between the guest and the host.
**
** | Tag       | Follows                                                     |
** |-----------|-------------------------------------------------------------|
** | n T F     | nothing: nil, true, false                                   |
** | i         | 8 bytes: an integer                                         |
** | d         | 8 bytes: a float                                            |
** | s         | 4 bytes of length, bytes                                    |
** | b         | 4 bytes of length, digits: an integer that does not fit `i` |
** | t u       | 8 bytes: the number of a table (u: it has a metatable), its |
** |           | values from 1 on, then `p` and pairs of key and value if it |
** |           | has other keys, then `e`                                    |
** | r         | 8 bytes: the number of a table that the host knows          |
** | c C       | 8 bytes: the number of a known table that changed (C: it    |
** |           | has a metatable), pairs of key and value or nil, then `e`   |
** | k         | only inwards: the kept table, 4 bytes: how many changes, and|
** |           | for each 4 bytes: length of its path, the keys, the value   |
** | l         | only inwards: 4 bytes: how many values, the values          |
** | m         | only inwards: 4 bytes: how many pairs, the pairs            |
** | z         | only inwards: a table that is unpacked when somebody looks  |
** |           | into it: 4 bytes: how many tables and `b` are in it, 4 bytes|
** |           | of length, the table as `l` or `m`                          |
**
** Numbers are little-endian. Source of the conversion: spec 14, section 4.
*/
#ifndef border_h
#define border_h

#include "lua.h"

/* how deep tables may be nested */
#define BORDER_DEPTH	100
/* how many bytes a trace shows of all arguments; they may be the whole state */
#define BORDER_LOSSY_BYTES	(256 * 1024)

enum border_mode {
  BORDER_PLAIN,  /* every table in full */
  BORDER_KEEP,   /* as plain; watches the tables, and refers to watched ones */
  BORDER_LOSSY   /* as plain; what cannot cross becomes text */
};

/* what leaves the guest, gathered in a fixed buffer so that nothing is allocated */
void border_put (const void *bytes, unsigned int size);
void border_byte (char byte);
void border_text (const char *text, size_t size);
void border_u32 (unsigned int n);
void border_flush (void);
void border_discard (void);

/* writes the value at a stack index; raises a Lua error for what cannot cross */
void border_encode (lua_State *L, int index, enum border_mode mode);
/* how much may be written as BORDER_LOSSY from now on, all in all */
void border_lossy_budget (void);
/* writes what changed in watched tables, and forgets it */
void border_changes (lua_State *L);
/* no table is watched any more */
void border_forget (lua_State *L);
/* from now on changes of watched tables are noted; called once */
void border_open (lua_State *L);

/* bytes that came in; reading past the end is a Lua error */
typedef struct Reader {
  const char *at;
  const char *end;
} Reader;

unsigned int border_read_u32 (lua_State *L, Reader *r);
lua_Integer border_read_i64 (lua_State *L, Reader *r);
lua_Number border_read_f64 (lua_State *L, Reader *r);
const char *border_read_text (lua_State *L, Reader *r, size_t *size);
/* pushes the next value */
void border_decode (lua_State *L, Reader *r);

/* where the registry holds the table that the host knows */
#define BORDER_KEPT	"oxb.kept"

#endif

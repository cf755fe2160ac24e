/*
** Included before every file of the guest.
**
** A guest has no setjmp: the host runs the body of a "try" as a call of its
** own and drops it when the guest throws. 'f', 'L' and 'ud' are the names in
** scope where Lua uses LUAI_TRY.
*/
#ifndef oxb_h
#define oxb_h

#define OXB_IMPORT(n)	__attribute__((import_module("rt"), import_name(n)))
#define OXB_EXPORT(n)	__attribute__((export_name(n)))

/* calls f(L, ud); 0 when it returned, 1 when something in it threw */
OXB_IMPORT("try") int rt_try (void *f, void *L, void *ud);
OXB_IMPORT("throw") _Noreturn void rt_throw (void);

/* appends bytes to what the host will read when it is asked or the call ends */
OXB_IMPORT("out") void rt_out (const void *bytes, unsigned int size);
/* the host reads what was sent out and does it; returns the size of its answer */
OXB_IMPORT("ask") int rt_ask (int op);
/* copies the host's answer, or the arguments of the call, to 'bytes' */
OXB_IMPORT("take") void rt_take (void *bytes);

#define LUAI_THROW(L,c)		rt_throw()
#define LUAI_TRY(L,c,a) \
	if (rt_try((void *)f, (void *)L, ud)) { \
	  if ((c)->status == 0) (c)->status = -1; }
#define luai_jmpbuf		int

/* the order of tables does not show, so the seed need not be random */
#define luai_makeseed()		0x6f786265u

/* where table.sort starts when a table is built to make it slow */
#define l_randomizePivot()	0x6f7862u

/* nobody reads what Lua would write to the console */
#define lua_writestring(s,l)		((void)0)
#define lua_writeline()			((void)0)
#define lua_writestringerror(s,p)	((void)0)

#define l_signalT		int

#define LUA_COMPAT_BITLIB
#define LUA_COMPAT_LOADSTRING
#define LUA_COMPAT_MATHLIB
#define LUA_COMPAT_UNPACK

/* nested calls that use the guest's own stack: parser, patterns, C functions */
#define LUAI_MAXCCALLS		200

#endif

/* Floats as decimal digits. */
#ifndef digits_h
#define digits_h

#include <stddef.h>

/* room for the digits of a float; 17 are enough for any */
#define DIGITS	20

/*
** Writes the shortest digits that read back as 'n', which is finite and not
** negative, and of these the nearest. Returns how many; 'place' is the power
** of ten of the last one.
*/
int oxb_digits (double n, char *digits, int *place);

/* writes a whole number, at most 20 characters; returns how many */
size_t oxb_whole (long long n, char *out);

/* as strtod */
double oxb_number (const char *s, char **end);

#endif

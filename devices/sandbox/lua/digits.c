/*
** Floats to digits and back, exact and without the C library, whose own
** functions compute in numbers of 128 bits that a guest has to emulate.
*/

#include "digits.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* every power of ten that a double holds exactly */
static const double tens[] = {
  1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11,
  1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22
};

#define TENS	((int)(sizeof(tens) / sizeof(tens[0])) - 1)


/*
** Natural numbers, least significant limb first. The largest is above
** 2^1024 * 2^2 * 10, and 2^1077 * 10 or 10^324 * 2^55 for small floats.
*/

#define LIMBS	40

typedef struct Big {
  int size;
  uint32_t limb[LIMBS];
} Big;

static void trim (Big *b) {
  while (b->size > 0 && b->limb[b->size - 1] == 0) b->size--;
}

/* m * 2^shift */
static void big_set (Big *b, uint64_t m, int shift) {
  int at = shift / 32, bits = shift % 32;
  memset(b->limb, 0, sizeof(b->limb));
  b->limb[at] = (uint32_t)(m << bits);
  b->limb[at + 1] = (uint32_t)((m << bits) >> 32);
  if (bits > 0) b->limb[at + 2] = (uint32_t)((m >> (64 - bits)));
  b->size = at + 3;
  trim(b);
}

static void big_scale (Big *b, uint32_t factor) {
  uint64_t carry = 0;
  int i;
  for (i = 0; i < b->size; i++) {
    carry += (uint64_t)b->limb[i] * factor;
    b->limb[i] = (uint32_t)carry;
    carry >>= 32;
  }
  if (carry > 0) b->limb[b->size++] = (uint32_t)carry;
}

static void big_ten (Big *b, int power) {
  for (; power >= 9; power -= 9) big_scale(b, 1000000000u);
  if (power > 0) big_scale(b, (uint32_t)tens[power]);
}

static int big_compare (const Big *a, const Big *b) {
  int i;
  if (a->size != b->size) return a->size - b->size;
  for (i = a->size - 1; i >= 0; i--)
    if (a->limb[i] != b->limb[i]) return a->limb[i] < b->limb[i] ? -1 : 1;
  return 0;
}

/* a + b against c */
static int big_compare_sum (const Big *a, const Big *b, const Big *c) {
  Big sum = *a;
  uint64_t carry = 0;
  int i, n = (a->size > b->size ? a->size : b->size);
  for (i = 0; i < n; i++) {
    carry += (uint64_t)(i < a->size ? a->limb[i] : 0) + (i < b->size ? b->limb[i] : 0);
    sum.limb[i] = (uint32_t)carry;
    carry >>= 32;
  }
  sum.size = n;
  if (carry > 0) sum.limb[sum.size++] = (uint32_t)carry;
  return big_compare(&sum, c);
}

/* a -= b, which is not larger */
static void big_subtract (Big *a, const Big *b) {
  int64_t borrow = 0;
  int i;
  for (i = 0; i < a->size; i++) {
    borrow += (int64_t)a->limb[i] - (i < b->size ? b->limb[i] : 0);
    a->limb[i] = (uint32_t)borrow;
    borrow >>= 32;
  }
  trim(a);
}


/*
** The float as a fraction r/s, and half the way to its neighbours as
** up/s and down/s. Source: Burger and Dybvig, "Printing Floating-Point
** Numbers Quickly and Accurately", PLDI 1996, figure 3.
*/
typedef struct Fraction {
  Big r, s, up, down;
  int even;  /* what lies half way reads back as this float */
} Fraction;

static int generate (Fraction *f, char *digits) {
  int len = 0;
  for (;;) {
    int digit = 0, low, high;
    while (big_compare(&f->r, &f->s) >= 0) {
      big_subtract(&f->r, &f->s);
      digit++;
    }
    low = big_compare(&f->r, &f->down) < f->even;
    high = big_compare_sum(&f->r, &f->up, &f->s) > -f->even;
    if (!low && !high) {
      digits[len++] = (char)('0' + digit);
      big_scale(&f->r, 10);
      big_scale(&f->up, 10);
      big_scale(&f->down, 10);
      continue;
    }
    if (high && (!low || big_compare_sum(&f->r, &f->r, &f->s) > 0)) digit++;
    digits[len++] = (char)('0' + digit);
    return len;
  }
}

static int exactdigits (double n, char *digits, int *place) {
  Fraction f;
  uint64_t m;
  int e, k, len, narrow;
  m = (uint64_t)ldexp(frexp(n, &e), 53);
  e -= 53;
  if (e < -1074) {  /* the smallest floats have fewer bits */
    m >>= -1074 - e;
    e = -1074;
  }
  f.even = !(m & 1);
  narrow = (m == (uint64_t)1 << 52 && e > -1074);  /* the lower neighbour is nearer */
  big_set(&f.r, m, (e > 0 ? e : 0) + 1 + narrow);
  big_set(&f.s, 1, (e > 0 ? 0 : -e) + 1 + narrow);
  big_set(&f.up, 1, (e > 0 ? e : 0) + narrow);
  big_set(&f.down, 1, e > 0 ? e : 0);
  k = (int)ceil(log10(n) - 1e-10);  /* right, or one too small */
  if (k >= 0) big_ten(&f.s, k);
  else {
    big_ten(&f.r, -k);
    big_ten(&f.up, -k);
    big_ten(&f.down, -k);
  }
  if (big_compare_sum(&f.r, &f.up, &f.s) > -f.even) k++;
  else {
    big_scale(&f.r, 10);
    big_scale(&f.up, 10);
    big_scale(&f.down, 10);
  }
  len = generate(&f, digits);
  *place = k - len;
  return len;
}


/* writes a whole number without zeros at its end */
static int wholedigits (uint64_t whole, char *digits, int *place) {
  char reversed[DIGITS];
  int i, len = 0;
  while (whole % 10 == 0) { whole /= 10; (*place)++; }
  for (; whole > 0; whole /= 10) reversed[len++] = (char)('0' + whole % 10);
  for (i = 0; i < len; i++) digits[i] = reversed[len - 1 - i];
  return len;
}


size_t oxb_whole (long long n, char *out) {
  char reversed[DIGITS];
  size_t len = 0, sign = n < 0, i;
  uint64_t rest = sign ? 0 - (uint64_t)n : (uint64_t)n;
  do {
    reversed[len++] = (char)('0' + rest % 10);
    rest /= 10;
  } while (rest > 0);
  out[0] = '-';
  for (i = 0; i < len; i++) out[sign + i] = reversed[len - 1 - i];
  return sign + len;
}


int oxb_digits (double n, char *digits, int *place) {
  int k;
  *place = 0;
  if (n == 0) {
    digits[0] = '0';
    return 1;
  }
  /* up to 15 digits no two decimals are the same float, so the first that fits is it */
  for (k = 0; k <= TENS && n * tens[k] < 1e15; k++) {
    double whole = rint(n * tens[k]);
    if (whole >= 1 && whole / tens[k] == n) {
      *place = -k;
      return wholedigits((uint64_t)whole, digits, place);
    }
  }
  return exactdigits(n, digits, place);
}


/* both the digits and the power of ten are floats, so that their product is rounded once */
double oxb_number (const char *s, char **end) {
  const char *at = s;
  uint64_t whole = 0;
  int digits = 0, point = 0, exponent = 0, negative;
  while (*at == ' ' || (*at >= '\t' && *at <= '\r')) at++;
  negative = (*at == '-');
  if (*at == '-' || *at == '+') at++;
  for (;; at++) {
    if (*at == '.' && !point) point = 1;
    else if (*at >= '0' && *at <= '9' && digits < 15) {
      whole = whole * 10 + (uint64_t)(*at - '0');
      digits++;
      exponent -= point;
    }
    else break;
  }
  if (digits == 0 || (*at >= '0' && *at <= '9')) return strtod(s, end);
  if (*at == 'e' || *at == 'E' || *at == 'x' || *at == 'X') {
    char *after;
    long e = strtol(at + 1, &after, 10);
    if (at[1] == ' ' || (at[1] >= '\t' && at[1] <= '\r') || after == at + 1 ||
        e < -400 || e > 400 || *at == 'x' || *at == 'X')
      return strtod(s, end);
    exponent += (int)e;
    at = after;
  }
  if (exponent < -TENS || exponent > TENS) return strtod(s, end);
  *end = (char *)at;
  {
    double n = (exponent < 0) ? (double)whole / tens[-exponent]
                              : (double)whole * tens[exponent];
    return negative ? -n : n;
  }
}

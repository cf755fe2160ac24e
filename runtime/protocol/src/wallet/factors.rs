//! The factors and CRT numbers of an RSA key from n, e and d. Source: NIST SP 800-56B rev. 2,
//! appendix C.1.
//!
//! `e·d − 1` is a multiple of the order of every number modulo n, and even: halving it while the
//! power is 1 leads to a square root of 1. One that is neither 1 nor −1 shares a factor with n, and
//! half of all numbers lead to one.

use num_bigint::BigUint;
use zeroize::Zeroizing;

/// The last number to try, from 2 on. Each misses with probability one half or less.
const LAST_BASE: u32 = 65;

/// p, q, dp, dq and qi, big-endian.
pub(super) type CrtNumbers = [Zeroizing<Vec<u8>>; 5];

/// `None` if the numbers are not of one key.
pub(super) fn crt_numbers(n: &[u8], e: &[u8], d: &[u8]) -> Option<CrtNumbers> {
    let one = BigUint::from(1_u8);
    let [n, e, d] = [n, e, d].map(BigUint::from_bytes_be);
    // Of a longer d the powers would take longer than any true key's.
    (d < n && d.bits() > 0 && e.bits() > 0).then_some(())?;
    let p = factor(&n, &(e * &d - &one))?;
    let q = &n / &p;
    let (p, q) = if p > q { (p, q) } else { (q, p) };
    let [dp, dq] = [&d % (&p - &one), &d % (&q - &one)];
    let qi = q.modinv(&p)?;
    Some([p, q, dp, dq, qi].map(|number| Zeroizing::new(number.to_bytes_be())))
}

/// A factor of `n` other than 1 and `n`, which is not zero.
fn factor(n: &BigUint, multiple: &BigUint) -> Option<BigUint> {
    let one = BigUint::from(1_u8);
    let zeros = multiple.trailing_zeros()?;
    let odd = multiple >> zeros;
    let minus_one = n - &one;
    (2..=LAST_BASE).find_map(|base| {
        let first = BigUint::from(base).modpow(&odd, n);
        let mut powers = std::iter::successors(Some(first), |power| Some(power * power % n));
        let mut last = powers.next()?;
        for _ in 0..zeros {
            let square = powers.next()?;
            if square == one && last != one && last != minus_one {
                return Some(gcd(last - &one, n.clone()));
            }
            last = square;
        }
        None
    })
}

fn gcd(mut a: BigUint, mut b: BigUint) -> BigUint {
    while b.bits() > 0 {
        (a, b) = (b.clone(), a % b);
    }
    a
}

#[cfg(test)]
mod tests {
    use super::*;

    fn crt(n: u32, e: u32, d: u32) -> Option<[Vec<u8>; 5]> {
        let numbers = crt_numbers(&n.to_be_bytes(), &e.to_be_bytes(), &d.to_be_bytes())?;
        Some(numbers.map(|number| number.to_vec()))
    }

    #[test]
    fn the_numbers_of_a_small_key_are_found() {
        let expected = [61_u8, 53, 53, 49, 38].map(|number| vec![number]);
        assert_eq!(crt(3233, 17, 2753), Some(expected));
    }

    #[test]
    fn numbers_of_no_key_have_no_factors() {
        for (n, e, d) in [(0, 0, 0), (1, 1, 0), (3233, 17, 2754), (7, 5, 5), (3233, 0, 9)] {
            assert_eq!(crt(n, e, d), None, "{n} {e} {d}");
        }
    }
}

//! Fixed-point numbers for records: millionths in an `i64`, so that sums cancel exactly when a record is retracted.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::ops::{Add, AddAssign, Neg, Sub};

/// A decimal number in millionths; range about +-9.2e12.
///
/// Arithmetic saturates: a feature at the end of its range is still ordered, while a wrapped one would be wrong.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fixed(pub i64);

impl Fixed {
    /// Units in one.
    pub const ONE: i64 = 1_000_000;
    /// Zero.
    pub const ZERO: Self = Self(0);

    /// The whole number `value`.
    pub const fn from_int(value: i64) -> Self {
        Self(value.saturating_mul(Self::ONE))
    }
    /// `numerator / denominator`, rounded half away from zero; zero when the denominator is zero.
    pub const fn ratio(numerator: i64, denominator: i64) -> Self {
        if denominator == 0 {
            return Self::ZERO;
        }
        let (scaled, divisor) = (numerator as i128 * Self::ONE as i128, denominator as i128);
        let half = divisor.abs() / 2;
        Self(saturate(if scaled < 0 { scaled - half } else { scaled + half } / divisor))
    }
    /// The nearest `f64`; for display and for kernels, never for a record.
    pub fn to_f64(self) -> f64 {
        self.0 as f64 / Self::ONE as f64
    }
}

const fn saturate(value: i128) -> i64 {
    if value > i64::MAX as i128 {
        i64::MAX
    } else if value < i64::MIN as i128 {
        i64::MIN
    } else {
        value as i64
    }
}

impl Add for Fixed {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}
impl AddAssign for Fixed {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}
impl Sub for Fixed {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}
impl Neg for Fixed {
    type Output = Self;
    fn neg(self) -> Self {
        Self(self.0.saturating_neg())
    }
}

impl fmt::Display for Fixed {
    /// Decimal without trailing zeros: `1.5`, `-0.000001`, `3`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (sign, units) = (if self.0 < 0 { "-" } else { "" }, self.0.unsigned_abs());
        let (whole, part) = (units / Self::ONE as u64, units % Self::ONE as u64);
        if part == 0 {
            return write!(f, "{sign}{whole}");
        }
        write!(f, "{sign}{whole}.{}", format!("{part:06}").trim_end_matches('0'))
    }
}

impl Serialize for Fixed {
    /// A JSON number for people, the raw units for machines.
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.serialize_f64(self.to_f64())
        } else {
            serializer.serialize_i64(self.0)
        }
    }
}
impl<'de> Deserialize<'de> for Fixed {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            // Below 4e9 a decimal with six digits survives the trip through f64 exactly.
            f64::deserialize(deserializer).map(|value| Self((value * Self::ONE as f64).round() as i64))
        } else {
            i64::deserialize(deserializer).map(Self)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_ratio_rounds_half_away_from_zero() {
        assert_eq!(Fixed::ratio(1, 3), Fixed(333_333));
        assert_eq!(Fixed::ratio(2, 3), Fixed(666_667));
        assert_eq!(Fixed::ratio(-2, 3), Fixed(-666_667));
        assert_eq!(Fixed::ratio(-2, -3), Fixed(666_667));
        assert_eq!(Fixed::ratio(1, 0), Fixed::ZERO);
        assert_eq!(Fixed::ratio(i64::MAX, 1), Fixed(i64::MAX));
    }

    #[test]
    fn display_is_the_exact_decimal() {
        assert_eq!(Fixed(1_500_000).to_string(), "1.5");
        assert_eq!(Fixed(-1).to_string(), "-0.000001");
        assert_eq!(Fixed::from_int(3).to_string(), "3");
    }

    proptest! {
        #[test]
        fn json_and_bytes_give_the_number_back(units in -4_000_000_000_000_000i64..4_000_000_000_000_000) {
            let value = Fixed(units);
            let json = serde_json::to_string(&value).expect("serialises");
            prop_assert_eq!(serde_json::from_str::<Fixed>(&json).expect("reads back"), value);
            let bytes = bincode::serialize(&value).expect("serialises");
            prop_assert_eq!(bincode::deserialize::<Fixed>(&bytes).expect("reads back"), value);
        }
    }
}

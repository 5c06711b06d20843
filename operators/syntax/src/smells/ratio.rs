//! A ratio of two counts, compared exactly: `a/b < c/d` is `a*d < c*b`.
//!
//! A denominator is never zero: what has none is `None` where ratios are made.

use serde::de::{self, Deserializer, Visitor};
use serde::{Deserialize, Serialize, Serializer};
use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;

/// A ratio, or a whole number as a ratio to one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ratio {
    numerator: u32,
    denominator: NonZeroU32,
}

impl Ratio {
    /// `numerator / denominator`, unless that is nothing.
    pub fn of(numerator: u32, denominator: u32) -> Option<Self> {
        NonZeroU32::new(denominator).map(|denominator| Self { numerator, denominator })
    }

    /// One third, which the published rules use.
    pub(super) const THIRD: Self = Self { numerator: 1, denominator: NonZeroU32::MIN.saturating_add(2) };

    /// Whether it is less than `other`.
    pub fn is_below(self, other: Self) -> bool {
        let cross = |a: Self, b: Self| u64::from(a.numerator) * u64::from(b.denominator.get());
        cross(self, other) < cross(other, self)
    }

    /// The number above the line.
    pub fn numerator(self) -> u32 {
        self.numerator
    }

    /// The number below the line.
    pub fn denominator(self) -> u32 {
        self.denominator.get()
    }
}

impl From<u32> for Ratio {
    fn from(whole: u32) -> Self {
        Self { numerator: whole, denominator: NonZeroU32::MIN }
    }
}

impl fmt::Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.denominator.get() {
            1 => write!(f, "{}", self.numerator),
            denominator => write!(f, "{}/{denominator}", self.numerator),
        }
    }
}

impl FromStr for Ratio {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let refuse = || format!("`{text}` is no whole number and no ratio such as 1/3");
        let (above, below) = text.split_once('/').unwrap_or((text, "1"));
        let number = |text: &str| text.trim().parse::<u32>().map_err(|_| refuse());
        Self::of(number(above)?, number(below)?).ok_or_else(refuse)
    }
}

impl Serialize for Ratio {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.denominator.get() {
            1 => serializer.serialize_u32(self.numerator),
            _ => serializer.collect_str(self),
        }
    }
}

impl<'de> Deserialize<'de> for Ratio {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl Visitor<'_> for Either {
            type Value = Ratio;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a whole number or a ratio such as \"1/3\"")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Ratio, E> {
                text.parse().map_err(E::custom)
            }
            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Ratio, E> {
                u32::try_from(number).map(Ratio::from).map_err(|_| E::custom(format!("{number} is too large")))
            }
            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Ratio, E> {
                u32::try_from(number).map(Ratio::from).map_err(|_| E::custom(format!("{number} is out of range")))
            }
        }
        deserializer.deserialize_any(Either)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_are_compared_without_rounding() {
        let ratio = |a, b| Ratio::of(a, b).expect("a denominator");
        assert!(!ratio(1, 3).is_below(Ratio::THIRD) && !ratio(2, 6).is_below(Ratio::THIRD));
        assert!(ratio(1_431_655_764, u32::MAX).is_below(Ratio::THIRD), "less by one part in four thousand million");
        assert!(!ratio(1_431_655_765, u32::MAX).is_below(Ratio::THIRD));
        assert!(Ratio::from(5).is_below(Ratio::from(6)) && !Ratio::from(6).is_below(Ratio::from(6)));
        assert_eq!(Ratio::of(1, 0), None);
    }

    #[test]
    fn what_is_written_is_read_back() {
        for text in ["7", "1/3", "0", "12/50"] {
            let ratio: Ratio = text.parse().expect("a ratio");
            assert_eq!(ratio.to_string(), text);
            let json = serde_json::to_string(&ratio).expect("plain data");
            assert_eq!(serde_json::from_str::<Ratio>(&json).expect("what was written"), ratio);
        }
        for text in ["", "1/0", "a", "1/2/3", "-1", "0.3"] {
            assert!(text.parse::<Ratio>().is_err(), "{text}");
        }
        assert!(serde_json::from_str::<Ratio>("-1").is_err() && serde_json::from_str::<Ratio>("0.5").is_err());
    }
}
